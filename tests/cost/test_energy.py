"""Energy from a counter of our own."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nasturtium.cost.energy import energy_counter, gpu_counter, measure_energy
from nasturtium.errors import ConfigError


def package(root: Path, number: int, microjoules: int, turn: int = 999_999) -> Path:
    folder = root / f"intel-rapl:{number}"
    folder.mkdir(parents=True)
    (folder / "max_energy_range_uj").write_text(f"{turn}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (root / f"intel-rapl:{number}:0").mkdir()  # a part of the package, counted with it
    return folder / "energy_uj"


def test_energy_is_that_of_all_packages_over_the_runs(tmp_path: Path) -> None:
    one, _ = package(tmp_path, 0, 999_000), package(tmp_path, 1, 5)
    now, used = 0.0, 999_000

    def run() -> None:
        nonlocal now, used
        now += 0.01
        used += 3_000  # the counter starts anew on the way
        one.write_text(str(used % 1_000_000))

    found, spread = measure_energy(run, energy_counter(tmp_path), clock=lambda: now)
    assert found == pytest.approx(3.0)
    assert spread == pytest.approx(0.0)


def test_a_machine_without_counters_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no RAPL counters"):
        energy_counter(tmp_path)
    package(tmp_path, 0, 1).unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        energy_counter(tmp_path)


def test_the_energy_of_a_gpu_is_what_nvml_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    used, now = 5_000, 0.0

    def run() -> None:
        nonlocal now, used
        now += 0.01
        used += 7

    def handle(uuid: str) -> str:
        if uuid != "GPU-1":
            raise LookupError("not found")
        return uuid

    nvml = SimpleNamespace(
        NVMLError=LookupError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=handle,
        nvmlDeviceGetTotalEnergyConsumption=lambda one: used if one == "GPU-1" else 0,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert measure_energy(run, gpu_counter("GPU-1"), clock=lambda: now)[0] == pytest.approx(7.0)
    with pytest.raises(ConfigError, match="NVML says not found"):
        gpu_counter("GPU-2")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(ConfigError, match="pynvml is not installed"):
        gpu_counter("GPU-1")
