"""FHIR R4 resources as a note in words, so that they are read like any other description.

After https://hl7.org/fhir/R4/. What is refuted becomes a negation, what is over is said to be past,
what was entered in error is left out, and "unknown" is never turned into "none".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Resource = Mapping[str, Any]

_OVER = ("inactive", "remission", "resolved")
_WRONG = ("entered-in-error", "cancelled", "draft", "unknown", "registered")
_SEXES = {"female": "woman", "male": "man"}
_MAX_WORDS = 400
_FLAGS = {"H": "high", "HH": "high", "L": "low", "LL": "low"}
_ENDED = ("completed", "stopped", "ended")


@dataclass(slots=True)
class FhirNote:
    """A note with what it was made of."""

    text: str = ""
    taken: Counter[str] = field(default_factory=Counter)
    """Resources by type."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Resources of other types, or that say nothing, by type."""


def write_note(resources: Iterable[Any], *, today: date) -> FhirNote:
    """Give resources (bundles are opened) as sentences, the patient first."""
    note = FhirNote()
    sentences: list[tuple[int, str]] = []
    for resource in _opened(resources):
        kind = str(resource.get("resourceType", ""))[:64]
        if kind == "Patient":
            said = _patient(resource, today)
        else:
            said = _WRITERS[kind](resource) if kind in _WRITERS else ""
        (note.taken if said else note.left_out)[kind] += 1
        if said:
            sentences.append((_ORDER.index(kind), said))
    note.text = "\n".join(said for _, said in sorted(sentences, key=lambda pair: pair[0]))
    return note


def _opened(resources: Iterable[Any]) -> Iterator[Resource]:
    for resource in resources:
        if not isinstance(resource, Mapping):
            continue
        if resource.get("resourceType") == "Bundle":
            entries = resource.get("entry")
            inner = entries if isinstance(entries, list) else []
            yield from _opened(e.get("resource") for e in inner if isinstance(e, Mapping))
        else:
            yield resource


def _patient(patient: Resource, today: date) -> str:
    sex = _SEXES.get(str(patient.get("gender", "")), "patient")
    try:
        born = date.fromisoformat(str(patient.get("birthDate", ""))[:10])
    except ValueError:
        return f"The patient is a {sex}." if sex != "patient" else ""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if years >= 2:
        return f"{years}-year-old {sex}."
    months = 12 * (today.year - born.year) + today.month - born.month - (today.day < born.day)
    return f"{max(0, months)}-month-old {sex}."


def _condition(condition: Resource) -> str:
    name, verified = _named(condition.get("code")), _code(condition.get("verificationStatus"))
    if not name or verified == "entered-in-error":
        return ""
    if verified == "refuted":
        return f"No {name}."
    said = (
        f"Possible {name}" if verified in ("provisional", "differential", "unconfirmed") else name
    )
    if _code(condition.get("clinicalStatus")) in _OVER:
        return f"Past history: {said}, resolved."
    return f"{said}."


def _observation(observation: Resource) -> str:
    if str(observation.get("status")) in _WRONG:
        return ""
    parts = [observation]
    components = observation.get("component")
    if isinstance(components, list):
        parts += [part for part in components if isinstance(part, Mapping)]
    said = [value for part in parts if (value := _measured(part))]
    return f"{', '.join(said)}." if said else ""


def _measured(part: Resource) -> str:
    name = _named(part.get("code"))
    if not name or part.get("dataAbsentReason"):
        return ""
    quantity = part.get("valueQuantity")
    value = ""
    if isinstance(quantity, Mapping) and isinstance(quantity.get("value"), int | float):
        value = f"{quantity['value']:g} {_words(quantity.get('unit') or quantity.get('code'))}"
    value = value or _named(part.get("valueCodeableConcept")) or _words(part.get("valueString"))
    if not value:
        return ""
    readings = part.get("interpretation")
    codes = [_code(one) for one in readings] if isinstance(readings, list) else []
    flag = next((_FLAGS[code] for code in codes if code in _FLAGS), "")
    return " ".join(f"{name} {value} {f'({flag})' if flag else ''}".split())


def _allergy(allergy: Resource) -> str:
    name, verified = _named(allergy.get("code")), _code(allergy.get("verificationStatus"))
    if not name or verified == "entered-in-error":
        return ""
    if verified == "refuted":
        return f"No allergy to {name}."
    return f"Allergy to {name}."


def _medication(medication: Resource) -> str:
    name, status = (
        _named(medication.get("medicationCodeableConcept")),
        str(medication.get("status")),
    )
    if not name or status in (*_WRONG, "intended", "not-taken", "on-hold"):
        return ""
    return f"Took {name} in the past." if status in _ENDED else f"Takes {name}."


def _procedure(procedure: Resource) -> str:
    name, status = _named(procedure.get("code")), str(procedure.get("status"))
    if not name or status in (*_WRONG, "preparation"):
        return ""
    return f"{name} was not done." if status == "not-done" else f"Had {name}."


def _encounter(encounter: Resource) -> str:
    reasons = encounter.get("reasonCode")
    names = [_named(reason) for reason in reasons] if isinstance(reasons, list) else []
    named = [name for name in names if name]
    if not named or str(encounter.get("status")) in _WRONG:
        return ""
    return f"Comes because of {', '.join(named)}."


def _family(history: Resource) -> str:
    relative = _named(history.get("relationship")) or "a relative"
    conditions = history.get("condition")
    if not isinstance(conditions, list) or str(history.get("status")) == "entered-in-error":
        return ""
    names = [_named(one.get("code")) for one in conditions if isinstance(one, Mapping)]
    named = [name for name in names if name]
    return f"Family history: {relative} had {', '.join(named)}." if named else ""


def _report(report: Resource) -> str:
    said = _words(report.get("conclusion"))
    return said if str(report.get("status")) not in _WRONG else ""


_WRITERS: dict[str, Callable[[Resource], str]] = {
    "Encounter": _encounter,
    "Condition": _condition,
    "Observation": _observation,
    "DiagnosticReport": _report,
    "Procedure": _procedure,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "AllergyIntolerance": _allergy,
    "FamilyMemberHistory": _family,
}
_ORDER = ["Patient", *_WRITERS]


def _named(concept: Any) -> str:
    """Give a concept's own words, else the first display of its codes."""
    if not isinstance(concept, Mapping):
        return ""
    if text := _words(concept.get("text")):
        return text
    codings = concept.get("coding")
    shown = [_words(c.get("display")) for c in codings or [] if isinstance(c, Mapping)]
    return next((words for words in shown if words), "")


def _code(concept: Any) -> str:
    if not isinstance(concept, Mapping):
        return ""
    codings = concept.get("coding")
    codes = [c.get("code") for c in codings or [] if isinstance(c, Mapping)]
    return next((code for code in codes if isinstance(code, str)), "")


def _words(value: Any) -> str:
    """Give a text on one line; nothing for what is none."""
    return " ".join(value.split()[:_MAX_WORDS]) if isinstance(value, str) else ""
