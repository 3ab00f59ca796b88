"""A summary by a model on another machine: the bytes that leave hold no identifier of the note."""

from __future__ import annotations

import pytest

from medllm.ask import prompts
from medllm.ask.generate import Written, write_with_model
from medllm.clinical.findings import find_findings
from medllm.records import Note
from tests.ask.sources import hit
from tests.clinical.deidentify.elsewhere import model_elsewhere, sent_to

NOTE = Note(
    text="Ms Marta Quillon, a 93-year-old woman from Fresno, was seen by Dr Thistlewick on 12 "
    "March 2024 with fever and pleuritic chest pain. She denies haemoptysis. MRN 00412345."
)
UNCLEAR = Note(text="Marta Quillon of 417 Magnolia Street rang on 12 March 2024 about her visit.")
EVIDENCE = (hit("She had fever. She coughed."),)
GONE = ("Marta", "Quillon", "93-year", "Fresno", "Thistlewick", "12 March", "00412345", "Magnolia")


@pytest.mark.parametrize("note", [NOTE, UNCLEAR], ids=["findings", "no findings"])
def test_no_identifier_of_the_note_leaves(note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written()
    with model_elsewhere(monkeypatch, "She had fever. [1]") as (model, server):
        claims = list(
            write_with_model(
                model,
                note,
                find_findings(note.text),
                EVIDENCE,
                n_sentences=2,
                max_tokens=300,
                written=written,
            )
        )
        sent = sent_to(server)
    assert [name for name in GONE if name in sent] == []
    assert claims
    assert "She had fever." in sent


def test_what_the_patient_has_is_told_all_the_same() -> None:
    findings = find_findings(NOTE.text)
    shown = prompts.summary_messages(NOTE, findings, EVIDENCE, n_sentences=2, is_local=False)[1]
    assert "pleuritic chest pain" in shown.content
    assert "90+-year-old" in shown.content
    assert "haemoptysis" in shown.content


def test_a_model_on_this_machine_gets_the_note_as_it_is() -> None:
    shown = prompts.summary_messages(UNCLEAR, (), EVIDENCE, n_sentences=2)[1].content
    assert UNCLEAR.text in shown
