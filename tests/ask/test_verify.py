"""The verdict of every sentence: tables a physician agrees with, and what holds for any text."""

from __future__ import annotations

import random
import re
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.ask.check.verify import HELD, verify
from medllm.clinical.sentences import split_sentences
from medllm.records import Claim, Hit
from tests.ask.sources import Pair, check, example, example_ids, hit, pairs, part, passages

KNOWN_MISSES = {
    "There was hyponatraemia of 126 mmol/L and a C-reactive protein of 240 mg/L.",
    "Bisoprolol was withdrawn and spironolactone increased.",
}
"""The first needs a name for a value, the second who of two did what."""

PSITTACOSIS, EMBOLISM = (passages("claim_passages")[name] for name in ("pneumonia", "embolism"))


def known(pair: Pair) -> object:
    marks = [pytest.mark.xfail(strict=True)] if pair.claim in KNOWN_MISSES else []
    return pytest.param(pair, id=f"{pair.passage}-{pair.what}-{pair.claim[:30]}", marks=marks)


@pytest.mark.parametrize("pair", [known(pair) for pair in pairs("claims")])
def test_a_claim_gets_the_verdict_that_a_physician_would_give(pair: Pair) -> None:
    claim = check(pair.claim, passages("claim_passages")[pair.passage])
    assert claim.verdict in pair.verdicts, claim.reason
    assert bool(claim.reason) is (claim.verdict not in HELD)


@pytest.mark.parametrize(
    ("table", "false_alarms", "false_trust"),
    [("held_out", 0, 1), ("late", 1, 0), ("corpus", 6, 3), ("last", 9, 3)],
)
def test_the_rules_hold_on_claims_that_they_were_not_made_for(
    table: str, false_alarms: int, false_trust: int
) -> None:
    """Each table was written without the rules having seen it, then used to mend them.

    At first sight, false alarms among the faithful claims and trust in the wrong ones, which were
    all made to be close: 2 of 30 and 3 of 38, 5 of 18 and 6 of 26, then on the long texts of the
    example corpus 7 of 37 and 8 of 40, 9 of 27 and 7 of 29. So expect a quarter on a new text.
    """
    claims = pairs(f"{table}_claims")
    held = {pair: check_pair(pair, table).verdict in HELD for pair in claims}
    assert sum(pair.is_borne and not held[pair] for pair in claims) <= false_alarms
    assert sum(not pair.is_borne and held[pair] for pair in claims) <= false_trust


def check_pair(pair: Pair, table: str) -> Claim:
    if table in ("held_out", "late"):
        return check(pair.claim, passages(f"{table}_passages")[pair.passage])
    return verify(pair.claim, [1], (example(pair.passage),))


def test_the_table_has_enough_of_both_and_hardly_a_false_alarm() -> None:
    faithful = [pair for pair in pairs("claims") if pair.is_borne]
    assert len(pairs("claims")) >= 120
    assert len([pair for pair in faithful if "supported" in pair.verdicts]) >= 30
    sources = passages("claim_passages")
    alarms = [p for p in faithful if check(p.claim, sources[p.passage]).verdict not in HELD]
    assert len(alarms) <= 1  # of 65: 1.5 %


@lru_cache(maxsize=1)
def corpus() -> list[tuple[Hit, list[str]]]:
    """The example corpus and the tables' passages, each with its sentences."""
    texts = [example(id_).document.text for id_ in example_ids()]
    texts += [t for n in ("claim", "held_out", "late") for t in passages(f"{n}_passages").values()]
    return [(hit(text), [text[a:b] for a, b in split_sentences(text)]) for text in texts]


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_changed_digit_is_never_accepted(data: st.DataObject) -> None:
    source, sentences = data.draw(st.sampled_from(corpus()))
    sentence = data.draw(st.sampled_from([s for s in sentences if re.search(r"\d", s)]))
    at = data.draw(st.sampled_from([m.start() for m in re.finditer(r"\d", sentence)]))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != sentence[at]]))
    changed = sentence[:at] + digit + sentence[at + 1 :]
    claim = verify(changed, [1], (source,))
    assert claim.verdict not in HELD, changed


def test_a_negation_that_was_taken_out_is_never_accepted() -> None:
    n_tried, trusted = 0, []
    for source, sentences in corpus():
        for sentence in sentences:
            if len(re.findall(r"\b(?:not|no)\b", sentence, re.IGNORECASE)) != 1:
                continue
            without = re.sub(r"\b(?:not|no) ", "", sentence, count=1, flags=re.IGNORECASE)
            if without != sentence:
                n_tried += 1
                if verify(without, [1], (source,)).verdict in HELD:
                    trusted.append(without)
    assert n_tried > 150
    assert trusted == []


