"""Identifiers known by their form alone: SSN, VIN, bank card, NHS number, number plates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from medllm.clinical.deidentify.text import Category, Found, Words

FORM_RANK = 7
_LAST_RANK = 37
"""Of numbers that only their length makes suspect."""
_FORMS: tuple[tuple[Category, re.Pattern[str]], ...] = (
    ("ssn", re.compile(r"\d(?<![\w.-].)\d\d-\d\d-\d{4}(?![\w-])")),
    ("ssn", re.compile(r"\d(?<![\w.,/+-].)\d\d \d\d \d{4}(?![\w-]|[.,/]\d)")),
    ("ssn", re.compile(r"(?<!\w)[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z](?!\w)")),
    ("device", re.compile(r"\(01\)\d{14}(?:\(\d{2}\)[A-Za-z0-9-]{1,20}){0,4}")),
    ("account", re.compile(r"\d(?<!\w.)\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\w-])")),
    (
        "account",
        re.compile(
            r"[A-Z](?<!\w.)[A-Z]\d{2}(?:\s?[A-Z]{4}|\s?\d{4})(?:\s?\d{4}){2,5}(?:\s?\d{1,3})?(?!\w)"
        ),
    ),
    ("health_plan", re.compile(r"\d(?<!\w.)[A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}(?!\w)")),
    ("ssn", re.compile(r"[A-Z](?<!\w.)[A-Z]\s\d{2}\s\d{2}\s\d{2}\s[A-D](?!\w)")),
)
_GUID = re.compile(r"-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b")
_SOLID = re.compile(r"[A-Z0-9](?<![\w.-].)[A-Z0-9]{5,24}(?![\w-])")
_NHS = re.compile(r"\d(?<![\w.+-].)\d\d[ -]\d{3}[ -]\d{4}(?![\w-])")
_LONG = re.compile(
    r"\d(?<![\w.,/+-].)\d{7,24}(?![\w%]|[.,-]\d|\s?(?:/|×|x\s?10|copies|cells|IU|iu|U\b|units|CFU"
    r"|cfu|mg"
    r"|platelets|bp\b|steps))"
)
_STAMP = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
)
"""A date and a time of day in one: the date goes, the time stays."""
_SERIAL = re.compile(
    r"(?!NCT|PMC)[A-Z]{1,5}\d{6,12}[A-Z]{0,2}|\d{1,4}[A-Z]{1,3}\d{5,12}|[A-Z]\d{4}[A-Z]{2}"
)
_SLASHED = re.compile(r"\d(?<![\w./-].)\d/\d{5,8}[A-Z]?(?!\w|[/.-]\d)")
_ROW = re.compile(r"^[^\n]*?,[^\s,][^\n]*,[^\s,][^\n]*,[^\s][^\n]*$", re.MULTILINE)
_ROW_OF_PERSON = re.compile(
    r",(?:\d{1,2}/\d{1,2}/\d{4}|\d{4}-\d\d-\d\d|\(?\d{3}\)?[-. ]\d{3}-\d{4}),"
)
_ROW_NUMBER = re.compile(r"(?<=,)\d{5,12}(?=,|$)", re.MULTILINE)
_HYPHENED = re.compile(
    r"\d(?<![\w.,/+-].)\d{1,3}-\d{5,8}(?![\w%-]|[.,]\d|\s?(?:mg|ml|mL|units|IU))"
)
_LETTERED = re.compile(r"(?!N[MPCGRT]-)[A-Z](?<![\w-].)[A-Z]{0,4}-\d{5,12}(?![\w-])")
_BRACKETED = re.compile(r"\d(?<=\(.)\d{5,9}(?=\),?\s(?:DOB|dob|d\.o\.b))")
_BEHIND_BIRTH = re.compile(
    r"\b(?:DOB|dob|d\.o\.b\.?|born)[\s:]{1,2}[\d/.-]{6,10}[,;)\s]{1,3}\(?(\d{5,10}[A-Z]?)\b(?![/.-]\d)"
)
"""A bare number beside the date of birth."""
_CHASSIS = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_PLATE = re.compile(
    r"(?<![\w/])(?:[A-Z]{2}\d{2}[\s-]?[A-Z]{3}|[A-Z]{1,3}-\d{3,4}|[A-Z]\d{1,4}[\s-]?[A-Z]{3}"
    r"|\d{1,3}[\s-][A-Z]{3}|[A-Z]{3}\d{1,3}[\s-]?[A-Z]|[A-Z]{3}\d{3,4}|\d[A-Z]{3}\d{3}"
    r"|\d[A-Z]{2}\s?\d{4}|[A-Z]{2,3}\s\d{4,5}|[A-Z]\d{3}[A-Z]{2}|\d{2,3}-[A-Z]{1,2}-\d{1,6}|[A-Z]{2}[\s-]\d{2}[\s-][A-Z]{1,2}[\s-]\d{4})\b"
)
_LOOSE_PLATE = re.compile(
    r"(?:plates?|reg|registration|tag)[\s.:(]{1,3}([A-Z]{1,3}\s\d{3,4})\b", re.I
)
_DRIVEN = re.compile(
    r"\b(?:[Dd]rives|[Dd]rove|[Dd]riving|[Cc]ar|[Vv]an|[Tt]ruck|[Vv]ehicle|[Ll]orry)\s(?:an?\s|the\s|his\s|her\s)?"
    r"(?:[\w-]{2,12}\s){0,2}\(?([A-Z]{2,3}\s\d{3,4})\b",
)
"""A plate without a word for it: "drives KTB 4471"."""
_AIRCRAFT = re.compile(
    r"\b(?:[Aa]ircraft|[Hh]elicopter|[Hh]elo|[Tt]ail|[Cc]all ?sign|[Ff]light)\s"
    r"(?:no\.?\s|number\s|reg\.?\s|ID\s)?"
    r"([A-Z]{1,2}-[A-Z0-9]{3,5}|N\d{1,5}[A-Z]{0,2})\b"
)
_VEHICLE_WORDS = frozenset(
    """car van lorry truck vehicle vehicles motorcycle motorbike taxi minibus plate plates reg
    scooter registration drives driver drove driving parked parking ford vauxhall toyota honda corsa
    fiesta bus trailer pickup suv jeep sedan minivan tail motorhome camper tractor moped tricycle
    prius
    camry civic corolla golf polo passat focus nissan mazda subaru hyundai kia volvo audi bmw
    mercedes volkswagen vw skoda renault peugeot fiat dodge chevrolet chevy tesla honda suzuki
    mahindra maruti tata rickshaw aircraft flight""".split()
)
_VEHICLE_REACH = 70


def find_forms(words: Words) -> Iterator[Found]:
    """Give what its form alone tells."""
    text = words.text
    for category, pattern in _FORMS:
        for match in pattern.finditer(text):
            yield Found(*match.span(), category, FORM_RANK, "id")
    for match in _BRACKETED.finditer(text):
        yield Found(*match.span(), "medical_record", FORM_RANK, "id")
    for match in _BEHIND_BIRTH.finditer(text):
        yield Found(*match.span(1), "medical_record", FORM_RANK, "id")
    for match in _GUID.finditer(text):
        start = match.start() - 8
        if start >= 0 and re.fullmatch(r"[0-9a-fA-F]{8}", text[start : match.start()]):
            yield Found(start, match.end(), "other", FORM_RANK, "id")
    for match in _NHS.finditer(text):
        if is_nhs_number(match.group()):
            yield Found(*match.span(), "medical_record", FORM_RANK, "id")
    for match in _LONG.finditer(text):
        if text[max(0, match.start() - 6) : match.start()].rstrip(" :").endswith(("PMID", "PMC")):
            continue
        if len(match.group().rstrip("0")) > 4 and not _STAMP.fullmatch(match.group()):
            yield Found(*match.span(), "other", _LAST_RANK, "id")
    for match in _SOLID.finditer(text):
        solid = match.group()
        letters = sum(letter.isalpha() for letter in solid)
        near = text[max(0, match.start() - 30) : match.start()].lower()
        told = "vin" in near or "vehicle" in near
        if letters >= 2 and (letters < 17 or told) and _CHASSIS.fullmatch(solid):
            yield Found(*match.span(), "vehicle", FORM_RANK, "id")
        elif letters and _SERIAL.fullmatch(solid):
            yield Found(*match.span(), "other", _LAST_RANK, "id")
    for match in chain(_LETTERED.finditer(text), _HYPHENED.finditer(text)):
        yield Found(*match.span(), "other", _LAST_RANK, "id")
    for match in _SLASHED.finditer(text):
        yield Found(*match.span(), "other", _LAST_RANK, "id")
    yield from _find_fields(text)
    yield from _find_plates(words)


def _find_fields(text: str) -> Iterator[Found]:
    """Give the bare numbers of a comma-separated line that also holds a date or a phone."""
    for line in _ROW.finditer(text):
        if _ROW_OF_PERSON.search(line.group()):
            for number in _ROW_NUMBER.finditer(text, *line.span()):
                yield Found(*number.span(), "other", _LAST_RANK, "id")


def is_nhs_number(number: str) -> bool:
    """Whether ten digits, with or without spaces, carry the NHS number's check digit (mod 11)."""
    digits = [int(letter) for letter in number if letter.isdigit()]
    if len(digits) != 10:
        return False
    check = 11 - sum(digit * (10 - at) for at, digit in enumerate(digits[:9])) % 11
    return check % 11 == digits[9]


def _find_plates(words: Words) -> Iterator[Found]:
    """Give number plates within reach of a word such as "car"."""
    reaches: list[list[int]] = []
    for at in words.where(_VEHICLE_WORDS):
        begin, end = words.ends[at], words.ends[at] + _VEHICLE_REACH
        if reaches and begin <= reaches[-1][1]:
            reaches[-1][1] = end
        else:
            reaches.append([begin, end])
    for begin, end in reaches:
        for match in _PLATE.finditer(words.text, begin, min(end, len(words.text))):
            yield Found(*match.span(), "vehicle", FORM_RANK + 2, "id")
    for aircraft in _AIRCRAFT.finditer(words.text):
        yield Found(*aircraft.span(1), "vehicle", FORM_RANK + 2, "id")
    for driven in _DRIVEN.finditer(words.text):
        yield Found(*driven.span(1), "vehicle", FORM_RANK + 2, "id")
    for at in words.where(("plate", "plates", "reg", "registration", "tag")):
        loose = _LOOSE_PLATE.match(words.text, words.starts[at])
        if loose:
            yield Found(*loose.span(1), "vehicle", FORM_RANK + 2, "id")
