"""ROUGE-1, -2, -L and -Lsum as `rouge-score` computes them, with a choice of beta and stemming.

Lin 2004. Tokens are runs of a-z and 0-9 of the lower-cased text; with `stemmer` those of more than
three letters are stemmed. F is (1 + b^2) P R / (R + b^2 P). ROUGE-L takes the longest common
subsequence of the whole texts; Lsum unites those of each reference sentence with all sentences of
the answer, which is the definition for summaries, and much higher.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from medllm.evaluate.lexical.overlap import count_common
from medllm.evaluate.lexical.stem import stem

_TOKEN = re.compile("[a-z0-9]+")


class Rouge(NamedTuple):
    """Precision, recall and F of one pair, each from 0 to 1."""

    precision: float
    recall: float
    f: float


def tokens(text: str, *, stemmer: bool) -> list[str]:
    """Give the tokens of a text."""
    words = _TOKEN.findall(text.lower())
    return [stem(word) if len(word) > 3 else word for word in words] if stemmer else words


def n_gram_score(
    answer: Sequence[str], reference: Sequence[str], order: int, *, beta: float = 1.0
) -> Rouge:
    """Give ROUGE-N: the n-grams in common, each as often as the rarer side has it."""
    common = count_common(answer, reference, order)
    return _rouge(common, max(0, len(answer) - order + 1), max(0, len(reference) - order + 1), beta)


def lcs_score(answer: Sequence[str], reference: Sequence[str], *, beta: float = 1.0) -> Rouge:
    """Give ROUGE-L of two token sequences."""
    return _rouge(lcs_length(answer, reference), len(answer), len(reference), beta)


def summary_score(
    answer: Sequence[Sequence[str]], reference: Sequence[Sequence[str]], *, beta: float = 1.0
) -> Rouge:
    """Give ROUGE-Lsum of sentences, each a sequence of tokens."""
    left_mine = Counter(token for sentence in answer for token in sentence)
    left_theirs = Counter(token for sentence in reference for token in sentence)
    hits = 0
    for sentence in reference:
        for at in sorted(set().union(*(_lcs_places(sentence, other) for other in answer))):
            token = sentence[at]
            if left_mine[token] > 0 and left_theirs[token] > 0:
                hits += 1
                left_mine[token] -= 1
                left_theirs[token] -= 1
    return _rouge(hits, sum(map(len, answer)), sum(map(len, reference)), beta)


def lcs_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Give the length of the longest common subsequence, a whole row of the table at a time.

    The bits of an integer stand for the places of `one` (Hyyrö 2004): a zero is a step up.
    """
    rows = _bit_rows(one, other)
    return len(one) - rows[-1].bit_count() if rows else 0


def _bit_rows(one: Sequence[str], other: Sequence[str]) -> list[int]:
    """Give, for each prefix of `other`, the row of steps over `one`; a bit of 0 is a step up."""
    places: dict[str, int] = {}
    bit = 1
    for token in one:
        places[token] = places.get(token, 0) | bit
        bit <<= 1
    full = bit - 1
    row = full
    rows = []
    for token in other:
        if matches := places.get(token):
            common = row & matches
            row = ((row + common) | (row - common)) & full
        rows.append(row)
    return rows


def _lcs_places(reference: Sequence[str], answer: Sequence[str]) -> list[int]:
    """Give the places in `reference` of one longest common subsequence.

    There may be several; this takes the one that ROUGE's own backtracking takes: from the end,
    back in the reference unless that loses.
    """
    rows = [(1 << len(reference)) - 1, *_bit_rows(reference, answer)]

    def length(i: int, j: int) -> int:
        return i - (rows[j] & ((1 << i) - 1)).bit_count()

    places = []
    i, j = len(reference), len(answer)
    while i > 0 and j > 0:
        if reference[i - 1] == answer[j - 1]:
            places.append(i - 1)
            i, j = i - 1, j - 1
        elif length(i, j - 1) > length(i - 1, j):
            j -= 1
        else:
            i -= 1
    return places


def _rouge(common: int, n_answer: int, n_reference: int, beta: float) -> Rouge:
    precision = common / n_answer if n_answer else 0.0
    recall = common / n_reference if n_reference else 0.0
    if not common:
        return Rouge(precision, recall, 0.0)
    squared = beta * beta
    return Rouge(
        precision, recall, (1 + squared) * precision * recall / (recall + squared * precision)
    )
