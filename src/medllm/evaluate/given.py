"""Answers that somebody else made: a file of JSON Lines with `id` and `text`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medllm.data.fields import parse_object
from medllm.data.reading import BadInputError, Reading
from medllm.data.streams import read_lines
from medllm.errors import DataError
from medllm.evaluate.held_out import Item
from medllm.evaluate.predict import Prediction, read_predictions

_TEXTS = ("text", "prediction", "answer", "output")


class Given(NamedTuple):
    """The predictions for the items, and what of the file was not used."""

    predictions: dict[str, Prediction]
    """Item -> its answer."""
    n_other: int
    n_repeated: int
    """Lines whose record came before; the last one counts."""


def read_given(path: Path, items: Sequence[Item]) -> Given:
    """Read predictions for these items, by source and id, or by id where that is unique.

    Also what `medllm evaluate` wrote itself. `DataError` names the line that is none, and says so
    where all are for other records.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    n_lines = 0
    keys = _keys(items)
    try:
        for line in read_lines(path, Reading()):
            if not line.fault and not line.text.strip():
                continue
            if line.fault:
                raise BadInputError(line.fault)
            entry = _entry(parse_object(line.text), keys, f"{path}, line {line.number}")
            entries[entry["key"]] = entry
            n_lines += 1
    except BadInputError as exc:
        hint = 'each line must be an object with "id" and "text"' if path.is_file() else ""
        raise DataError(f"cannot read {path}: {exc}", hint=hint or "check the path") from exc
    if not entries:
        hint = 'each line must be an object with "id" and "text"'
        raise DataError(f"{path} holds no predictions", hint=hint)
    predictions = read_predictions(entries, items, source=str(path))
    return Given(predictions, len(entries) - len(predictions), n_lines - len(entries))


def _keys(items: Sequence[Item]) -> dict[str, str]:
    """Give the key of an item by its id alone, where no other source has that id."""
    keys: dict[str, str] = {}
    for item in items:
        identity = item.key.partition("/")[2]
        keys[identity] = "" if identity in keys else item.key
    return keys


def _entry(value: dict[str, Any], keys: Mapping[str, str], place: str) -> dict[str, Any]:
    if "fate" in value and isinstance(value.get("key"), str):
        return value
    hint = 'each line must be an object with "id" and "text"'
    identity = value.get("id", value.get("key"))
    text = next((value[name] for name in _TEXTS if isinstance(value.get(name), str)), None)
    if not isinstance(identity, str | int) or text is None:
        raise DataError(f"{place}: has no id or no text", hint=hint)
    source = value.get("source")
    key = f"{source}/{identity}" if source else keys.get(str(identity)) or str(identity)
    return {"key": key, "text": text.strip(), "fate": "answered" if text.strip() else "empty"}