def test_a_not_that_was_put_in_is_not_accepted_either() -> None:
    tried = [
        (source, re.sub(r"\b(was|were|did|had) (?!no|only)", r"\1 not ", sentence, count=1))
        for source, sentences in corpus()[::3]
        for sentence in sentences
        if re.search(r"\b(?:was|were|did|had) (?!no|only)", sentence) and "not" not in sentence
    ]
    trusted = [text for source, text in tried if verify(text, [1], (source,)).verdict in HELD]
    assert len(tried) > 200
    assert trusted == []


def test_every_whole_sentence_of_the_corpus_is_a_quotation_of_itself() -> None:
    verdicts = [
        verify(sentence, [1], (source,)).verdict
        for source, sentences in corpus()
        for sentence in sentences
    ]
    assert len(verdicts) > 1000
    assert set(verdicts) == {"quoted"}


CLINICAL = st.lists(
    st.sampled_from(
        "no not without denied fever cough pneumonia was ruled out possible may mother her had "
        "sodium 126 mmol/L 5 mg .5 mg/kg < 14 % two left right negative for positive, (the of and "
        "aspirin ESR) -2.5 1,200 12/03/2024 β-blocker £ 病人 improved".split()
    ),
    min_size=1,
    max_size=14,
).map(lambda found: " ".join(found).capitalize() + ".")
TEXTS = st.lists(CLINICAL, min_size=1, max_size=5).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_a_verbatim_whole_sentence_is_always_quoted(text: str) -> None:
    source = hit(text)
    for start, end in split_sentences(text):
        if any(letter.isalpha() for letter in text[start:end]):
            claim = verify("\n ".join(text[start:end].upper().split()), [1], (source,))
            says_something = verify(text[start:end], [1], (source,)).verdict == "quoted"
            assert says_something or claim.reason == "it says nothing that can be checked"
            assert (claim.verdict == "quoted") is says_something


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, CLINICAL, st.lists(st.integers(-2, 4), max_size=4))
def test_citations_lie_inside_their_documents_and_bear_what_is_quoted(
    first: str, second: str, claim_text: str, numbers: list[int]
) -> None:
    evidence = (hit(first), hit(second))
    claim = verify(claim_text, numbers, evidence)
    assert {citation.number for citation in claim.citations} == set(numbers)
    shown = []
    for citation in claim.citations:
        if not 1 <= citation.number <= 2:
            assert (citation.start, citation.end) == (0, 0)
            assert claim.verdict == "unknown source"
            continue
        text = evidence[citation.number - 1].document.text
        assert 0 <= citation.start <= citation.end <= len(text)
        shown.append(" ".join(text[citation.start : citation.end].lower().split()))
    if claim.verdict == "quoted":
        assert any(" ".join(claim_text.lower().split()).rstrip(".") in text for text in shown)


@pytest.mark.parametrize("text", ["", "  \n", ".", "It was.", "The of and to.", "126", "?!"])
def test_what_says_nothing_is_not_supported(text: str) -> None:
    assert check(text, PSITTACOSIS, "It was so. The of and to it.").verdict == "unsupported"


def test_a_claim_without_a_source_is_uncited_even_if_it_is_true() -> None:
    claim = verify("There was no pleural effusion.", [], (hit(PSITTACOSIS),))
    assert (claim.verdict, claim.citations) == ("uncited", ())
    assert claim.reason


@pytest.mark.parametrize("number", [0, -1, 2, 99, 10**9])
def test_a_source_that_does_not_exist_is_named(number: int) -> None:
    alone = verify("There was no pleural effusion.", [number], (hit(PSITTACOSIS),))
    beside = verify("There was no pleural effusion.", [1, number], (hit(PSITTACOSIS),))
    for claim in (alone, beside):
        assert claim.verdict == "unknown source"
        assert str(number) in claim.reason
    assert beside.citations[0].end > 0


def test_the_wrong_source_does_not_support_what_another_says() -> None:
    evidence = (hit(EMBOLISM), hit(PSITTACOSIS))
    text = "The patient received doxycycline 100 mg twice daily for 14 days."
    assert verify(text, [1], evidence).verdict in ("unsupported", "number not in source")
    assert verify(text, [2], evidence).verdict == "supported"


