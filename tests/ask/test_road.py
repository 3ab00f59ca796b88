"""The whole road on the example corpus: its steps, what it searches for, and how it ends."""

from __future__ import annotations

import dataclasses
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medllm.ask import prompts
from medllm.ask.note import check_note
from medllm.ask.road import Review, Road, Step, ask, walk
from medllm.clinical.findings import find_findings
from medllm.config import AskConfig
from medllm.errors import MedllmError
from medllm.models.fake import FakeModel
from medllm.models.spec import ModelSpec
from medllm.records import Answer, Document, Note, to_json
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from tests.ask.sources import EXAMPLES
from tests.fake_server import FakeServer
from tests.models.asking import open_at

TEXT = (EXAMPLES / "note.txt").read_text(encoding="utf-8")
NOTE = Note(text=TEXT)
CANARY = "Zanzibarine"
FIELDS = [field.name for field in dataclasses.fields(Step)]


def road(index: EmbeddedIndex, **settings: Any) -> Road:
    model = settings.pop("model", None)
    return Road(index=index, settings=AskConfig(**settings), top=5, model=model)


def scripted(tmp_path: Path, *answers: dict[str, Any]) -> FakeModel:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(answers), encoding="utf-8")
    return FakeModel(ModelSpec("fake", str(path)))


def kinds(steps: list[Step]) -> list[str]:
    return [name for step in steps for name in FIELDS if getattr(step, name) is not None]


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("a socket was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_steps_come_in_order_and_the_answer_holds_them_all(
    example_index: EmbeddedIndex,
) -> None:
    steps = list(walk(road(example_index), NOTE))
    order = kinds(steps)
    n_claims = order.count("claim")
    assert n_claims >= 6
    first = ["findings", "patients", "articles", "evidence"]
    assert order == [*first, *["claim"] * n_claims, "answer"]
    answer = steps[-1].answer
    assert answer is not None
    found = (steps[0].findings, steps[1].patients, steps[2].articles, steps[3].evidence)
    assert found == (answer.findings, answer.patients, answer.articles, answer.evidence)
    assert tuple(step.claim for step in steps[4:-1]) == answer.summary.claims
    assert answer.note == NOTE


def test_a_finding_that_a_reader_took_out_is_not_searched_for(
    example_index: EmbeddedIndex,
) -> None:
    findings = tuple(find_findings(TEXT))
    breathless = next(f for f in findings if f.normalised == "dyspnoea")
    kept = tuple(f for f in findings if f is not breathless)
    review = Review(kept, ((breathless.start, breathless.end),))
    answer = list(walk(road(example_index), NOTE, review=review))[-1].answer
    assert answer is not None
    assert answer.findings == kept
    assert answer.note == NOTE
    usual = ask(road(example_index), NOTE)
    assert "breath" in shared_by(usual)
    assert "breath" not in shared_by(answer)


def shared_by(answer: Answer) -> str:
    return " ".join(name for hit in (*answer.patients, *answer.articles) for name in hit.why)


def test_the_demo_patient_finds_embolism_after_surgery(example_index: EmbeddedIndex) -> None:
    answer = ask(road(example_index), NOTE)
    assert "embolism" in answer.patients[0].document.title.lower()
    assert {hit.document.kind for hit in answer.evidence} == {"patients", "articles"}
    assert {claim.verdict for claim in answer.summary.claims} == {"quoted"}
    assert (answer.summary.abstained, answer.summary.incomplete) == ("", "")
    for claim in answer.summary.claims:
        for citation in claim.citations:
            text = answer.evidence[citation.number - 1].document.text
            assert text[citation.start : citation.end] == claim.text
    assert not any(hit.document.retracted for hit in answer.evidence)


