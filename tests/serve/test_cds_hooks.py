"""CDS Hooks: discovery, cards from the prefetch alone, 412 without data, feedback."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from medllm.records import Document, Hit, Passage
from medllm.serve.cards import cards_for

HERE = "/cds-services/medllm-literature"


def hook(**prefetch: Any) -> dict[str, Any]:
    context = {"patientId": "Quaggaridge", "userId": "Practitioner/1"}
    body = {"hook": "patient-view", "hookInstance": str(uuid.uuid4()), "context": context}
    return {**body, "fhirServer": "https://evil.example", "prefetch": prefetch}


def condition(name: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": {"text": name}}


PATIENT = {"resourceType": "Patient", "gender": "female", "birthDate": "1962-01-01"}


def test_the_service_is_listed_with_its_prefetch(client: httpx.Client) -> None:
    (service,) = client.get("/cds-services").json()["services"]
    assert service["id"] == "medllm-literature"
    assert service["hook"] == "patient-view"
    assert "{{context.patientId}}" in service["prefetch"]["patient"]


def test_a_card_names_what_literature_there_is(client: httpx.Client) -> None:
    names = ("pleuritic chest pain", "dyspnoea", "total hip replacement", "pulmonary embolism")
    bundle = {"resourceType": "Bundle", "entry": [{"resource": condition(n)} for n in names]}
    answer = client.post(HERE, json=hook(patient=PATIENT, conditions=bundle, allergies=None))
    assert answer.status_code == 200, answer.text
    (card,) = answer.json()["cards"]
    assert len(card["summary"]) < 140
    assert card["indicator"] == "info"
    assert card["source"]["label"]
    assert "embolism" in card["detail"]
    assert card["links"][0]["url"].startswith("http://127.0.0.1")
    said = {"feedback": [{"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": []}]}
    assert client.post(f"{HERE}/feedback", json=said).status_code == 200


@pytest.mark.parametrize(
    "prefetch", [{}, {"patient": None}, {"patient": {"resourceType": "OperationOutcome"}}], ids=str
)
def test_without_data_there_is_no_card_but_a_412(
    client: httpx.Client, prefetch: dict[str, Any]
) -> None:
    refused = client.post(HERE, json=hook(**prefetch))
    assert refused.status_code == 412
    assert "Quaggaridge" not in refused.text
    assert client.post("/cds-services/other", json=hook()).status_code == 404
    assert client.post(HERE, json={"hook": "order-sign"}).status_code == 422


def test_markdown_in_a_title_stays_letters() -> None:
    title = "![x](https://evil.example/p.png) <img src=x> [y](javascript:alert(1))"
    document = Document(id="d", kind="articles", title=title, text="A text.")
    passage = Passage(document_id="d", start=0, end=7, text="A text.")
    hit = Hit(document=document, passage=passage, score=1.0, rank=1)
    (card,) = cards_for([hit], page_url="http://127.0.0.1/")
    assert "\\!\\[x\\]\\(https\\:\\/\\/" in card["detail"]
    assert "<img" not in card["detail"].replace("\\<img", "")
    assert cards_for([], page_url="http://127.0.0.1/") == []
