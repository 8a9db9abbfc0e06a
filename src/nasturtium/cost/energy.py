"""Energy of one run, from the counters that processors keep of themselves, where they can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nasturtium.cost.measure import Run
from nasturtium.errors import ConfigError

ROOT = Path("/sys/class/powercap")
BLOCKS, BLOCK_SECONDS = 5, 0.2  # a counter moves every millisecond, and the noise of others is averaged


class Counter(Protocol):
    """What counts energy as it is taken."""

    def read(self) -> tuple[int, ...]:
        """Returns where it stands, from any origin."""
        ...

    def between(self, before: Sequence[int], after: Sequence[int]) -> float:
        """Returns the millijoules between two readings."""
        ...


@dataclass(frozen=True, slots=True)
class EnergyCounter:
    """The energy that all packages of the machine have taken: Intel's and AMD's RAPL, by Linux's powercap.

    What else runs is in it, and what an idle processor takes: measure on a quiet machine, and compare only
    networks that were measured on the same one.

    Attributes:
        files: One counter of microjoules per package.
        ranges: Where each starts anew.
    """

    files: tuple[Path, ...]
    ranges: tuple[int, ...]

    def read(self) -> tuple[int, ...]:
        """Returns microjoules per package, from any origin."""
        return tuple(int(file.read_text()) for file in self.files)

    def between(self, before: Sequence[int], after: Sequence[int]) -> float:
        """Returns the millijoules between two readings, less than one turn of a counter apart."""
        rows = zip(before, after, self.ranges, strict=True)
        return sum((late - early) % (turn + 1) for early, late, turn in rows) / 1e3


@dataclass(frozen=True, slots=True)
class GpuCounter:
    """The energy that one NVIDIA GPU has taken since its driver was loaded, by NVML (from Volta on).

    Attributes:
        library: ``pynvml``.
        handle: Of the GPU.
    """

    library: Any
    handle: Any

    def read(self) -> tuple[int, ...]:
        """Returns millijoules."""
        return (int(self.library.nvmlDeviceGetTotalEnergyConsumption(self.handle)),)

    def between(self, before: Sequence[int], after: Sequence[int]) -> float:
        """Returns the millijoules between two readings."""
        return float(after[0] - before[0])


def gpu_counter(uuid: str) -> GpuCounter:
    """Returns the counter of a GPU.

    Args:
        uuid: Its number, such as ``GPU-5d5ba0d6-...``.

    Raises:
        ConfigError: pynvml is not installed, or the GPU does not tell.
    """
    try:
        pynvml: Any = import_module("pynvml")
    except ImportError as error:
        raise ConfigError(
            "energy_mj of a GPU cannot be measured: pynvml is not installed (pip install nvidia-ml-py); or "
            "leave energy_mj out"
        ) from error
    try:
        pynvml.nvmlInit()
        counter = GpuCounter(pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid))
        counter.read()
    except pynvml.NVMLError as error:
        raise ConfigError(
            f"energy_mj of {uuid} cannot be measured: NVML says {error}; leave it out, or take latency_ms"
        ) from error
    return counter


def energy_counter(root: Path = ROOT) -> EnergyCounter:
    """Returns the counter of this machine.

    Raises:
        ConfigError: It has none, or this user may not read it.
    """
    found: list[tuple[Path, int]] = []
    for package in sorted(root.glob("intel-rapl:*")):
        if package.name.count(":") > 1:  # a part of a package
            continue
        try:
            found.append((package / "energy_uj", int((package / "max_energy_range_uj").read_text())))
            int((package / "energy_uj").read_text())
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"energy_mj cannot be measured: {package} cannot be read ({error}); its administrator can "
                "allow it, or leave energy_mj out"
            ) from error
    if not found:
        raise ConfigError(
            f"energy_mj cannot be measured: this machine has no RAPL counters under {root}, as most virtual "
            "machines; leave it out, or take latency_ms or macs instead"
        )
    return EnergyCounter(tuple(file for file, _ in found), tuple(turn for _, turn in found))


def measure_energy(
    run: Run, counter: Counter, *, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, float]:
    """Returns millijoules of one run, the median over blocks, and the standard deviation of that."""
    run()
    found = []
    for _ in range(BLOCKS):
        runs, start, before = 0, clock(), counter.read()
        while clock() - start < BLOCK_SECONDS:
            run()
            runs += 1
        found.append(counter.between(before, counter.read()) / runs)
    # The median of n scatters sqrt(pi / 2n) times as much as one value, if values are normal (Laplace).
    return float(np.median(found)), float(np.std(found, ddof=1) * np.sqrt(np.pi / 2 / BLOCKS))
