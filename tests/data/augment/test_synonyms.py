from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.clinical.findings import find_findings
from medllm.data.augment.survives import negations_of, quantities_of
from medllm.data.augment.synonyms import (
    Augmented,
    Synonyms,
    augment_with_synonyms,
    replace_words,
    with_synonyms,
)
from medllm.data.augment.wordnet import load_synonyms, plain_words
from medllm.records import SftRecord, Turn
from tests.data.prepare.making import record

ALL: Synonyms = dict(plain_words())
QUESTION = "Lately I take 5 mg of aspirin, and my doctor says that I have no nausea. Why?"


def replaced(text: str, synonyms: Synonyms = ALL) -> str:
    return replace_words(text, synonyms, key="k").text


def test_a_copy_has_other_words_and_says_how_it_was_made() -> None:
    one = record("a", QUESTION)
    copy = with_synonyms(one, ALL, key="k")
    assert copy is not None
    assert (copy.id, copy.group) == ("a~synonyms", one.group)
    assert copy.messages[1] == one.messages[1]
    assert copy.messages[0].content == (
        "Recently I take 5 mg of aspirin, and my physician says that I have no nausea. Why?"
    )
    assert copy.meta["augmented"] == {
        "method": "synonyms",
        "of": "a",
        "replaced": [["Lately", "Recently"], ["my doctor", "my physician"]],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I saw an attorney.", "I saw an attorney."),  # "an lawyer" would not fit
        ("I saw the attorney.", "I saw the lawyer."),
        ("It is not really bad.", "It is not really bad."),  # right behind a negation
        ("It isn't really bad.", "It isn't really bad."),
        ("It is really bad.", "It is truly bad."),
        ("REALLY bad and Dr. Really.", "REALLY bad and Dr. Truly."),
        ("A really-bad pain, really/mostly.", "A really-bad pain, really/mostly."),
        ("See info@example.org, info.html", "See info@example.org, info.html"),
        ("It started off mild.", "It started off mild."),  # another verb than to start
        ("It started mildly.", "It began mildly."),
        ("I’ve noticed a change.", "I've observed a change."),
        ("", ""),
    ],
)  # fmt: skip
def test_words_are_replaced_only_where_they_fit(text: str, expected: str) -> None:
    assert replaced(text) == expected


def test_a_finding_is_never_touched_whatever_its_words() -> None:
    anything = {"fever": ("zebra",), "aspirin": ("zebra",), "mg": ("zebra",), "and": ("plus",)}
    text = f"Fever came with aspirin 5 mg and so on. {'Filler. ' * 20}"
    assert replaced(text, anything) == text.replace("and", "plus")


def test_in_a_phrase_only_what_changes_must_lie_outside_of_a_finding() -> None:
    assert "pain" in {finding.text for finding in find_findings("I am having pain at night.")}
    assert replaced("I am having pain at night.") == "I am experiencing pain at night."


def test_at_most_a_fifth_of_the_words_is_replaced() -> None:
    text = "Really quickly maybe almost often truly. " * 10
    pairs = replace_words(text, ALL, key="k").pairs
    assert len(pairs) == 12


WORDS = st.sampled_from(
    [*(word for word, _ in plain_words()), "no", "not", "fever", "5 mg", "aspirin", "a", "an",
     "the", "cough", "and", "my", "mother", "has", "two", "days", ".", ",", "I", "isn't"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=30).map(" ".join), st.text(max_size=5))
@settings(deadline=None, derandomize=True, max_examples=150)
def test_whatever_is_replaced_numbers_denials_and_the_rest_of_the_text_stay(
    text: str, key: str
) -> None:
    done = replace_words(text, ALL, key=key)
    assert quantities_of(done.text) == quantities_of(text)
    assert negations_of(done.text) == negations_of(text)
    rest, now = text, done.text
    for before, after in done.pairs:
        at = rest.index(before) if before in rest else -1
        assert at >= 0
        rest, now = rest.replace(before, "", 1), now.replace(after, "", 1)
    assert len(rest) == len(now)


def test_the_original_is_kept_and_everything_is_counted() -> None:
    records = [
        record("a", QUESTION),
        record("b", "Why?"),
        record("c", QUESTION, task="choice"),
        record("d", QUESTION, meta={"augmented": {"method": "paraphrase"}}),
    ]
    counts = Augmented()
    given = list(augment_with_synonyms(records, ALL, counts=counts))
    assert [one.id for one in given] == ["a", "a~synonyms", "b", "c", "d"]
    assert (counts.originals, counts.copies, counts.nothing_to_replace, counts.other) == (
        4,
        1,
        1,
        2,
    )


@pytest.mark.parametrize(
    ("synonyms", "lost"),
    [
        ({"hurts": ("does not hurt",)}, "negations"),
        ({"badly": ("for 3 days",)}, "numbers"),
        ({"badly": ("despite ibuprofen",)}, "drug names"),
        ({"badly": ("with fever",)}, "findings"),
    ],
)
def test_a_copy_that_says_something_else_is_dropped_and_counted(
    synonyms: Synonyms, lost: str
) -> None:
    counts = Augmented()
    one = record("a", "My thing hurts badly.")
    assert list(augment_with_synonyms([one], synonyms, counts=counts)) == [one]
    assert counts.lost == {lost: 1}


def test_a_share_takes_the_same_records_each_time() -> None:
    records = [record(f"r{n}", QUESTION) for n in range(200)]

    def run(key: str) -> list[str]:
        counts = Augmented()
        made = augment_with_synonyms(records, ALL, share=0.3, key=key, counts=counts)
        found = [one.id for one in made]
        assert counts.not_chosen + counts.copies == 200
        return found

    assert run("k") == run("k")
    assert run("k") != run("other")
    assert 230 < len(run("k")) < 290


def test_every_question_of_a_conversation_is_given_new_words() -> None:
    turns = tuple(
        Turn(role=role, content=text)  # type: ignore[arg-type]
        for role, text in [
            ("system", "Maybe be brief."), ("user", "Maybe it hurts."), ("assistant", "Maybe so."),
            ("user", "Lately it does."), ("assistant", "I see."),
        ]
    )  # fmt: skip
    one = SftRecord(id="a", source="s", group="a", task="dialogue", messages=turns)
    copy = with_synonyms(one, ALL, key="k")
    assert copy is not None
    assert [turn.content for turn in copy.messages] == [
        "Maybe be brief.", "Perhaps it hurts.", "Maybe so.", "Recently it does.", "I see.",
    ]  # fmt: skip


@pytest.mark.real_data
def test_most_real_questions_of_patients_have_a_copy_and_none_changes_a_finding(
    real_data: Path,
) -> None:
    from medllm.data.reading import Reading
    from medllm.data.sets.catalogue import read_set

    path = real_data / "genmedgpt" / "genmedgpt-first-90.json"
    records = list(read_set("genmedgpt-5k", path, reading=Reading()))[:400]
    counts = Augmented()
    given = list(augment_with_synonyms(records, load_synonyms(real_data / "oewn"), counts=counts))
    assert counts.copies > 300
    assert sum(counts.lost.values()) < 10
    for copy in given:
        if "augmented" in copy.meta:
            assert quantities_of(copy.messages[0].content) == quantities_of(
                next(r for r in records if r.id == copy.meta["augmented"]["of"]).messages[0].content
            )
