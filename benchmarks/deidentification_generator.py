"""Notes with invented identifiers, made from templates: what `benchmarks.deidentification` reads.

A slot is `{category:form|key}`. A key ("p") ties the slots of one person together within a note.
Forms of names: First Last Middle, FIRST LAST, first last, F L M (initials), employer, anything
else as it stands. Forms of dates: strftime, and `%o` for "th"; without `%` as it stands. Forms of
places: city CITY street road hospital place county postcode zip ...; `state` and `state2` are no
identifiers. Everything else: # a digit, & a capital, ~ a small letter, * a capital or digit, the
rest as it stands.
"""

from __future__ import annotations

import random
import re
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from medllm.evaluate.deidentification import Mark, MarkedNote

TEMPLATES_DIR = Path(__file__).parent / "deidentification_templates"
_SLOT = re.compile(r"\{(\w+):([^{}|]*)(?:\|(\w+))?\}")
_NAME_PART = re.compile(r"First|Last|Middle|FIRST|LAST|first|last|\b[FLMfl]\b|FML")
_STATES = ("Ohio", "Oregon", "Texas", "Vermont", "Iowa", "New Mexico", "Wyoming", "Georgia")
_STATE_CODES = ("OH", "OR", "TX", "VT", "IA", "NM", "PA", "GA", "MA", "IN", "ME", "CO")
_TENS = ("ninety", "ninety-one", "ninety-three", "ninety-six", "one hundred")
_POSTAL_AREAS = ("LS", "SO", "B", "NR", "EH", "CF", "BT", "SW", "M", "PL")


@dataclass
class _Note:
    """What one note has drawn so far."""

    chance: random.Random
    values: dict[str, list[str]]
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    today: date = date(2024, 1, 1)

    def pick(self, name: str) -> str:
        return self.chance.choice(self.values[name])


