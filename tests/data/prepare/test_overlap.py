from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.data.prepare.overlap import find_overlap, quote_matches
from medllm.data.prepare.overlap_index import texts_of
from medllm.data.shingles import number_words
from medllm.records import SftRecord, Turn
from tests.data.prepare.making import dialogues, odd_words, record
from tests.data.prepare.test_duplicates import edit

RECORDS = dialogues(400, seed=5)
TRAIN, EVALUATION = RECORDS[:200], RECORDS[200:]
RARE = (
    "Quinces ripen late on the north wall, so grandmother wraps each one in paper and lays it on "
    "straw until the frost has gone from the cellar window"
)


def leaks(train: list[SftRecord], evaluation: list[SftRecord]) -> set[str]:
    found = find_overlap(train, evaluation)
    return {match.evaluation.id for match in found.matches if match.is_leak}


LEAKED = leaks(TRAIN, EVALUATION)
CLEAN = [one for one in EVALUATION if one.id not in LEAKED]


def test_there_is_something_left_to_plant() -> None:
    assert len(CLEAN) >= 30


@pytest.mark.parametrize(("change", "least"), [("case", 1.0), ("cut", 1.0), ("swap", 0.95)])
def test_planted_records_are_found(change: str, least: float) -> None:
    planted = [edit(one, f"{change}-{one.id}", change) for one in CLEAN]
    assert len(leaks([*TRAIN, *planted], CLEAN)) >= least * len(CLEAN)


def test_a_question_within_a_longer_text_is_found_where_it_stands() -> None:
    asked = record("e", f"{RARE}?", "Nobody knows.")
    hidden = record("t", "A letter came today.", f"My aunt wrote: {RARE}. And much more of it.")
    found = find_overlap([*TRAIN, hidden], [asked])
    assert found.verdict == "leak"
    (match,) = found.matches
    assert match.kind in ("copied", "near")
    assert match.training.id == "t"
    start, end = match.training.start, match.training.end
    assert RARE[:40] in hidden.messages[match.training.turn].content[start:end]
    assert found.leaking == (("invented", "t"),)


def test_one_shared_run_in_a_long_text_is_named_but_is_no_leak() -> None:
    run = " ".join(RARE.split()[:14])
    long = f"{run}. " + " ".join(one.messages[1].content for one in TRAIN[:3])
    other = f"{run}. " + " ".join(word[::-1] for word in long.split())
    found = find_overlap([record("t", "Something else?", other)], [record("e", "Why so?", long)])
    assert found.verdict == "shared phrases"
    assert found.n_touched == 1
    assert found.n_leaked == 0
    assert found.matches[0].share < 0.5


def test_what_many_records_say_is_a_way_of_speaking() -> None:
    def saying(name: str) -> SftRecord:
        return record(name, f"Number {name} asks about {name[::-1]}?", f"{RARE} {name}.")

    few = [saying(f"t{n}") for n in range(5)]
    many = [saying(f"t{n}") for n in range(40)]
    asked = record("e", f"{RARE}; is it so in {'quite another land ' * 12}too?", "Nobody knows.")
    assert any(match.kind == "copied" for match in find_overlap(few, [asked]).matches)
    before = find_overlap(many, [asked])
    assert not any(match.kind == "copied" for match in before.matches)
    after = find_overlap(few, [asked], ways_of_speaking=before.ways_of_speaking)
    assert not any(match.kind == "copied" for match in after.matches)


def test_a_short_answer_is_no_leak_and_the_same_short_question_is() -> None:
    train = [record("t", "Is rest good for a sprain?", "Yes.")]
    assert leaks(train, [record("e", "May children swim in May?", "Yes.")]) == set()
    assert leaks(train, [record("e", "IS REST GOOD for a sprain", "No.")]) == {"e"}


def test_the_system_turn_is_not_looked_at() -> None:
    system = Turn(role="system", content=RARE)
    train, asked = (replace(one, messages=(system, *one.messages)) for one in (TRAIN[0], CLEAN[0]))
    assert leaks([train], [asked]) == set()


def test_reasoning_is_looked_at() -> None:
    asked = replace(CLEAN[0], reasoning=RARE)
    found = find_overlap([replace(TRAIN[0], reasoning=RARE)], [asked])
    assert [(m.part, m.training.turn) for m in found.matches if m.is_leak] == [("reasoning", -1)]


def test_without_the_leaking_records_nothing_leaks() -> None:
    planted = [edit(one, f"swap-{one.id}", "swap") for one in CLEAN]
    train = [*TRAIN, *planted]
    found = find_overlap(train, CLEAN)
    gone = set(found.leaking)
    rest = [one for one in train if (one.source, one.id) not in gone]
    again = find_overlap(rest, CLEAN, ways_of_speaking=found.ways_of_speaking)
    assert again.n_leaked == 0


def test_the_report_holds_ids_and_offsets_and_no_text() -> None:
    asked = record("e", f"{RARE}?", "Nobody knows.")
    told = json.dumps(find_overlap([record("t", RARE, "So?")], [asked]).to_json())
    assert "Quinces" not in told
    assert json.loads(told)["verdict"] == "leak"


def test_texts_are_quoted_when_asked_for() -> None:
    asked, train = record("e", f"{RARE}?", "Nobody knows."), record("t", RARE, "So?")
    found = find_overlap([train], [asked])
    (quoted,) = quote_matches(found, [train], [asked])
    assert quoted.evaluation == quoted.training == RARE


def test_a_template_that_all_records_share_is_no_copy() -> None:
    """The instruction before each text is the set's, and says nothing of the text behind it."""
    template = "Write the section of the clinical note about the family from this conversation now"
    draw = random.Random(4)

    def of(name: str, begins: str) -> SftRecord:
        return record(name, f"{template}. {begins} {odd_words(draw, 6)}", odd_words(draw, 20))

    train = [of(f"t{at}", odd_words(draw, 3)) for at in range(30)]
    begins = " ".join(train[3].messages[0].content.split()[14:17])
    found = find_overlap(train, [of("e", begins)])
    (match,) = found.matches
    assert found.verdict == "shared phrases"
    assert match.share == pytest.approx(3 / 9, abs=0.001)


@given(st.text())
def test_every_word_has_its_place_in_the_text(text: str) -> None:
    for found in texts_of(record("a", text, text)):
        assert len(found.spans) == len(found.numbers)
        words = [text[start:end].lower() for start, end in found.spans]
        assert number_words(words).tolist() == found.numbers.tolist()


def test_nothing_overlaps_with_nothing() -> None:
    for train, evaluation in (([], CLEAN), (TRAIN, []), ([], [])):
        found = find_overlap(train, evaluation)
        assert found.verdict == "clean"
        assert found.matches == ()
