"""The second reader: a model's findings count only where the note holds them to the letter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medllm.clinical.second_reader import MAX_WORDS, merge_findings, read_with_model
from medllm.errors import ModelError
from medllm.models.chat import Model, ModelSettings
from medllm.models.spec import open_model, parse_spec
from medllm.records import Finding
from tests.fake_server import FakeServer

NOTE = "A man of 50 with chest pain and no fever. His father had gout. Later the chest pain eased."


def item(text: str, **fields: Any) -> dict[str, Any]:
    context = {"negated": False, "experiencer": "patient", "temporality": "present"}
    return {"text": text, "kind": "symptom", **context, **fields}


def scripted(tmp_path: Path, *answers: object) -> Model:
    script = tmp_path / "script.json"
    texts = [a if isinstance(a, str) else json.dumps({"findings": a}) for a in answers]
    script.write_text(json.dumps([{"text": text} for text in texts]), encoding="utf-8")
    return open_model(parse_spec(f"fake:{script}"), ModelSettings())


def test_a_finding_that_the_note_holds_is_taken_with_its_place_and_context(tmp_path: Path) -> None:
    model = scripted(
        tmp_path,
        [
            item("fever", negated=True),
            item("gout", kind="disorder", experiencer="family"),
        ],
    )
    reading = read_with_model(NOTE, model)
    assert [NOTE[f.start : f.end] for f in reading.findings] == ["fever", "gout"]
    assert [(f.negated, f.experiencer) for f in reading.findings] == [
        (True, "patient"),
        (False, "family"),
    ]
    assert {f.source for f in reading.findings} == {str(model.spec)}


@pytest.mark.parametrize(
    "invented", ["dyspnoea", "Chest pain", "chest pains", "hest pain", "", " "]
)
def test_a_finding_that_is_not_in_the_note_to_the_letter_is_refused_and_counted(
    tmp_path: Path, invented: str
) -> None:
    reading = read_with_model(NOTE, scripted(tmp_path, [item(invented)]))
    assert reading.findings == ()
    assert reading.not_in_text == 1


def test_a_finding_named_as_often_as_it_stands_there_is_found_at_each_place(tmp_path: Path) -> None:
    reading = read_with_model(NOTE, scripted(tmp_path, [item("chest pain")] * 3))
    assert [f.start for f in reading.findings] == [17, NOTE.rindex("chest pain")]
    assert reading.not_in_text == 1


@pytest.mark.parametrize("answer", ["", "I found chest pain.", "[]", '{"findings": [{"text": 3}]}'])
def test_an_answer_that_is_not_of_the_schema_is_counted(tmp_path: Path, answer: str) -> None:
    reading = read_with_model(NOTE, scripted(tmp_path, answer))
    assert reading.findings == ()
    assert reading.unreadable == 1


def test_a_long_note_is_read_in_pieces_and_offsets_are_those_of_the_whole(tmp_path: Path) -> None:
    note = "The gait was steady. " * MAX_WORDS + "At the end came tinnitus."
    empty: list[object] = [[]] * 4  # four words a sentence: four pieces, then the last sentence
    model = scripted(tmp_path, *empty, [item("tinnitus")])
    (found,) = read_with_model(note, model).findings
    assert note[found.start : found.end] == "tinnitus"


def test_the_first_readers_findings_stay_where_the_two_overlap() -> None:
    def at(start: int, end: int, source: str) -> Finding:
        text = NOTE[start:end]
        return Finding(
            text=text, start=start, end=end, kind="symptom", normalised=text, source=source
        )

    first = [at(17, 27, "rules")]
    second = [at(23, 27, "model"), at(35, 40, "model")]
    assert [(f.text, f.source) for f in merge_findings(first, second)] == [
        ("chest pain", "rules"),
        ("fever", "model"),
    ]


def test_the_schema_reaches_the_server_and_the_note_is_read_there() -> None:
    answer = json.dumps({"findings": [item("chest pain")]})
    with FakeServer(lambda request: answer) as server:
        spec = parse_spec(f"openai:{server.openai_url}#tiny")
        reading = read_with_model(NOTE, open_model(spec, ModelSettings(max_retry_wait_s=0)))
        assert [f.text for f in reading.findings] == ["chest pain"]
        assert "schema" in json.dumps(server.chats[0])


def test_a_model_that_breaks_off_is_an_error_and_no_half_reading(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"text": '{"findings": [', "finish": ""}]), encoding="utf-8")
    model = open_model(parse_spec(f"fake:{script}"), ModelSettings())
    with pytest.raises(ModelError):
        read_with_model(NOTE, model)
