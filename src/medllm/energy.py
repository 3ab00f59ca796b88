"""Energy, read from the machine's own counters; where there is none nothing is said.

Processors: Linux counts microjoules of each package and its memory in `/sys/class/powercap` (RAPL;
Intel and AMD). Most systems let only root read it. NVIDIA GPUs: their driver counts millijoules
since it was loaded (NVML, Volta and later). Both are of whole devices, whatever else ran on them.
Power supplies, fans and disks are not counted. No counter is replaced by a guess: a rated power is
not what was used.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COUNTERS = Path("/sys/class/powercap")
NVML = "libnvidia-ml.so.1"
"""A part of the driver."""
_SAMPLE_S = 60.0
"""RAPL counters begin again after some 262 kJ: at 350 W every twelve minutes."""


@dataclass(frozen=True, slots=True)
class _Counter:
    name: str
    read: Callable[[], int]
    """Microjoules since some moment; -1 where it cannot be read."""
    range_uj: int = 0
    """Where it begins again at 0; 0 for never."""


class EnergyMeter:
    """Adds up what the counters count; safe to use from several threads."""

    def __init__(
        self, counters: Path | None = None, gpus: Sequence[str] = (), nvml: str = NVML
    ) -> None:
        """`gpus` are the UUIDs of those to count, as the driver names them."""
        self.missing: tuple[str, ...] = ()
        """What is not counted, and why."""
        found = [*self._processors(counters or COUNTERS), *self._gpus(gpus, nvml)]
        self._counters = [counter for counter in found if counter.read() >= 0]
        self._last = [counter.read() for counter in self._counters]
        self._joules = 0.0
        self._at_lap = 0.0
        self._lock = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Whether anything can be measured."""
        return bool(self._counters)

    @property
    def sources(self) -> tuple[str, ...]:
        """What is counted, for example "package-0" or "GPU 0"."""
        return tuple(counter.name for counter in self._counters)

    def joules(self) -> float | None:
        """Give what was used since the meter was made; None where nothing can be measured."""
        with self._lock:
            for number, counter in enumerate(self._counters):
                before, now = self._last[number], counter.read()
                if now < 0:
                    continue
                if now < before:  # it began again: at its end, or with the driver
                    before -= counter.range_uj or before
                self._joules += (now - before) / 1e6
                self._last[number] = now
            return self._joules if self._counters else None

    def lap(self) -> float | None:
        """Give the joules since the last lap; None where nothing can be measured."""
        total = self.joules()
        if total is None:
            return None
        before, self._at_lap = self._at_lap, total
        return total - before

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Read the counters now and then, so that none begins again unseen."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_SAMPLE_S):
                self.joules()

        thread = threading.Thread(target=watch, name="energy", daemon=True)
        if self._counters:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if self._counters:
                thread.join()

    def _processors(self, folder: Path) -> list[_Counter]:
        # psys is the whole board, with the packages once more.
        zones = sorted(folder.glob("intel-rapl:*"))
        found = [_zone(zone) for zone in zones if _is_package(zone) or _name(zone) == "dram"]
        if not found:
            self.missing += ("processors: this system has no energy counter for them (RAPL)",)
        elif all(counter.read() < 0 for counter in found):
            self.missing += ("processors: their energy counter (RAPL) may be read by root only",)
        return found

    def _gpus(self, gpus: Sequence[str], nvml: str) -> list[_Counter]:
        if not gpus:
            return []
        library = _open_nvml(nvml)
        found = []
        for number, uuid in enumerate(gpus):
            counter = _gpu(library, f"GPU {number}", uuid) if library else None
            if counter is None or counter.read() < 0:
                self.missing += (f"GPU {number}: its driver counts no energy (NVML)",)
            else:
                found.append(counter)
        return found


def _zone(zone: Path) -> _Counter:
    name = _name(zone)
    if name == "dram":  # each package has one
        name = f"dram-{zone.name.split(':')[1]}"
    range_uj = max(0, _number(zone / "max_energy_range_uj"))
    return _Counter(name, lambda: _number(zone / "energy_uj"), range_uj)


def _is_package(zone: Path) -> bool:
    return zone.name.count(":") == 1 and _name(zone) != "psys"


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return zone.name


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return -1


def _open_nvml(name: str) -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(name)
        return library if library.nvmlInit_v2() == 0 else None
    except (OSError, AttributeError):
        return None


def _gpu(library: ctypes.CDLL, name: str, uuid: str) -> _Counter | None:
    handle = ctypes.c_void_p()
    if library.nvmlDeviceGetHandleByUUID(uuid.encode("ascii"), ctypes.byref(handle)) != 0:
        return None

    def read() -> int:
        millijoules = ctypes.c_ulonglong()
        said = library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
        return int(millijoules.value) * 1000 if said == 0 else -1

    return _Counter(name, read)
