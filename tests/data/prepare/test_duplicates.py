from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.prepare.duplicates import Duplicates, exact_key, find_duplicates
from medllm.data.prepare.near import is_near
from medllm.data.prepare.weights import Weights, comparable
from medllm.data.store import RecordStore
from medllm.records import SftRecord, Turn
from tests.data.prepare.making import dialogues, record, write_records

BASE = dialogues(300)


def edit(one: SftRecord, name: str, change: str) -> SftRecord:
    draw = random.Random(name)
    turns = [Turn(role=t.role, content=_edit(t.content, change, draw)) for t in one.messages]
    if change == "cut":
        turns[0] = one.messages[0]
    return replace(one, id=name, group=name, messages=tuple(turns))


def _edit(text: str, change: str, draw: random.Random) -> str:
    words = text.split()
    if change == "case":
        return text.upper()
    if change == "cut":
        return " ".join(words[: int(0.7 * len(words))])
    at = draw.randrange(len(words) - 1)
    if change == "swap":
        words[at : at + 2] = reversed(words[at : at + 2])
    else:
        words[at] = "zebra"
    return " ".join(words)


def found(duplicates: Duplicates) -> dict[int, int]:
    return {at: int(of) for at, of in enumerate(duplicates.of) if of >= 0}


def test_case_and_marks_make_no_difference_to_an_exact_duplicate() -> None:
    other = record("b", "WHY does my knee ache, after long walks in the hills", group="b")
    duplicates = find_duplicates([record("a"), other, record("c", "Why does my hip ache?")])
    assert found(duplicates) == {1: 0}
    assert duplicates.n_exact == 1
    assert duplicates.n_near == 0


def test_another_answer_or_another_label_is_no_exact_duplicate() -> None:
    one = record("a", task="yes-no-maybe", label="yes")
    assert exact_key(one) != exact_key(replace(one, label="no"))
    assert exact_key(one) != exact_key(record("a", answer="It is the cold."))


@pytest.mark.parametrize("change", ["case", "cut", "swap", "replace"])
def test_planted_copies_are_found(change: str) -> None:
    copies = [edit(one, f"{change}-{one.id}", change) for one in BASE[:100]]
    duplicates = find_duplicates([*BASE, *copies])
    assert (duplicates.of[len(BASE) :] >= 0).sum() >= 95
    # They are all made from one template, so that a few of them are nearly the same.
    assert (duplicates.of[: len(BASE)] >= 0).sum() <= 3


LONG = (
    "lives in the gut for years and mostly goes unnoticed; some feel tired or lose weight and a "
    "few have pain in the belly or loose stools that come and go over the months"
)


