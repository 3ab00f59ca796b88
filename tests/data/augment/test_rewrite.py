from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medllm.data.asking import MOST_FAILURES
from medllm.data.augment.files import augment_file_with_model, augment_file_with_synonyms
from medllm.data.augment.rewrite import augment_with_model
from medllm.data.augment.synonyms import Augmented
from medllm.data.journal import Journal
from medllm.errors import DataError, ModelError
from medllm.records import SftRecord
from tests.data.augment.making import write_wordnet
from tests.data.parrot import Cut, Parrot
from tests.data.prepare.making import ids, record, write_records


def rewritten(
    model: Parrot, path: Path, records: list[SftRecord], **how: Any
) -> tuple[list[SftRecord], Augmented]:
    counts = Augmented()
    with Journal(path, "x") as journal:
        given = list(augment_with_model(records, model, journal=journal, counts=counts, **how))  # type: ignore[arg-type]
    return given, counts


def test_a_paraphrase_is_kept_where_it_survives_the_check(tmp_path: Path) -> None:
    records = [record("a", "I have no fever for 3 days."), record("b", "I have fever for 3 days.")]
    model = Parrot("For 3 days I am without fever.", "For 4 days I have had fever.")
    given, counts = rewritten(model, tmp_path / "j", records)
    assert [one.id for one in given] == ["a", "a~paraphrase", "b"]
    assert given[1].meta["augmented"] == {
        "method": "paraphrase", "of": "a", "by": "fake:parrot", "prompt": "rewrite/1",
    }  # fmt: skip
    assert counts.lost == {"numbers": 1}


def test_back_translation_goes_there_and_back(tmp_path: Path) -> None:
    model = Parrot("Mein Knie schmerzt.", "My knee is hurting.")
    given, _ = rewritten(
        model, tmp_path / "j", [record("a", "My knee hurts.")], method="back-translation"
    )
    assert model.asked == ["My knee hurts.", "Mein Knie schmerzt."]
    assert given[1].messages[0].content == "My knee is hurting."
    assert given[1].meta["augmented"]["through"] == "German"


def test_what_a_model_gives_back_unchanged_is_no_copy(tmp_path: Path) -> None:
    given, counts = rewritten(
        Parrot("My knee hurts."), tmp_path / "j", [record("a", "My knee hurts.")]
    )
    assert [one.id for one in given] == ["a"]
    assert counts.lost == {"nothing changed": 1}


def test_half_an_answer_is_no_copy_and_is_not_asked_for_again(tmp_path: Path) -> None:
    for model in (Parrot(Cut("My knee is")), Parrot()):
        given, counts = rewritten(model, tmp_path / "j", [record("a", "My knee hurts.")])
        assert [one.id for one in given] == ["a"]
        assert counts.lost == {"no whole answer": 1}
    there = Parrot(Cut("Mein Knie"))
    _, counts = rewritten(
        there, tmp_path / "b", [record("a", "My knee hurts.")], method="back-translation"
    )
    assert counts.lost == {"no whole answer": 1}


def test_what_a_model_said_is_not_asked_for_again(tmp_path: Path) -> None:
    records = [record("a", "My knee hurts."), record("b", "My hip hurts.")]
    broken = Parrot("My knee is sore.", ModelError("gone"))
    _, counts = rewritten(broken, tmp_path / "j", records)
    assert counts.failed == 1
    again = Parrot("My hip is sore.")
    given, counts = rewritten(again, tmp_path / "j", records)
    assert again.asked == ["My hip hurts."]
    assert counts.copies == 2
    assert given[1].messages[0].content == "My knee is sore."


def test_a_model_that_is_not_there_stops_the_run_at_once(tmp_path: Path) -> None:
    model = Parrot(ModelError("gone"), "never asked")
    with pytest.raises(ModelError):
        rewritten(model, tmp_path / "j", [record("a"), record("b")])
    assert len(model.asked) == 1


def test_a_model_that_goes_away_stops_the_run_after_some_failures(tmp_path: Path) -> None:
    gone = [ModelError("gone")] * MOST_FAILURES
    records = [record(f"r{n}", f"My knee hurts, says number {n}.") for n in range(20)]
    model = Parrot("My knee is sore, says number 0.", *gone, "never asked")
    with pytest.raises(ModelError):
        rewritten(model, tmp_path / "j", records)
    assert len(model.asked) == 1 + MOST_FAILURES


def test_a_failure_now_and_then_does_not_stop_the_run(tmp_path: Path) -> None:
    answers: list[str | ModelError] = ["My knee is sore."]
    for n in range(1, 20):
        answers.append(ModelError("busy") if n % 2 else "My knee is sore.")
    records = [record(f"r{n}", "My knee hurts.") for n in range(20)]
    _, counts = rewritten(Parrot(*answers), tmp_path / "j", records)
    assert (counts.copies, counts.failed) == (10, 10)


def test_a_question_with_identifiers_never_goes_to_another_machine(tmp_path: Path) -> None:
    named = record("a", "I am Mr. John Example, phone 020 7946 0018, and my knee hurts.")
    model = Parrot("My knee is sore.", is_elsewhere=True)
    given, counts = rewritten(model, tmp_path / "j", [named, record("b", "My knee hurts.")])
    assert model.asked == ["My knee hurts."]
    assert [one.id for one in given] == ["a", "b", "b~paraphrase"]
    assert counts.lost == {"identifiers, not sent": 1}


def test_a_file_is_not_written_over_itself(tmp_path: Path) -> None:
    source = write_records(tmp_path / "a.jsonl", [record("a", "Maybe lately, doctor?")])
    with pytest.raises(DataError, match="own source"):
        augment_file_with_synonyms(source, source, write_wordnet(tmp_path / "wn"))
    with pytest.raises(DataError, match="own source"):
        augment_file_with_model(source, source, Parrot())  # type: ignore[arg-type]


def test_a_model_that_fails_leaves_its_journal_and_the_next_run_goes_on(tmp_path: Path) -> None:
    source = write_records(
        tmp_path / "a.jsonl", [record("a", "My knee hurts."), record("b", "My hip hurts.")]
    )
    to = tmp_path / "b.jsonl"
    augment_file_with_model(source, to, Parrot("My knee is sore.", ModelError("gone")))  # type: ignore[arg-type]
    assert ids(to) == ["a", "a~paraphrase", "b"]
    again = Parrot("My hip is sore.")
    assert augment_file_with_model(source, to, again).copies == 2  # type: ignore[arg-type]
    assert again.asked == ["My hip hurts."]
    assert {file.name for file in tmp_path.iterdir()} == {"a.jsonl", "b.jsonl"}


def test_a_journal_of_another_model_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    source = write_records(
        tmp_path / "a.jsonl", [record("a", "My knee hurts."), record("b", "Hm.")]
    )
    to = tmp_path / "b.jsonl"
    augment_file_with_model(source, to, Parrot("My knee is sore.", ModelError("gone")))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="another run"):
        augment_file_with_model(source, to, Parrot(name="other"))  # type: ignore[arg-type]
