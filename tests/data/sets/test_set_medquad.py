from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError


def test_all_three_schemas_are_read_and_empty_answers_counted(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("medquad", set_files / "medquad")
    assert result.asked == [
        "What is (are) Invented Tumour?",
        "What is (are) Other Tumour?",
        "what is invented nerve disorder?",
        "What is (are) Parasites - Invented Worm?",
    ]
    assert result.answers[2] == "A disorder of an invented nerve – nothing else."
    assert result.answers[3] == "A worm that doesn't exist."
    assert result.reasons == [(2, "has no answer")]
    assert result.records[0].meta == {
        "focus": "Invented Tumour",
        "question_type": "information",
        "url": "https://example.org/invented?a=1&b=2",
    }


def test_ids_that_repeat_between_files_stay_apart(read_records: Any, set_files: Path) -> None:
    result = read_records("medquad", set_files / "medquad" / "1_CancerGov_QA")
    assert len(set(result.ids)) == 2
    assert all(number.startswith("CancerGov/0000001_1-1/") for number in result.ids)
    assert result.reading.duplicates == 0


def test_the_flattened_form_gives_the_same_records(read_records: Any, set_files: Path) -> None:
    flat = read_records("medquad", set_files / "medquad.jsonl").records
    raw = read_records("medquad", set_files / "medquad").records
    assert [(r.id, r.group, r.messages, r.meta) for r in flat] == [
        (r.id, r.group, r.messages, r.meta) for r in (raw[0], raw[2])
    ]


def test_questions_on_one_disease_are_one_group_in_every_collection(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    text = (set_files / "medquad" / "1_CancerGov_QA" / "0000001_1.xml").read_text()
    for folder, source in (("1_CancerGov_QA", "CancerGov"), ("2_GARD_QA", "GARD")):
        (tmp_path / folder).mkdir()
        new = text.replace("CancerGov", source).replace("Invented Tumour</F", "invented TUMOUR</F")
        (tmp_path / folder / "0000001_1.xml").write_text(new)
    first, second = read_records("medquad", tmp_path).records
    assert first.group == second.group
    assert first.id != second.id


def test_other_xml_is_named(read_records: Any, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<PubmedArticleSet></PubmedArticleSet>")
    with pytest.raises(DataError, match="root element is none of Document, doc, DiseaseFile"):
        read_records("medquad", tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<Document id='1'><QAPairs><QAPair>", "is not well-formed XML"),
        ('<!DOCTYPE d [<!ENTITY a "b">]><Document><Focus>&a;</Focus></Document>', "entities"),
    ],
)
def test_broken_and_hostile_xml_is_named_and_the_rest_read(
    read_records: Any, set_files: Path, tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "0.xml").write_text(content)
    good = (set_files / "medquad" / "9_CDC_QA" / "0000397.xml").read_bytes()
    (tmp_path / "1.xml").write_bytes(good)
    result = read_records("medquad", tmp_path)
    assert len(result.records) == 1
    assert result.reading.left_out == 1
    assert reason in result.reasons[0][1]
