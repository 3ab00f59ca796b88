"""The fields of a record that came as a JSON object, checked one by one.

A required field that is wrong costs the record (`BadInputError`); an optional one is left empty,
and that is named as a problem, so that nothing is dropped in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from medllm.data.reading import BadInputError, EmptyRecordError, Located, Place, Reading, clean
from medllm.data.streams import read_lines
from medllm.records import Document, DocumentKind, Sex

MAX_AGE_YEARS = 150.0
_SEXES: dict[str, Sex] = {"f": "F", "female": "F", "m": "M", "male": "M"}
_ADDRESS = re.compile(r"https?://\S+")


def read_json_lines(
    path: Path, reading: Reading, convert: Callable[[Fields], Document]
) -> Iterator[Located]:
    """Give what `convert` makes of each line of a JSON Lines file; count and name the bad lines."""
    for line in read_lines(path, reading):
        place = Place(path, line=line.number)
        if not line.fault and not line.text.strip():
            continue
        try:
            if line.fault:
                raise BadInputError(line.fault)
            document = convert(Fields(parse_object(line.text), place, reading))
        except BadInputError as exc:
            reading.leave_out(place, exc)
        else:
            yield Located(place, document)


def parse_object(text: str) -> dict[str, Any]:
    """Give the JSON object in `text`; raise `BadInputError` where it is none."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as exc:
        # From None: the error carries the whole line in its attributes.
        raise BadInputError(f"is not JSON: broken at character {exc.pos + 1}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; a thousand brackets
        raise BadInputError("is JSON of a size that no record has") from None
    if not isinstance(value, dict):
        raise BadInputError("is not a JSON object")
    return value


@dataclass(frozen=True, slots=True)
class Fields:
    """One record and where it stands; each method gives one field, checked and cleaned."""

    record: dict[str, Any]
    place: Place
    reading: Reading

    def id(self, *names: str) -> str:
        """Give the first of these fields that is there; a whole number is taken as its digits."""
        for name in names:
            value = self.record.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
            if isinstance(value, str) and value.strip():
                return clean(value)
        raise BadInputError(f"has no field {names[0]}")

    def text(self, name: str = "text") -> str:
        """Give the text of the record, which must not be empty."""
        value = self.record.get(name)
        if value is not None and not isinstance(value, str):
            raise BadInputError(f"field {name} is not a string")
        if not value or not value.strip():
            kind = EmptyRecordError if name in self.record else BadInputError
            raise kind(f"has no text: field {name} is empty or absent")
        return clean(value)

    def text_or_title(self, title: str) -> str:
        """Give the text or, where there is none, the title: many articles have no abstract."""
        value = self.record.get("text")
        is_blank = value is None or (isinstance(value, str) and not value.strip())
        if is_blank and title.strip():
            self.reading.title_only += 1
            return title
        return self.text()

    def string(self, name: str) -> str:
        """Give an optional string, empty where it is absent."""
        value = self.record.get(name)
        if isinstance(value, str):
            return clean(value)
        if value is not None:
            self._leave_empty(name, "a string")
        return ""

    def address(self, name: str = "url") -> str:
        """Give a web address that is safe to link to, empty where it is absent."""
        value = self.string(name)
        if not value or _ADDRESS.fullmatch(value):
            return value
        self._leave_empty(name, "an http or https address")
        return ""

    def strings(self, name: str) -> tuple[str, ...]:
        """Give an optional list of strings."""
        value = self.record.get(name)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(clean(item) for item in value)
        if value is not None:
            self._leave_empty(name, "a list of strings")
        return ()

    def year(self, name: str = "year") -> int | None:
        """Give an optional year, 1 to 9999."""
        value = self.record.get(name)
        # The range comes first: it also refuses NaN and numbers too large for a float.
        if is_number(value) and 1 <= value <= 9999 and value == int(value):
            return int(value)
        if value is not None:
            self._leave_empty(name, "a whole number from 1 to 9999")
        return None

    def age_years(self, name: str = "age_years") -> float | None:
        """Give an optional age in years, 0 to 150."""
        value = self.record.get(name)
        if is_number(value) and 0 <= value <= MAX_AGE_YEARS:
            return float(value)
        if value is not None:
            self._leave_empty(name, "a number from 0 to 150")
        return None

    def sex(self, name: str = "sex") -> Sex | None:
        """Give an optional sex, from F, M, female, male in any case."""
        value = self.record.get(name)
        known = _SEXES.get(value.strip().lower()) if isinstance(value, str) else None
        if known is None and value not in (None, ""):
            self._leave_empty(name, "F or M")
        return known

    def flag(self, name: str) -> bool:
        """Give an optional true or false, false where it is absent."""
        value = self.record.get(name)
        if value is not None and not isinstance(value, bool):
            self._leave_empty(name, "true or false")
        return value is True

    def kind(self, default: DocumentKind) -> DocumentKind:
        """Give the record's own kind."""
        value = self.record.get("kind")
        if value == "patients":
            return "patients"
        if value == "articles":
            return "articles"
        if value is not None:
            self.reading.note(self.place, f"field kind is unknown; read as {default}")
        return default

    def _leave_empty(self, name: str, wanted: str) -> None:
        self.reading.note(self.place, f"field {name} is not {wanted}; left empty")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
