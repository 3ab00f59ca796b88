"""The verdicts on real case reports: every sentence bears itself, and hardly ever a stranger."""

from __future__ import annotations

import random
import re
from functools import lru_cache
from pathlib import Path

import pytest

from medllm.ask.check.verify import HELD, verify
from medllm.clinical.sentences import split_sentences
from medllm.data.documents import Reading, read_documents
from medllm.records import Hit, Passage
from medllm.retrieve.passages import cut_passages

pytestmark = pytest.mark.real_data
N = 300


@lru_cache(maxsize=1)
def sampled(folder: Path) -> tuple[list[Hit], list[tuple[int, str]]]:
    """300 passages of real cases, and each of their sentences with the passage it is from."""
    path = folder / "pmc-patients-sample" / "PMC-Patients-sample-1000.csv"
    if not path.exists():
        pytest.skip("the sample of PMC-Patients is not there")
    chance = random.Random(7)
    documents = [d for d in read_documents(path, reading=Reading()) if d.text.strip()]
    hits, sentences = [], []
    for number, document in enumerate(chance.sample(documents, N)):
        start, end = chance.choice(cut_passages(document.text, max_words=350))
        passage = Passage(
            document_id=document.id, start=start, end=end, text=document.text[start:end]
        )
        hits.append(Hit(document=document, passage=passage, score=1.0, rank=1))
        spans = split_sentences(passage.text)
        sentences += [(number, passage.text[a:b]) for a, b in spans]
    return hits, sentences


def n_trusted(changed: list[tuple[str, Hit]]) -> int:
    return sum(verify(text, [1], (source,)).verdict in HELD for text, source in changed)


def test_every_whole_sentence_is_a_quotation_of_itself(real_data: Path) -> None:
    hits, sentences = sampled(real_data)
    assert len(sentences) > 2_000
    assert {verify(text, [1], (hits[n],)).verdict for n, text in sentences} == {"quoted"}


def test_a_sentence_is_hardly_ever_supported_by_another_case(real_data: Path) -> None:
    hits, sentences = sampled(real_data)
    chance = random.Random(8)
    pairs = [
        (text, hits[(n + chance.randrange(1, N)) % N]) for n, text in chance.sample(sentences, 300)
    ]
    assert n_trusted(pairs) <= 2  # measured: 2 of 3,000, and both were true of the other case


def test_a_changed_digit_in_a_real_sentence_is_not_accepted(real_data: Path) -> None:
    hits, sentences = sampled(real_data)
    chance = random.Random(9)
    numbered = [(n, text) for n, text in sentences if re.search(r"\d", text)]
    changed = []
    for n, text in chance.sample(numbered, 200):
        at = chance.choice([m.start() for m in re.finditer(r"\d", text)])
        digit = chance.choice([d for d in "0123456789" if d != text[at]])
        changed.append((text[:at] + digit + text[at + 1 :], hits[n]))
    assert n_trusted(changed) <= 1  # measured on every digit: 2 of 6,895


def test_a_negation_taken_out_of_a_real_sentence_is_not_accepted(real_data: Path) -> None:
    hits, sentences = sampled(real_data)
    changed = [
        (re.sub(r"\b(?:not|no) ", "", text, count=1, flags=re.IGNORECASE), hits[n])
        for n, text in sentences
        if len(re.findall(r"\b(?:not|no)\b", text, re.IGNORECASE)) == 1
        and re.search(r"\b(?:not|no) (?!only)", text, re.IGNORECASE)
    ]
    assert len(changed) > 100
    assert n_trusted(changed[::2]) <= 1  # measured: 0 of 346
