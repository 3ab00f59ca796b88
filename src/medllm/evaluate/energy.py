"""Energy that this machine's processors and GPUs used, where the system lets it be read.

Linux counts microjoules of each processor package in `/sys/class/powercap` (Intel and AMD), which
most systems let only root read. NVIDIA's driver counts millijoules of each GPU since Volta. Both
are of the whole machine, not of one process. What cannot be read is not measured: there is no
estimate.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

COUNTERS = Path("/sys/class/powercap")
_NVML = "libnvidia-ml.so.1"
"""The driver's own library (NVML), which has `nvmlDeviceGetTotalEnergyConsumption`."""


class EnergyMeter:
    """Reads the counters; a machine without them measures nothing."""

    def __init__(self, counters: Path = COUNTERS, *, driver: str = _NVML) -> None:
        packages = sorted(counters.glob("intel-rapl:[0-9]"))
        self._packages = [package for package in packages if _read(package, "energy_uj") >= 0]
        self._gpus = _gpu_counters(driver)
        self._last, self._last_gpus = self._values(), self._gpu_values()

    @property
    def is_there(self) -> bool:
        """Whether anything can be measured."""
        return bool(self.measures)

    @property
    def measures(self) -> tuple[str, ...]:
        """What is measured: processors, GPUs, both or nothing."""
        found = {"processors": bool(self._packages), "GPUs": bool(self._gpus)}
        return tuple(name for name, is_there in found.items() if is_there)

    def lap(self) -> float | None:
        """Give the joules since the last lap; None where nothing can be measured."""
        if not self.is_there:
            return None
        values, gpus = self._values(), self._gpu_values()
        joules = 0.0
        for package, before, now in zip(self._packages, self._last, values, strict=True):
            range_uj = max(0, _read(package, "max_energy_range_uj"))
            joules += (now - before if now >= before else now + range_uj - before) / 1e6
        joules += sum(
            (now - before) / 1e3 for before, now in zip(self._last_gpus, gpus, strict=True)
        )
        self._last, self._last_gpus = values, gpus
        return joules

    def _values(self) -> list[int]:
        return [_read(package, "energy_uj") for package in self._packages]

    def _gpu_values(self) -> list[int]:
        return [counter() for counter in self._gpus]


def _read(package: Path, name: str) -> int:
    try:
        return int((package / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return -1


def _gpu_counters(driver: str) -> list[Callable[[], int]]:
    """Give a reader of millijoules for each GPU that counts them; none without a driver."""
    try:
        library = ctypes.CDLL(driver)
        if library.nvmlInit_v2() != 0:
            return []
        n = ctypes.c_uint(0)
        if library.nvmlDeviceGetCount_v2(ctypes.byref(n)) != 0:
            return []
        readers = [_gpu_counter(library, at) for at in range(n.value)]
    except (OSError, AttributeError):  # no driver, or one from before these functions
        return []
    return [reader for reader in readers if reader is not None]


def _gpu_counter(library: ctypes.CDLL, at: int) -> Callable[[], int] | None:
    device = ctypes.c_void_p()
    if library.nvmlDeviceGetHandleByIndex_v2(at, ctypes.byref(device)) != 0:
        return None
    total = ctypes.c_ulonglong(0)

    def read() -> int:
        library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(total))
        return int(total.value)

    is_counted = library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(total)) == 0
    return read if is_counted else None