def test_of_two_sources_the_one_that_does_not_bear_the_claim_keeps_its_number_only() -> None:
    claim = verify("There was no pleural effusion.", [1, 2], (hit(PSITTACOSIS), hit(EMBOLISM)))
    assert claim.verdict == "quoted"
    assert [(c.number, c.end > 0) for c in claim.citations] == [(1, True), (2, False)]


def test_two_sources_that_each_bear_half_support_the_whole() -> None:
    text = "One patient received doxycycline for 14 days, and another was given apixaban."
    claim = check(text, PSITTACOSIS, EMBOLISM)
    assert claim.verdict == "supported"
    assert [c.number for c in claim.citations] == [1, 2]
    for citation, source in zip(claim.citations, (PSITTACOSIS, EMBOLISM), strict=True):
        shown = source[citation.start : citation.end]
        assert ("doxycycline" in shown) is (citation.number == 1)
        assert ("apixaban" in shown) is (citation.number == 2)
    wrong = text.replace("14 days", "14 weeks")
    assert check(wrong, PSITTACOSIS, EMBOLISM).verdict not in HELD


def test_a_claim_that_joins_neighbours_shows_both() -> None:
    text = "A woman who kept two parrots was admitted with fever, dry cough and dyspnoea."
    claim = check(text, PSITTACOSIS)
    assert claim.verdict == "supported"
    shown = " ".join(PSITTACOSIS[c.start : c.end] for c in claim.citations)
    assert "parrots" in shown
    assert "dyspnoea" in shown


def test_a_quotation_from_outside_the_passage_does_not_count() -> None:
    passage = part(PSITTACOSIS, "She kept two parrots, one of which had died a week before.")
    assert verify("She left hospital on day 9.", [1], (passage,)).verdict not in HELD
    assert verify("She kept two parrots", [1], (passage,)).verdict == "quoted"


def test_a_source_that_says_both_is_quoted_where_it_affirms() -> None:
    text = "There was no fever on day 1. On day 3 fever was noted."
    claim = check("fever was noted", text)
    assert claim.verdict == "quoted"
    assert text[claim.citations[0].start : claim.citations[0].end] == "On day 3 fever was noted."


def test_the_whole_sentence_around_a_quotation_is_shown() -> None:
    claim = check("positive for Chlamydia psittaci", PSITTACOSIS)
    shown = PSITTACOSIS[claim.citations[0].start : claim.citations[0].end]
    assert shown.startswith("Polymerase chain reaction")


def test_the_title_of_a_source_counts_for_words_but_not_for_numbers() -> None:
    source = hit("He recovered within a week.", title="Leptospirosis in a sewer worker of 51 years")
    assert verify("A sewer worker with leptospirosis recovered.", [1], (source,)).verdict in HELD
    assert verify("A sewer worker of 51 years recovered.", [1], (source,)).verdict not in HELD


def test_a_claim_as_long_as_a_book_is_refused_and_not_compared_for_ever() -> None:
    claim = check("fever cough " * 30_000, PSITTACOSIS)
    assert (claim.verdict, claim.reason) == ("unsupported", "it is too long to be checked")


def test_no_evidence_at_all_leaves_every_citation_unknown() -> None:
    assert verify("Fever.", [1], ()).verdict == "unknown source"


@pytest.mark.parametrize("text", ["(((", "a|b*", "\\d+", "5 mg (", "[^", "%s {0}", "\x00"])
def test_text_that_looks_like_a_pattern_is_only_text(text: str) -> None:
    source = f"He had {text} once. Fever came."
    assert check(f"He had {text} once.", source).verdict == "quoted"
    assert check(text, source).verdict in ("quoted", "unsupported")


def test_a_patient_of_the_other_sex_is_noticed_but_a_relative_is_not_confused_with_one() -> None:
    text = "A woman had fever. Her brother was well."
    assert check("The man had fever.", text).verdict == "unsupported"
    assert check("A woman with a healthy brother had fever.", text).verdict != "quoted"
    assert check("Her brother was well.", text).verdict == "quoted"


def test_the_order_of_the_sources_does_not_change_the_verdict() -> None:
    sources = [PSITTACOSIS, EMBOLISM, passages("claim_passages")["heart"]]
    shuffled = random.Random(3)
    for pair in pairs("claims")[::9]:
        verdict = check(pair.claim, *sources).verdict
        for _ in range(2):
            shuffled.shuffle(sources)
            assert check(pair.claim, *sources).verdict == verdict
