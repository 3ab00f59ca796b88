"""HL7 version 2 and X12 messages: what stands in which field is known, whatever it looks like.

Fields by segment and number as chapters 2A, 3 and 4 of the HL7 2.x standard give them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.text import Category, Found

_RANK = 1
_SEGMENT = re.compile(
    r"^[ \t]{0,4}((?:MSH|EVN|PID|PD1|NK1|MRG|PV1|PV2|GT1|IN1|IN2|ORC|OBR|OBX"
    r"|TXA|SCH|ROL|ACC|RXA|PR1|DG1)"
    r"\|[^\r\n]*)",
    re.MULTILINE,
)
_COMPONENT = re.compile(r"[^|^~&\r\n]+")
_PERSON_PARTS = (2, 3, 4)
"""Of a person with an id in front (XCN): family name, given name, further names."""
_PLACE_PARTS = (1, 2, 3, 5, 8, 9)
"""Of an address (XAD): street, second line, town, code, further, county; 4 is the state."""
_ADDRESS_KINDS = {1: "street", 2: "street", 5: "code"}
_IDS: dict[Category, str] = {
    "medical_record": "PID-2 PID-3 PID-4 PID-21 MRG-1 MRG-4 PV1-19 PV1-50 IN1-49 NK1-33",
    "account": "PID-18 MRG-3 GT1-2 IN2-7",
    "ssn": "PID-19 GT1-12 IN2-2 NK1-37",
    "licence": "PID-20",
    "health_plan": "IN1-2 IN1-8 IN1-36 IN2-6 IN2-8",
    "other": "MSH-10 ORC-2 ORC-3 ORC-4 OBR-2 OBR-3 TXA-12 SCH-1 SCH-2",
    "vehicle": "ACC-13",
}
_NAMES = "PID-5 PID-6 PID-9 NK1-2 NK1-30 GT1-3 GT1-4 IN1-16 MRG-7 PD1-3"
_EMPLOYERS = "NK1-13 GT1-16 GT1-51 IN1-11 IN2-3"
_PEOPLE = (
    "EVN-5 PD1-4 PV1-7 PV1-8 PV1-9 PV1-17 PV1-52 ORC-10 ORC-11 ORC-12 ORC-19 OBR-10 OBR-16 OBR-28"
    " OBR-32 OBR-33 OBR-34 OBX-16 TXA-5 TXA-9 TXA-10 TXA-11 ROL-4 PR1-8 PR1-11 PR1-12 DG1-16 RXA-10"
)
_ADDRESSES = "PID-11 NK1-4 GT1-5 IN1-19 IN1-5 PID-12 PID-23"
_PHONES = "PID-13 PID-14 NK1-5 NK1-6 GT1-6 GT1-7 OBR-17 ORC-14 PID-40"
_HOUSES = "MSH-4 MSH-6 PV1-39 EVN-7"
_LOCATIONS = "PV1-3 PV1-6 PV1-11 PV1-42"


def _table() -> dict[str, tuple[Category, str, tuple[int, ...]]]:
    """Give category, kind and components (none: all) for each field that identifies somebody."""
    rows: dict[str, tuple[Category, str, tuple[int, ...]]] = {}
    for category, said in _IDS.items():
        rows |= dict.fromkeys(said.split(), (category, "id", (1,)))
    rows |= dict.fromkeys(_NAMES.split(), ("name", "person", ()))
    rows |= dict.fromkeys(_EMPLOYERS.split(), ("name", "company", (1,)))
    rows |= dict.fromkeys(_PEOPLE.split(), ("name", "person", _PERSON_PARTS))
    rows |= dict.fromkeys(_ADDRESSES.split(), ("geographic", "place", _PLACE_PARTS))
    rows |= dict.fromkeys(_PHONES.split(), ("phone", "phone", ()))
    rows |= dict.fromkeys(_HOUSES.split(), ("geographic", "place", ()))
    rows |= dict.fromkeys(_LOCATIONS.split(), ("geographic", "place", (4,)))
    return rows


_FIELDS = _table()


def is_message(text: str) -> bool:
    """Whether the text holds a segment of an HL7 version 2 message."""
    return "|" in text and _SEGMENT.search(text) is not None


_X12 = re.compile(
    r"(?:^|~\s{0,2})(NM1\*|N[34]\*|CLM\*|REF\*|ISA\*|PER\*)([^~\n]{1,400})", re.MULTILINE
)
_X12_FIELDS: dict[str, tuple[tuple[int, Category, str], ...]] = {
    "N3*": ((0, "geographic", "street"), (1, "geographic", "street")),
    "N4*": ((0, "geographic", "place"), (2, "geographic", "code")),
    "CLM*": ((0, "account", "id"),),
    "REF*": ((1, "other", "id"),),
    "ISA*": ((5, "other", "id"), (7, "other", "id")),
    "PER*": ((1, "name", "person"), (3, "phone", "phone")),
}
_X12_PERSON: tuple[tuple[int, Category, str], ...] = (
    (2, "name", "person"),
    (3, "name", "person"),
    (4, "name", "person"),
    (8, "health_plan", "id"),
)


def _find_x12(text: str) -> Iterator[Found]:
    """Give what identifies somebody in a claim by ANSI X12 (837): "NM1*IL*1*ROE*JANE"."""
    for segment in _X12.finditer(text):
        fields = segment[2].split("*")
        wanted = _X12_FIELDS.get(segment[1], ())
        if segment[1] == "NM1*" and fields[1:2] == ["1"]:  # 2 is an organisation
            wanted = _X12_PERSON
        at = segment.start(2)
        for number, field in enumerate(fields):
            for which, category, kind in wanted:
                if which == number and field.strip():
                    start = at + len(field) - len(field.lstrip())
                    yield Found(start, at + len(field.rstrip()), category, _RANK, kind)
            at += len(field) + 1


def find_message_fields(text: str) -> Iterator[Found]:
    """Give the fields of messages that identify somebody; dates are found by their form."""
    if "~" in text and "NM1*" in text:
        yield from _find_x12(text)
    if "|" not in text:
        return
    for segment in _SEGMENT.finditer(text):
        at = segment.start(1)
        name = segment[1][:3]
        first = 1 if name == "MSH" else 0  # its first separator is a field of its own
        for number, field in enumerate(segment[1].split("|"), start=first):
            yield from _read_field(f"{name}-{number}", field, at)
            at += len(field) + 1


def _read_field(name: str, field: str, offset: int) -> Iterator[Found]:
    if name not in _FIELDS or not field:
        return
    category, kind, wanted = _FIELDS[name]
    start = offset
    for repeated in field.split("~"):
        at = start
        for number, component in enumerate(repeated.split("^"), start=1):
            said = _COMPONENT.search(component)
            if said and (not wanted or number in wanted) and _is_worth(said.group(), kind):
                length = len(component.rstrip())
                what = _ADDRESS_KINDS.get(number, kind) if wanted == _PLACE_PARTS else kind
                yield Found(at + said.start(), at + length, category, _RANK, what)
            elif said and wanted == _PERSON_PARTS and number == 1:
                yield Found(at + said.start(), at + said.end(), "licence", _RANK, "id")
            at += len(component) + 1
        start += len(repeated) + 1


def _is_worth(said: str, kind: str) -> bool:
    """Whether a component says something: no use code, degree or empty pair of quotes."""
    letters = sum(letter.isalnum() for letter in said)
    return letters > (2 if kind == "phone" else 0)
