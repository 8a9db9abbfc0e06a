"""Which machine a cost was measured on, so that no value of one machine is taken for another's."""

import os
import platform
from dataclasses import astuple, dataclass
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nasturtium.errors import ConfigError, unknown


@dataclass(frozen=True, slots=True)
class Device:
    """What a measured time depends on, beside the network.

    Attributes:
        cpu: Model name of the processor, a GPU where networks run on one.
        cores: Cores that this process may use.
        threads: Threads that a network runs on while it is measured.
        torch: Version of torch.
        onnxruntime: Version of onnxruntime, ``none`` where it is not installed.
        system: Operating system and instruction set. Without the kernel's release: an update is not another
            machine.
    """

    cpu: str
    cores: int
    threads: int
    torch: str
    onnxruntime: str
    system: str

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits, equal exactly where all attributes are."""
        return blake2b("\n".join(map(str, astuple(self))).encode(), digest_size=6).hexdigest()

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''} of {self.cores} cores"
        return f"{self.cpu}, {threads}, {self.system}, torch {self.torch}, onnxruntime {self.onnxruntime}"


def this_device(threads: int = 1, place: str = "cpu") -> Device:
    """Returns the device that this process runs on, measured with `threads` threads.

    Raises:
        ConfigError: It has no such GPU.
    """
    return Device(
        cpu=_cpu_model() if place == "cpu" else _gpu_model(place),
        cores=_usable_cores(),
        threads=threads,
        torch=_version("torch"),
        onnxruntime=_version("onnxruntime"),
        system=f"{platform.system()} {platform.machine()}",
    )


def device_fingerprint(threads: int = 1) -> str:
    """Returns the short stable hash of `this_device`, the key under which measured costs are kept."""
    return this_device(threads).fingerprint


def gpu_uuid() -> str:
    """Returns the number of the GPU that PyTorch runs on, as NVML knows it."""
    import torch

    return f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}"


def _gpu_model(place: str) -> str:
    import torch

    if place != "cuda":
        raise unknown("place", place, ("cpu", "cuda"))
    if not torch.cuda.is_available():
        raise ConfigError("there is no NVIDIA GPU that PyTorch could run on here; measure on the cpu")
    return torch.cuda.get_device_name()


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
