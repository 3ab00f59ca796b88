"""What became of documents, and what an index holds, as text and for a program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medllm.cli.terminal import bold, wrap

if TYPE_CHECKING:
    from medllm.data.reading import Reading
    from medllm.retrieve.build import Added

_SHOWN_PROBLEMS = 10


def added_facts(
    reading: Reading, added: Added, holds: Mapping[str, int], seconds: float
) -> dict[str, Any]:
    """Give what an indexing did, for a program; `holds` counts documents by kind."""
    return {
        "taken": reading.taken,
        "added": added.added,
        "replaced": added.replaced,
        "unchanged": added.unchanged,
        "passages": added.passages,
        "encoded": added.encoded,
        "left_out": reading.left_out,
        "duplicates": reading.duplicates,
        "title_only": reading.title_only,
        "problems": [str(problem) for problem in reading.problems],
        "holds": dict(holds),
        "seconds": round(seconds, 3),
    }


def show_added(reading: Reading, added: Added, seconds: float) -> str:
    """Say what an indexing did, and what it left out and why."""
    counts = {"new": added.added, "replaced": added.replaced, "unchanged": added.unchanged}
    became = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    lines = [
        f"took {_count(reading.taken, 'document')} in {_duration(seconds)}: {became or 'none'}"
    ]
    if added.passages:
        encoded = f", {added.encoded:,} of them encoded anew" if added.encoded else ""
        lines.append(f"wrote {_count(added.passages, 'passage')}{encoded}")
    if reading.title_only:
        lines.append(f"{_count(reading.title_only, 'document')} with a title and no text")
    if reading.duplicates:
        ids = _count(reading.duplicates, "document")
        lines.append(f"{ids} with the id of an earlier one, which the later one replaced")
    if reading.left_out:
        lines.append(f"left out {_count(reading.left_out, 'record')}:")
    lines += [wrap(str(p), indent="    ", first="  ") for p in reading.problems[:_SHOWN_PROBLEMS]]
    more = reading.n_problems - _SHOWN_PROBLEMS
    if more > 0:
        lines.append(f"  ... and {more:,} more such lines (--json gives up to 1,000)")
    return "\n".join(lines)


def show_holds(path: Path, holds: Mapping[str, int]) -> str:
    """Say what an index holds now."""
    return f"{path} now holds {_kinds(holds)}"


def show_status(path: Path, facts: Mapping[str, Any]) -> str:
    """Say what an index holds and how it was made."""
    encoder = facts["encoder"]
    years = facts["years"]
    retracted = f", {facts['retracted']:,} of them retracted" if facts["retracted"] else ""
    names = [name for source in facts["sources"] for name in source["names"]]
    rows = {
        "documents": _kinds(facts["documents"]) + retracted,
        "passages": f"{facts['passages']:,}",
        "years": f"{min(years)} to {max(years)}" if years else "not given",
        "vectors": f"{encoder['spec']}, {encoder['dimension']} dimensions"
        if encoder
        else "none: search is by words",
        "sources": ", ".join(dict.fromkeys(names)) or "none yet",
        "made": f"{facts['created']}, format {facts['format']}",
        "state": _STATES.get(facts["state"], facts["state"]),
    }
    lines = [wrap(text, indent=" " * 13, first=f"  {name:<11}") for name, text in rows.items()]
    return "\n".join([bold(str(path)), *lines])


_STATES = {
    "ready": "ready",
    "building": "not finished: run the same `medllm index build` again, it goes on",
}


def _kinds(holds: Mapping[str, int]) -> str:
    return " and ".join(_count(holds.get(kind, 0), kind[:-1]) for kind in ("patients", "articles"))


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
