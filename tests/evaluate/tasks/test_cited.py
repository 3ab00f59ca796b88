"""Cited summaries: their measures by hand, and two summarisers compared on a real small index."""

from __future__ import annotations

import json

import pytest

from medllm.cli.main import main
from medllm.errors import DataError
from medllm.evaluate.tasks.cited import coverage, read_cases, score_answer
from medllm.records import Answer, Citation, Claim, Document, Finding, Hit, Note, Passage, Summary
from tests.fake_server import FakeServer

TEXT = "Fever was treated with paracetamol 500 mg. There was no rash."


def hit() -> Hit:
    document = Document(id="d1", kind="articles", text=TEXT)
    passage = Passage(document_id="d1", start=0, end=len(TEXT), text=TEXT)
    return Hit(document=document, passage=passage, score=1.0, rank=1)


def finding(name: str, **more) -> Finding:
    values = {"text": name, "start": 0, "end": len(name), "kind": "symptom", "normalised": name}
    return Finding(**(values | more))


def claim(text, verdict, *numbers) -> Claim:
    return Claim(text=text, citations=tuple(Citation(number=n) for n in numbers), verdict=verdict)


def answer(*claims, findings=(), abstained="") -> Answer:
    return Answer(
        note=Note(text="n"),
        findings=tuple(findings),
        patients=(),
        articles=(hit(),),
        evidence=(hit(),),
        summary=Summary(claims=claims, model="m", abstained=abstained),
    )


def test_a_summary_is_scored_sentence_by_sentence():
    given = answer(
        claim("Fever was treated with paracetamol 500 mg.", "quoted", 1),
        claim("Fever was treated with paracetamol 900 mg.", "number not in source", 1),
        claim("There was a rash.", "negation differs", 1),
        claim("Rest helps.", "uncited"),
        findings=[finding("fever"), finding("cough"), finding("rash", negated=True)],
    )
    scores = score_answer(given, has_evidence=True)
    assert scores["support"] == 0.25
    assert scores["contradiction"] == 0.5
    assert scores["citation recall"] == 0.25
    assert scores["citation precision"] == pytest.approx(1 / 3)
    assert scores["coverage"] == 0.5, "of fever and cough; the rash is negated"
    assert scores["abstention"] == 1.0


def test_silence_is_right_without_evidence_and_wrong_with_it():
    silent = answer(abstained="nothing bears on it")
    assert score_answer(silent, has_evidence=False) == {"answered": 0.0, "abstention": 1.0}
    assert score_answer(silent, has_evidence=True)["abstention"] == 0.0
    assert "abstention" not in score_answer(silent, has_evidence=None)
    spoke = answer(claim("Rest helps.", "uncited"))
    assert score_answer(spoke, has_evidence=False)["abstention"] == 0.0


def test_without_findings_there_is_no_coverage():
    assert coverage(answer(claim("Fever.", "quoted", 1))) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "holds no note"), ("{}\n", "line 1: has no text"), ("no\n", "cannot read")],
)
def test_notes_that_cannot_be_read_are_refused(tmp_path, content, message):
    path = tmp_path / "notes.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_cases(path)


NOTES = (
    "64-year-old woman after hip replacement, sudden shortness of breath, pleuritic chest pain.",
    "Fever, headache and stiff neck for one day.",
    "Cough and haemoptysis, night sweats, weight loss.",
    "Child with fever and barking cough.",
    "Chest pain radiating to the left arm, sweating.",
    "Confusion after a fall, on warfarin.",
    "Swollen painful calf after a long flight.",
    "Palpitations, weight loss and tremor.",
)


def test_two_summarisers_are_compared_on_the_same_evidence(tmp_path, examples, capsys):
    index = tmp_path / "idx"
    patients = str(examples / "patients.jsonl")
    assert main(["index", "build", patients, "--kind", "patients", "--to", str(index)]) == 0
    notes = tmp_path / "notes.jsonl"
    lines = [{"id": f"n{at}", "text": text} for at, text in enumerate(NOTES)]
    lines.append({"id": "none", "text": "Zxqv glorp.", "has_evidence": False})
    notes.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    capsys.readouterr()
    made_up = json.dumps({"sentences": [{"text": "Give 900 mg of gold.", "sources": [1]}]})
    with FakeServer(lambda request: made_up) as server:
        worse = f"openai:{server.openai_url}#tiny:latest"
        command = ["evaluate", "summaries", str(notes), "--index", str(index)]
        command += ["--model", "extractive", "--model", worse]
        assert main([*command, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert main(command) == 0
    support = facts["measures"]["support"]["systems"]
    assert support["extractive"]["mean"] == 1.0
    assert support[worse]["mean"] == 0.0
    assert facts["n_other_evidence"] == 0
    shown = {c["metric"]: c for c in facts["comparisons"]}["support"]
    assert shown["n"] == support["extractive"]["n"]
    assert facts["measures"]["abstention"]["systems"]["extractive"]["mean"] == 1.0
    said = capsys.readouterr().out
    assert "CITED SUMMARIES (9 notes)" in said
    assert "paired differences" in said
    assert main([*command, "--model", "extractive"]) == 2