def read_templates(name: str) -> list[tuple[str, str]]:
    """Give title and text of each template of "dev" or "heldout"."""
    text = (TEMPLATES_DIR / f"{name}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)[1:]
    return [(blocks[at], blocks[at + 1].strip("\n")) for at in range(0, len(blocks), 2)]


def read_values(name: str) -> dict[str, list[str]]:
    """Give the names and places that fill the templates of "dev" or "heldout"."""
    with (TEMPLATES_DIR / f"{name}_values.toml").open("rb") as handle:
        rows = tomllib.load(handle)
    return {
        key: [part.strip() for part in (text.split("|") if "|" in text else text.split())]
        for key, text in rows.items()
    }


def generate_notes(
    name: str, *, fewest: int, fewest_of_each: int = 0, seed: int = 0
) -> Iterator[MarkedNote]:
    """Give notes until so many identifiers are reached, and so many of each category.

    Every template is filled once before any is filled again; then only those templates go on that
    hold a category which is still short.
    """
    templates, values = read_templates(name), read_values(name)
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    categories = {c for _, text in templates for c, _, _ in _SLOT.findall(text)} - {"age"}
    turn = 0
    while sum(counts.values()) < fewest or any(counts[c] < fewest_of_each for c in categories):
        short = {c for c in categories if counts[c] < fewest_of_each}
        for title, text in templates:
            held = {c for c, _, _ in _SLOT.findall(text)}
            if sum(counts.values()) < fewest or held & short:
                note = fill_template(text, f"{title} {turn}", values, chance)
                counts.update(mark.category for mark in note.marks)
                yield note
        turn += 1


def fill_template(
    template: str, note_id: str, values: dict[str, list[str]], chance: random.Random
) -> MarkedNote:
    """Give one note made from a template, with a mark on each identifier."""
    note = _Note(chance, values, today=date(2016, 1, 1) + timedelta(days=chance.randrange(3300)))
    parts: list[str] = []
    marks: list[Mark] = []
    at = length = 0
    for slot in _SLOT.finditer(template):
        parts.append(template[at : slot.start()])
        length += len(parts[-1])
        said = _fill(note, slot[1], slot[2], slot[3] or "")
        if not slot[2].startswith("state"):
            category = "date" if slot[1] == "age" else slot[1]
            detail = "age" if slot[1] == "age" else slot[2]
            marks.append(Mark(category, length, length + len(said), detail))
        parts.append(said)
        length += len(said)
        at = slot.end()
    parts.append(template[at:])
    return MarkedNote(id=note_id, text="".join(parts), marks=tuple(marks))


def _fill(note: _Note, category: str, form: str, key: str) -> str:
    if category == "name":
        return _name(note, form, key)
    if category == "date":
        return _date(note, form, key)
    if category == "age":
        return _age(note, form)
    if category == "geographic":
        return _place(note, form)
    if form.startswith("ip") or form in ("mac", "nhs3"):
        return _number_of_form(note, form)
    return _pattern(note, form)


def _pattern(note: _Note, form: str) -> str:
    letters = {
        "#": string.digits,
        "&": string.ascii_uppercase,
        "~": string.ascii_lowercase,
        "*": "ABCDEFGHJKLMNPRSTUVWXYZ0123456789",
    }
    return "".join(note.chance.choice(letters[c]) if c in letters else c for c in form)


def _name(note: _Note, form: str, key: str) -> str:
    if form == "employer":
        return note.pick("employer")
    person = note.people.get(key) if key else None
    if person is None:
        names = {"first": note.pick("first"), "last": note.pick("last")}
        person = {**names, "middle": note.pick("first")}
        if key:
            note.people[key] = person

    def part(match: re.Match[str]) -> str:
        said = match[0]
        if said == "FML":
            return "".join(person[k][0].upper() for k in ("first", "middle", "last"))
        if len(said) == 1:
            whole = {"f": "first", "l": "last", "m": "middle"}[said.lower()]
            return person[whole][0].upper() if said.isupper() else person[whole][0].lower()
        value = person[said.lower()].replace("van-", "van ").replace("de-", "de ")
        return value.upper() if said.isupper() else value.lower() if said.islower() else value

    return _NAME_PART.sub(part, form)


def _date(note: _Note, form: str, key: str) -> str:
    if "%" not in form:
        return form
    if key and key in note.days:
        day = note.days[key]
    elif key == "dob90":
        day = note.today - timedelta(days=note.chance.randrange(33_000, 36_000))
    elif key == "dob":
        day = note.today - timedelta(days=note.chance.randrange(400, 29_000))
    else:
        day = note.today - timedelta(days=note.chance.randrange(0, 300))
    if key:
        note.days[key] = day
    suffix = "th" if 10 < day.day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return day.strftime(form.replace("%o", suffix))


def _age(note: _Note, form: str) -> str:
    if form == "nineties":
        return "nineties"
    return note.chance.choice(_TENS) if form == "words" else str(note.chance.randrange(90, 105))


def _place(note: _Note, form: str) -> str:
    if form == "state":
        return note.chance.choice(_STATES)
    if form == "state2":
        return note.chance.choice(_STATE_CODES)
    if form == "CITY":
        return note.pick("city").upper()
    if form in note.values:
        return note.pick(form)
    if form == "postcode":
        return note.chance.choice(_POSTAL_AREAS) + _pattern(note, "# #") + _letters(note, 2)
    forms = {
        "zip": "#####",
        "zip4": "#####-####",
        "zip_au": "2###",
        "zip_in": "6#####",
        "eircode": "",
        "postcode_ca": "",
    }
    if form == "postcode_ca":
        return (
            f"K{_pattern(note, '#')}{_letters(note, 1)} {_pattern(note, '#')}A{_pattern(note, '#')}"
        )
    if form == "eircode":
        tail = _letters(note, 1, "XHKP") + _pattern(note, "#") + _letters(note, 1, "XHKP")
        return f"{note.chance.choice('ADFH')}{_pattern(note, '##')} {tail}{_pattern(note, '#')}"
    return _pattern(note, forms.get(form, form))


def _letters(note: _Note, n: int, allowed: str = "ABDEFGHJLNPQRSTUWXYZ") -> str:
    return "".join(note.chance.choice(allowed) for _ in range(n))


def _number_of_form(note: _Note, form: str) -> str:
    chance = note.chance
    if form == "ipv4":
        return ".".join(str(chance.randrange(1, 255)) for _ in range(4))
    if form == "ipv6":
        groups = [f"{chance.randrange(65536):x}" for _ in range(8)]
        return ":".join(groups) if chance.random() < 0.5 else f"2001:db8:{groups[0]}::{groups[1]}"
    if form == "mac":
        return ":".join(f"{chance.randrange(256):02X}" for _ in range(6))
    while True:
        digits = [chance.randrange(10) for _ in range(9)]
        check = (11 - sum(d * (10 - at) for at, d in enumerate(digits)) % 11) % 11
        if check < 10:
            whole = "".join(map(str, [*digits, check]))
            return f"{whole[:3]} {whole[3:6]} {whole[6:]}"
