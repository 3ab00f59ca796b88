from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError


def test_the_raw_lists_give_questions_without_marks_grouped_by_article(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("healthqa", set_files / "all_train.json")
    assert list(zip(result.asked, result.answers, strict=True)) == [
        ("What are warts?", "Warts are small lumps on the skin."),
        ("What do warts look like?", "Warts are small lumps on the skin."),
        ("Do warts go away?", "Most warts go away without treatment."),
        ("What is gout?", "Gout is a painful joint."),
    ]
    assert [r.group for r in result.records] == ["train/1", "train/1", "train/1", "train/2"]


def test_the_comma_behind_a_document_is_taken_off_and_wrong_pairs_are_no_records(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("healthqa", set_files / "pinfo-mz-train.txt")
    assert result.answers == ["Warts are small lumps , on the skin ."]
    assert result.asked == ["What are warts ?"]
    assert result.reading.left_out == 0
    assert [r for _, r in result.reasons] == [
        "2 pairs are labelled 0: wrong documents for ranking, no records"
    ]


def test_broken_lines_are_named(read_records: Any, tmp_path: Path) -> None:
    path = tmp_path / "sample-mz-test.txt"
    path.write_bytes(
        b"1\tQ ?\tA .,\n2\tQ ?\tA .,\n1\tonly two\n1\t \tA .,\n1\tQ ?\tcaf\xe9 .,\n\n1\tR ?\tB .,"
    )
    result = read_records("healthqa", path)
    assert result.asked == ["Q ?", "R ?"]
    shape = "is not a label 0 or 1, a question and a document, between tabs"
    assert result.reasons == [
        (2, shape),
        (3, shape),
        (4, "has an empty question or document"),
        (5, "is not UTF-8 at byte 10 of the line"),
    ]


def test_raw_lists_without_their_articles_are_refused_since_articles_would_leak(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    path = tmp_path / "all_train.json"
    path.write_bytes((set_files / "all_train.json").read_bytes()[:-12])
    with pytest.raises(DataError, match="breaks off before the end of the list article_range"):
        read_records("healthqa", path)


@pytest.mark.parametrize("ranges", [[["0", 2]], [[0]], [7]])
def test_article_ranges_of_another_type_are_refused(
    read_records: Any, tmp_path: Path, ranges: Any
) -> None:
    path = tmp_path / "all_val.json"
    path.write_text(json.dumps({"paras": ["P"], "ques": [["Q?"]], "article_range": ranges}))
    with pytest.raises(DataError, match=r"is not one of \[start, length\]"):
        read_records("healthqa", path)


def test_questions_of_another_type_cost_their_paragraph(read_records: Any, tmp_path: Path) -> None:
    path = tmp_path / "all_val.json"
    lists = {"paras": ["P", "R", 3], "ques": ["Q?", ["!!!$$$", "S?"], []]}
    path.write_text(json.dumps(lists | {"article_range": [[0, 3]]}))
    result = read_records("healthqa", path)
    assert result.asked == ["S?"]
    assert result.reasons == [
        (1, "field ques is not a list"),
        (2, "a question is empty"),
        (3, "field paras is not a string"),
    ]