@pytest.fixture
def small_index(tmp_path: Path) -> Iterator[EmbeddedIndex]:
    texts = {
        "own": "A woman had fever and a dry cough for a week; pneumonia was found.",
        "negated": "Haemoptysis began. The haemoptysis came back. Haemoptysis is alarming.",
        "family": "Psoriasis of the elbows itched. Psoriasis came back. It was psoriasis.",
    }
    with EmbeddedIndex.create(tmp_path / "small", encoder=None) as index:
        add_documents(
            index, (Document(id=id_, kind="patients", text=text) for id_, text in texts.items())
        )
        yield index


def test_what_is_negated_or_somebody_elses_is_not_searched_for(
    small_index: EmbeddedIndex,
) -> None:
    def found(text: str) -> list[str]:
        answer = ask(road(small_index), Note(text=text))
        return [hit.document.id for hit in answer.patients]

    begin = "A 50-year-old woman has fever and a dry cough."
    assert found(begin) == ["own"]
    assert found(f"{begin} She has no haemoptysis. Her mother had psoriasis.") == ["own"]
    assert found(f"{begin} She has haemoptysis.")[:2] in (["own", "negated"], ["negated", "own"])
    assert "family" in found(f"{begin} She has psoriasis.")


def test_nothing_near_enough_is_said_and_the_model_is_not_asked(
    example_index: EmbeddedIndex, tmp_path: Path
) -> None:
    with FakeServer(lambda request: "Never asked.") as server:
        model = open_at(server, "ollama")
        note = Note(text="A knitting pattern for a woollen sock, with a heel turned twice.")
        answer = ask(road(example_index, model=model, threshold=0.9), note)
        assert server.received == []
    assert answer.summary.claims == ()
    assert answer.evidence == ()
    assert "90%" in answer.summary.abstained
    assert answer.summary.incomplete == ""
    assert answer.summary.not_found == ()


def test_retrieval_is_shown_even_where_the_summary_abstains(example_index: EmbeddedIndex) -> None:
    answer = ask(road(example_index, threshold=1.0), NOTE)
    assert answer.summary.abstained
    assert answer.patients
    assert answer.articles


def test_an_empty_index_abstains(tmp_path: Path) -> None:
    with EmbeddedIndex.create(tmp_path / "empty", encoder=None) as index:
        answer = ask(road(index), NOTE)
    assert (answer.patients, answer.articles, answer.evidence) == ((), (), ())
    assert answer.summary.abstained


@pytest.mark.usefixtures("no_sockets")
def test_without_a_model_no_socket_is_opened(example_index: EmbeddedIndex) -> None:
    assert ask(road(example_index), NOTE).summary.claims


def test_the_same_note_gets_the_same_answer(example_index: EmbeddedIndex) -> None:
    def without_times(answer: Answer) -> Any:
        shown = to_json(answer)
        del shown["basis"]["times"]
        return shown

    one, other = (without_times(ask(road(example_index), NOTE)) for _ in range(2))
    assert one == other


def test_the_answer_is_plain_json_and_says_what_it_rests_on(example_index: EmbeddedIndex) -> None:
    answer = ask(road(example_index), NOTE)
    shown = json.loads(json.dumps(to_json(answer), allow_nan=False))
    assert shown["note"]["text"] == TEXT
    assert len(shown["summary"]["claims"]) == len(answer.summary.claims)
    basis = shown["basis"]
    assert basis["evidence"] == len(answer.evidence)
    assert basis["index_documents"]
    assert set(basis["times"]) == {"findings_s", "search_s", "summary_s"}
    assert any("not what should be done" in limit for limit in basis["limits"])


def test_what_no_cited_passage_mentions_is_listed(example_index: EmbeddedIndex) -> None:
    text = f"{TEXT}\nShe also has hiccups and vitiligo."
    answer = ask(road(example_index), Note(text=text))
    named = " ".join(answer.summary.not_found).lower()
    assert "hiccup" in named
    assert "haemoptysis" not in named
    assert "breast cancer" not in named


