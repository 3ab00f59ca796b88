"""Energy that this machine's processors used, where the system lets it be read.

Linux counts microjoules of each processor package in `/sys/class/powercap` (Intel and AMD). The
counter is of the whole machine, not of one process, and most systems let only root read it.
"""

from __future__ import annotations

from pathlib import Path

COUNTERS = Path("/sys/class/powercap")


class EnergyMeter:
    """Reads the counters; a machine without them measures nothing."""

    def __init__(self, counters: Path = COUNTERS) -> None:
        packages = sorted(counters.glob("intel-rapl:[0-9]"))
        self._packages = [package for package in packages if _read(package, "energy_uj") >= 0]
        self._last = self._values()

    @property
    def is_there(self) -> bool:
        """Whether anything can be measured."""
        return bool(self._packages)

    def lap(self) -> float | None:
        """Give the joules since the last lap; None where nothing can be measured."""
        if not self._packages:
            return None
        values = self._values()
        joules = 0.0
        for package, before, now in zip(self._packages, self._last, values, strict=True):
            range_uj = max(0, _read(package, "max_energy_range_uj"))
            joules += (now - before if now >= before else now + range_uj - before) / 1e6
        self._last = values
        return joules

    def _values(self) -> list[int]:
        return [_read(package, "energy_uj") for package in self._packages]


def _read(package: Path, name: str) -> int:
    try:
        return int((package / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return -1
