"""Ratings that came back: checked against the key, unblinded, and scored."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from medllm.errors import DataError
from medllm.evaluate.experts.sheets import rating_columns
from medllm.evaluate.judge import rubric
from medllm.evaluate.measured import Measured

_HINT = "give the file that the rating page saved, or its CSV, as it came"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What one rater said of one answer."""

    rater: str
    item: str
    system: str
    repeat: bool
    values: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The ratings, and how many answers each rater left unrated."""

    ratings: list[Rating]
    n_unrated: dict[str, int]


def import_ratings(key: Mapping[str, Any], files: Sequence[Path]) -> Imported:
    """Unblind the ratings of files that raters sent back.

    `DataError` where a file is of another sheet, has a code that is not in the key or a value that
    is not in the rubric; nothing is guessed. Answers left unrated are counted.
    """
    ratings: list[Rating] = []
    unrated: dict[str, int] = {}
    for path in files:
        rater, rows = _read(path, key)
        if rater in unrated:
            raise DataError(f"{path}: the ratings of {rater} came twice", hint="give one file each")
        codes = key["raters"][rater]["codes"]
        strange = rows.keys() - codes.keys()
        if strange:
            raise DataError(
                f"{path} has {len(strange)} codes that are not on the sheet of {rater}", hint=_HINT
            )
        found = []
        for code, row in rows.items():
            values = _values(path, code, row)
            if values is not None:
                meaning = codes[code]
                found.append(Rating(rater=rater, values=values, **meaning))
        unrated[rater] = len(codes) - len(found)
        ratings += found
    if not ratings:
        raise DataError("nothing is rated in these files", hint=_HINT)
    return Imported(ratings=ratings, n_unrated=unrated)


def _read(path: Path, key: Mapping[str, Any]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Give the rater of a file and its rows by code."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise DataError(f"{path} cannot be read", hint=_HINT) from exc
    if path.suffix == ".csv":
        table = csv.DictReader(text.splitlines(keepends=True))
        rows = {row.get("code") or "": row for row in table}
        return _rater_of(path, rows, key), rows
    try:
        value = json.loads(text)
        rater, rows = value["rater"], value["ratings"]
        sheet = key["raters"][rater]["sheet"]
        if not all(isinstance(row, dict) for row in rows.values()):
            raise TypeError("a row is no object")
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DataError(f"{path} is no file of ratings for this key", hint=_HINT) from exc
    if value.get("sheet") != sheet:
        raise DataError(f"{path} belongs to another sheet than {rater} was given", hint=_HINT)
    return rater, rows


def _rater_of(path: Path, rows: Mapping[str, Any], key: Mapping[str, Any]) -> str:
    """Find whose sheet a CSV is by its codes."""
    for rater, sheet in key["raters"].items():
        if rows and rows.keys() & sheet["codes"].keys():
            return str(rater)
    raise DataError(f"{path} is no file of ratings for this key", hint=_HINT)


def _values(path: Path, code: str, row: Mapping[str, Any]) -> dict[str, float] | None:
    """Give the numbers of a row; None where it is not rated in full."""
    said = {name: str(row.get(name) or "").strip() for name in rating_columns()}
    if not all(said.values()):
        return None
    values = rubric.read_rating(said)
    if values is None:
        raise DataError(f"{path}: the rating of {code} is not in the rubric", hint=_HINT)
    return values


def write_ratings(path: Path, imported: Imported) -> None:
    """Write unblinded ratings, for `ratings` in [evaluate]."""
    from medllm.files import write_json

    rows = [asdict(rating) for rating in imported.ratings]
    write_json(path, {"format": 1, "n_unrated": imported.n_unrated, "ratings": rows})


def read_ratings(paths: Iterable[Path]) -> list[Rating]:
    """Read what `write_ratings` wrote."""
    from medllm.files import read_json

    found = []
    for path in paths:
        try:
            found += [Rating(**row) for row in read_json(path)["ratings"]]
        except (KeyError, TypeError) as exc:
            hint = "name what `medllm evaluate experts import` wrote"
            raise DataError(f"{path} holds no unblinded ratings", hint=hint) from exc
    return found


def expert_measures(ratings: Sequence[Rating], systems: Sequence[str]) -> list[Measured]:
    """Give the mean over raters of each item and system; hidden repeats do not count twice."""
    first = [rating for rating in ratings if not rating.repeat]
    measures = []
    for name in rating_columns():
        values: dict[str, dict[str, list[float]]] = {s: defaultdict(list) for s in systems}
        for rating in first:
            if rating.system in values:
                values[rating.system][rating.item].append(rating.values[name])
        is_bad = name in ("harm", "omission")
        highest = {"harm": 3.0, "omission": 2.0}.get(name, 5.0)
        n_raters = len({rating.rater for rating in ratings})
        measures.append(
            Measured(
                name=f"{name} (experts)",
                track="experts",
                definition=f"{rubric.VERSION}, blind; the mean of {n_raters} raters of each item, "
                "then of the items",
                scores={s: {i: mean(v) for i, v in items.items()} for s, items in values.items()},
                bounds=(0.0 if is_bad else 1.0, highest),
                higher_is_better=not is_bad,
            )
        )
    return measures