def near(first: SftRecord, second: SftRecord) -> bool:
    weights = Weights([*BASE, first, second])
    return is_near(comparable(first), comparable(second), weights)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            (
                "What are the symptoms of hookworm?",
                f"Hookworm {LONG}. So hookworm is often missed.",
            ),
            (
                "What are the symptoms of whipworm?",
                f"Whipworm {LONG}. So whipworm is often missed.",
            ),
        ),
        (
            ("What does this worm do?", f"Hookworm {LONG}. So hookworm is often missed."),
            ("What does this worm do?", f"Whipworm {LONG}. So whipworm is often missed."),
        ),
        (
            ("What is quill fever?", f"There are types 1 and type 2 of it. It {LONG}."),
            ("What is quill fever type 2?", f"There are types 1 and type 2 of it. It {LONG}."),
        ),
        (
            ("What is hepatitis B?", f"The liver is an organ. {LONG}."),
            ("What is hepatitis C?", f"The liver is an organ. {LONG}."),
        ),
        (
            ("How much may I take?", "Take 5 mg in the morning with a glass of water."),
            ("How much may I take?", "Take 10 mg in the morning with a glass of water."),
        ),
        (
            ("Do I need a scan?", "You do need a scan of the chest in the coming week."),
            ("Do I need a scan?", "You do not need a scan of the chest in the coming week."),
        ),
        (
            (f"{LONG}. Was aspirin given?", "Yes, it was given on the first day of the stay."),
            (f"{LONG}. Was warfarin stopped?", "Yes, it was given on the first day of the stay."),
        ),
    ],
)
def test_siblings_are_no_duplicates(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert not near(record("a", *first), record("b", *second))


def test_patients_of_one_case_series_are_no_duplicates() -> None:
    """They are told in the same words, and their answer, the title of the report, is the same."""
    title = "Invented burns of the elbow and the knee, treated with an external fixator"
    told = (
        "Patient {n} was a {age}-year-old {sex} who sustained {cause}. {share}% of the skin was "
        "burnt. The {joint} had an open injury that was treated with {grafts} skin grafts before "
        "the fixator was placed. The fixator was placed on day {day} and removed on day {end}. At "
        "the last visit, {later}, the {joint} {state}. There was {trouble} on the way."
    )
    one = told.format(
        n=1, age=7, sex="boy", cause="a burn from a power line", share=32, joint="left knee",
        grafts="three", day=24, end=61, later="two years later", state="bent to a right angle",
        trouble="an infection of one pin, which healed with an antibiotic,",
    )  # fmt: skip
    other = told.format(
        n=4, age=17, sex="girl", cause="a flame burn in a fire", share=41, joint="right elbow",
        grafts="six", day=9, end=40, later="after eight months", state="stayed stiff and painful",
        trouble="no complication of the frame, but a fall with a new wound",
    )  # fmt: skip
    task = "summary"
    series = [record("a", one, title, task=task), record("b", other, title, task=task)]
    assert not found(find_duplicates([*series, *BASE]))
    assert found(find_duplicates([edit(series[0], "c", "swap"), *series])) == {1: 0}


def test_another_label_is_another_record() -> None:
    one = record("a", task="choice", label="A")
    assert near(one, replace(one, id="b"))
    assert not near(one, replace(one, id="b", label="B"))


def test_the_lowest_rank_is_kept() -> None:
    copies = [record("a"), record("b"), record("c")]
    assert found(find_duplicates(copies)) == {1: 0, 2: 0}
    assert found(find_duplicates(copies, ranks=np.array([2, 1, 0]))) == {0: 2, 1: 2}


def test_what_repeats_a_duplicate_points_to_the_record_that_is_kept() -> None:
    chain = [BASE[0], edit(BASE[0], "one", "swap"), edit(BASE[0], "two", "case")]
    duplicates = find_duplicates([*chain, *BASE[1:50]])
    assert found(duplicates) == {1: 0, 2: 0}


def test_a_copy_of_a_copy_is_held_against_the_record_that_is_kept() -> None:
    words = BASE[0].messages[1].content.split()
    assert len(words) >= 40
    answers = (Turn(role="assistant", content=" ".join(words[:n])) for n in (40, 24, 15))
    cut = [
        replace(BASE[0], id=str(n), messages=(BASE[0].messages[0], answer))
        for n, answer in enumerate(answers)
    ]
    assert found(find_duplicates(cut[1:])) == {1: 0}
    assert found(find_duplicates(cut)) == {1: 0}


def test_how_much_answers_agree_can_be_set() -> None:
    one = BASE[0]
    words = one.messages[1].content.split()
    changed = " ".join(["quince"] * 4 + words[4:])
    other = replace(
        one, id="b", messages=(one.messages[0], replace(one.messages[1], content=changed))
    )
    records = [*BASE[:40], other]
    assert found(find_duplicates(records)) == {40: 0}
    assert not found(find_duplicates(records, agreement=0.99))


def test_near_duplicates_are_left_when_not_asked_for() -> None:
    pair = [BASE[0], edit(BASE[0], "one", "swap"), BASE[0]]
    assert found(find_duplicates(pair, near=False)) == {2: 0}


def test_signatures_on_disk_give_the_same(tmp_path: Path) -> None:
    records = [*BASE, *(edit(one, f"s-{one.id}", "swap") for one in BASE[:40])]
    store = RecordStore([write_records(tmp_path / "records.jsonl", records)])
    in_memory = find_duplicates(records)
    on_disk = find_duplicates(store, folder=tmp_path)
    assert np.array_equal(in_memory.of, on_disk.of)
    assert np.array_equal(in_memory.near, on_disk.near)


def test_one_record_and_none_have_no_duplicates() -> None:
    assert found(find_duplicates([])) == {}
    assert found(find_duplicates([record("a")])) == {}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=30))
def test_every_duplicate_points_to_an_earlier_record_that_is_kept(which: list[int]) -> None:
    records = [replace(BASE[number], id=str(at)) for at, number in enumerate(which)]
    duplicates = find_duplicates(records)
    for at, of in enumerate(duplicates.of):
        first = which.index(which[at])
        assert of == (-1 if first == at else first)