def test_a_model_writes_from_the_evidence_and_every_sentence_is_checked(
    example_index: EmbeddedIndex, tmp_path: Path
) -> None:
    first = ask(road(example_index), NOTE).evidence[0].document.text.split(". ")[0]
    script = {
        "sentences": [
            {"text": f"{first}.", "sources": [1]},
            {"text": "She needs 900 mg of aspirin.", "sources": [1]},
            {"text": "It will be fine.", "sources": []},
            {"text": "As in another case.", "sources": [77]},
        ]
    }
    model = scripted(tmp_path, {"text": json.dumps(script)}, {"text": "{}"})
    answer = ask(road(example_index, model=model), NOTE)
    verdicts = [claim.verdict for claim in answer.summary.claims]
    assert verdicts == ["quoted", "number not in source", "uncited", "unknown source"]
    assert answer.summary.prompt == prompts.SUMMARY
    assert answer.summary.model.startswith("fake:")


@pytest.mark.parametrize("protocol", ["ollama", "openai"])
@pytest.mark.parametrize("mode", ["reset", "html_500", "error_frame", "no_finish", "redirect"])
def test_when_the_model_fails_what_was_found_stays(
    example_index: EmbeddedIndex, protocol: str, mode: str
) -> None:
    with FakeServer(lambda request: '{"sentences": []}', [mode]) as server:
        answer = ask(road(example_index, model=open_at(server, protocol)), NOTE)
    assert answer.summary.incomplete
    assert answer.summary.abstained == ""
    assert answer.patients
    assert answer.articles
    assert answer.evidence


def test_a_model_that_is_not_there_is_said(example_index: EmbeddedIndex) -> None:
    with FakeServer() as server:
        model = open_at(server, "ollama", connect_timeout_s=1.0)
    answer = ask(road(example_index, model=model), NOTE)
    assert "does not answer" in answer.summary.incomplete
    assert answer.evidence


def test_a_model_with_nothing_to_say_is_said(example_index: EmbeddedIndex, tmp_path: Path) -> None:
    model = scripted(tmp_path, {"text": '{"sentences": []}'})
    answer = ask(road(example_index, model=model), NOTE)
    assert answer.summary.claims == ()
    assert answer.summary.abstained


def test_closing_the_walk_stops_the_model(example_index: EmbeddedIndex) -> None:
    text = json.dumps({"sentences": [{"text": "Fever.", "sources": [1]}] * 40})
    with FakeServer(lambda request: text, ["stall"]) as server:
        steps = walk(road(example_index, model=open_at(server, "openai")), NOTE)
        while next(steps).claim is None:
            pass
        assert not server.hung_up.is_set()
        steps.close()
        assert server.hung_up.wait(30)


def test_the_note_is_in_no_log_and_in_no_message(
    example_index: EmbeddedIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = f"{CANARY} has fever. {TEXT}\nShe is called {CANARY}."
    note = check_note(text, 10**6)
    for settings in ({}, {"threshold": 1.0}, {"sentences": 1}):
        ask(road(example_index, **settings), note)
    for mode in ("ok", "html_500", "reset", "echoing_error", "error_frame", "length", "bad_json"):
        answers = iter([f'{{"text": "{CANARY} had it.", "sources": [1]}}'] * 9)
        with FakeServer(lambda request, answers=answers: next(answers), [mode]) as server:
            answer = ask(road(example_index, model=open_at(server, "ollama")), note)
        assert CANARY not in answer.summary.incomplete + answer.summary.abstained
        assert CANARY not in json.dumps(answer.basis)
    ask(road(example_index, model=scripted(tmp_path, {"text": "x", "error": "bad"})), note)
    assert CANARY.lower() not in caplog.text.lower()
    assert not any(CANARY in str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize(
    ("text", "limit"),
    [(f"{CANARY} ist mit der Hand in die Tür und das ist nicht gut für den Arm " * 3, 10**6),
     (f"{CANARY} " * 99, 100), (f"{CANARY}\x00", 10**6)],
)  # fmt: skip
def test_a_note_that_is_refused_is_not_repeated(text: str, limit: int) -> None:
    with pytest.raises(MedllmError) as caught:
        check_note(text, limit)
    assert CANARY not in str(caught.value) + caught.value.hint
