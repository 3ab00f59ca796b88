"""What was measured of the models that write here: the report of a run of `medllm evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.files import read_json

Json = dict[str, Any]
_FORMAT = 1
_HINT = "name the report.json of a run of `medllm evaluate`, or leave serve.evaluation out"


def read_evaluation(path: Path, model: str) -> Json:
    """Give the numbers of a report, those of `model` (its spec) and those of medllm's own parts.

    Each has its n and its interval. `others` names the systems that were measured and are not
    `model`: their numbers say nothing of the answers here, and are left out. Raises `DataError`
    where the file is no report.
    """
    report = read_json(path)
    try:
        if report["format"] != _FORMAT:
            raise DataError(f"{path} is of another version of medllm", hint=_HINT)
        specs = {one["name"]: one["spec"] for one in report["systems"]}
        own = {name for name, spec in specs.items() if spec == model}
        rows = list(_rows(report["measures"], own))
        for section in report.get("sections") or []:
            rows += _rows(section["measures"], None, part=section["title"])
        return {
            "title": str(report["title"]),
            "date": str(report["manifest"].get("finished", ""))[:10],
            "sources": sorted(map(str, report["items"].get("sources", {}))),
            "others": sorted({str(spec) for spec in specs.values()} - {model}),
            "rows": rows,
            "limits": [str(limit) for limit in report["limits"]],
        }
    except (TypeError, KeyError, AttributeError, ValueError) as exc:
        raise DataError(f"{path} is no report of an evaluation", hint=_HINT) from exc


def in_words(evaluation: Json | None) -> list[str]:
    """Give the numbers a line each, for a page that is saved or printed."""
    if evaluation is None:
        return ["no report was given to the server"]
    lines = [
        f"{' '.join(filter(None, (row['part'], row['measure'])))} {row['mean']:.3g} "
        f"[{row['low']:.3g} to {row['high']:.3g}], n {row['n']:,}"
        for row in evaluation["rows"]
    ]
    return lines or ["the report that was given to the server measures other models"]


def _rows(measures: Any, names: set[str] | None, *, part: str = "") -> Iterator[Json]:
    """Give a row for each measure of each system of the names, of all where they are None."""
    for measure in measures:
        for name, found in measure["systems"].items():
            if names is None or name in names:
                yield _row(measure, name, found, part)


def _row(measure: Mapping[str, Any], name: str, found: Mapping[str, Any], part: str) -> Json:
    floor = found.get("floor")
    return {
        "part": part,
        "measure": str(measure["name"]),
        "definition": str(measure["definition"]),
        "system": name,
        "higher_is_better": bool(measure["higher_is_better"]),
        "mean": float(found["mean"]),
        "low": float(found["low"]),
        "high": float(found["high"]),
        "level": float(found["level"]),
        "n": int(found["n"]),
        "floor": None if floor is None else float(floor),
    }
