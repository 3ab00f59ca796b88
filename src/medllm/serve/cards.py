"""CDS Hooks 2.0: cards about what literature there is, within half a second, without a model.

After https://cds-hooks.hl7.org/2.0/. The summary is a click away on the page, where its basis is.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from medllm.ask.labels import headline
from medllm.ask.road import Road, walk
from medllm.clinical.fhir import FhirNote, write_note
from medllm.records import Hit, Note
from medllm.serve.answers import Json
from medllm.serve.shared_index import Gate

SERVICE = "medllm-literature"
_MAX_SUMMARY = 139
_MAX_TITLES = 5
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!<>|~:/@&])")
_PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "observations": "Observation?patient={{context.patientId}}&_sort=-date&_count=50",
    "medications": "MedicationRequest?patient={{context.patientId}}&status=active",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
}


def services() -> Json:
    """Give the list of services."""
    return {
        "services": [
            {
                "hook": "patient-view",
                "id": SERVICE,
                "title": "Literature for this patient",
                "description": "Similar published patients and relevant articles, with their "
                "sources. Not a medical device, not for emergencies.",
                "prefetch": _PREFETCH,
                "usageRequirements": "Works from the prefetch only: it calls no FHIR server.",
            }
        ]
    }


def note_of(prefetch: Any) -> FhirNote | None:
    """Give the note that a prefetch tells; None where it holds no resource at all.

    A key that is absent was not satisfied, null is no data, an OperationOutcome a failure.
    """
    if not isinstance(prefetch, dict):
        return None
    resources = [
        resource
        for resource in prefetch.values()
        if isinstance(resource, dict) and resource.get("resourceType") != "OperationOutcome"
    ]
    return write_note(resources, today=date.today()) if resources else None


def find_evidence(road: Road, note: Note, gate: Gate) -> tuple[Hit, ...]:
    """Give the documents that bear enough on the note. Blocks; asks no model."""
    with gate.reading():
        for step in walk(road, note):
            if step.evidence is not None:
                return step.evidence
    return ()


def cards_for(evidence: Iterable[Hit], *, page_url: str) -> list[Json]:
    """Give one card, or none where nothing bears on the patient."""
    hits = list(evidence)
    if not hits:
        return []
    n_patients = sum(hit.document.kind == "patients" for hit in hits)
    n_articles = len(hits) - n_patients
    summary = (
        f"Literature: {n_patients} similar published patient{'' if n_patients == 1 else 's'}, "
        f"{n_articles} article{'' if n_articles == 1 else 's'}"
    )
    lines = [f"- {_plain(_cited(hit))}" for hit in hits[:_MAX_TITLES]]
    notice = "Literature and its basis, never a directive. Not for emergencies."
    card = {
        "uuid": str(uuid.uuid4()),
        "summary": summary[:_MAX_SUMMARY],
        "indicator": "info",
        "detail": "\n".join([*lines, "", notice]),
        "source": {"label": "medllm"},
        "links": [{"label": "Open medllm", "url": page_url, "type": "absolute"}],
    }
    return [card]


def _cited(hit: Hit) -> str:
    document = hit.document
    parts = [headline(document), str(document.year or ""), document.source]
    return ", ".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Write a text so that Markdown shows it letter for letter, without a link or an image."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
