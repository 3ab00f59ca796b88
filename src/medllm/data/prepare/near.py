"""Whether two records say the same: word by word, and careful with what tells them apart.

Medical question sets are full of siblings that share nearly every word and are no duplicates: the
same question about another disease, answered from the same template. So likeness of the words is
not enough. Two records are near duplicates where

- their answers agree, one cut to the length of the other,
- their questions agree, or what differs in them reads like an edit of one question, not like
  another topic,
- no word that one of them keeps coming back to is missing from the other, and the other way round,
- and they do not differ in numbers and negations alone.

Every word counts by its weight: the rarer among the records, the more it says.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

from medllm.data.prepare.weights import Comparable, Segments, Weights, is_mark

MIN_LENGTH_RATIO = 0.4
"""A record that is cut to less than this of the other is no duplicate of it."""
MIN_ANSWER = 0.68
MIN_CHANGED_ANSWER = 0.4
"""The least agreement of all words, and of the words of the sentences that differ."""
MIN_QUESTION = 0.45
MIN_EDITED_QUESTION = 0.2
MIN_EDITED_ANSWER = 0.85
MAX_CHANGED_SHARE = 0.15
"""Where the answers agree by less, so much of a question may have changed, and one word always."""
MIN_EDITED_RATIO = 0.7
LONG_ANSWER = 30
SHORT_ANSWER = 10
"""Where questions differ: how much shorter one answer may be; from how many words on answers hold
questions together that have little in common, and with fewer much."""
LONG_QUESTION = 16
MAX_LOST_SHARE = 0.33
"""From this many words on a question may lose this share of its weight and still be the same."""
SHORT_QUESTION = 12
"""In shorter ones "type 2" or "hepatitis B" against "hepatitis C" is another question."""
LONG_PASSAGE, MIN_PASSAGE = 50, 0.8
"""From this many words on a question holds a passage, and must agree by this much: the patients of
one case series are told in the same words and have the same title for an answer."""

_NEGATIONS = frozenset("no not never without nor none cannot denies denied deny isn t don".split())


def is_near(
    first: Comparable, second: Comparable, weights: Weights, *, agreement: float = MIN_ANSWER
) -> bool:
    """Whether one record is an edited, cut or recased copy of the other.

    `agreement` is the least that the words of their answers, by weight, have in common.
    """
    if first.label != second.label:
        return False
    answers = _cut_alike(first.answer, second.answer)
    questions = _cut_questions(first.question, second.question)
    if answers is None or questions is None:
        return False
    a, b = map(_bag, answers)
    answers_agree = weights.agreement(a, b)
    if answers_agree < agreement:
        return False
    if weights.agreement(*_changed(*answers)) < MIN_CHANGED_ANSWER:
        return False
    q, r = map(_bag, questions)
    if _returns_to_another(q + a, r + b) or _differ_in_values(first, second):
        return False
    if q.keys() == r.keys():
        return True
    if min(q.total(), r.total()) >= LONG_PASSAGE and weights.agreement(q, r) < MIN_PASSAGE:
        return False
    alike = weights.agreement(*_changed(*questions))
    return _may_be_edited(first, second, alike, answers_agree) and _is_edited(
        first, second, q, r, alike, weights
    )


def _bag(segments: Segments) -> Counter[str]:
    return Counter(chain.from_iterable(segments))


def _may_be_edited(
    first: Comparable, second: Comparable, alike: float, answers_agree: float
) -> bool:
    """Whether the answers say enough to hold questions together that are not the same."""
    lengths = _length(first.answer), _length(second.answer)
    if min(lengths) < MIN_EDITED_RATIO * max(lengths):
        return False
    if answers_agree < MIN_EDITED_ANSWER and _n_changed(first, second) > 1:
        n_words = max(_length(first.question), _length(second.question))
        if _n_changed(first, second) > MAX_CHANGED_SHARE * n_words:
            return False
    if min(lengths) >= LONG_ANSWER:
        return alike >= MIN_EDITED_QUESTION
    return min(lengths) >= SHORT_ANSWER and alike >= MIN_QUESTION


def _n_changed(first: Comparable, second: Comparable) -> int:
    """Give how many words of one question the other lacks, of the one that lacks more."""
    q, r = _bag(first.question), _bag(second.question)
    return max((q - r).total(), (r - q).total())


def _is_edited(
    first: Comparable,
    second: Comparable,
    q: Counter[str],
    r: Counter[str],
    alike: float,
    weights: Weights,
) -> bool:
    """Whether the words `q` and `r` of two questions differ as an edit does, not as topics do."""
    n_words = min(_length(first.question), _length(second.question))
    if n_words < SHORT_QUESTION and _differ_in_marks(q, r):
        return False
    in_first, in_second = (frozenset(chain.from_iterable(one.answer)) for one in (first, second))
    if _is_edit(q, r, in_second, weights) or _is_edit(r, q, in_first, weights):
        return True
    return n_words >= LONG_QUESTION and alike >= MIN_QUESTION and _lose_little(q, r, weights)


def _length(segments: Segments) -> int:
    return sum(map(len, segments))


def _cut(segments: Segments, n_words: int) -> Segments:
    """Give the first words, in their sentences."""
    kept = []
    for segment in segments:
        if n_words <= 0:
            break
        kept.append(segment[:n_words])
        n_words -= len(segment)
    return tuple(kept)


def _cut_alike(first: Segments, second: Segments) -> tuple[Segments, Segments] | None:
    """Give both at the length of the shorter; None where that is much shorter."""
    lengths = _length(first), _length(second)
    if min(lengths) < MIN_LENGTH_RATIO * max(lengths):
        return None
    return _cut(first, min(lengths)), _cut(second, min(lengths))


def _cut_questions(first: Segments, second: Segments) -> tuple[Segments, Segments] | None:
    """Cut long questions alike; short ones stay whole, since a word more is another question."""
    cut = _cut_alike(first, second)
    if cut is None or min(_length(first), _length(second)) >= SHORT_QUESTION:
        return cut
    return first, second


def _changed(first: Segments, second: Segments) -> tuple[Counter[str], Counter[str]]:
    """Give the words of the sentences that only one of them has.

    The long passage that two different questions share does not make them alike.
    """
    one, other = Counter(first), Counter(second)
    return (
        _bag(tuple((one - other).elements())),
        _bag(tuple((other - one).elements())),
    )


def _returns_to_another(first: Counter[str], second: Counter[str]) -> bool:
    """Whether each has a word more than once that the other lacks: hookworm here, whipworm there.

    An edit of single words rarely takes out all places of a word, and not on both sides.
    """
    return any(n > 1 and word not in second for word, n in first.items()) and any(
        n > 1 and word not in first for word, n in second.items()
    )


def _differ_in_values(first: Comparable, second: Comparable) -> bool:
    """Whether mostly numbers differ ("5 mg" and "10 mg"), or nothing but a negation."""
    q, r = _bag(first.question + first.answer), _bag(second.question + second.answer)
    lost, gained = q - r, r - q
    if not lost and not gained:
        return False
    if set(lost) | set(gained) <= _NEGATIONS:
        return True
    return all(
        side and 2 * sum(n for word, n in side.items() if word[0].isdigit()) >= side.total()
        for side in (lost, gained)
    )


def _differ_in_marks(first: Counter[str], second: Counter[str]) -> bool:
    """Whether "type 1" stands against "type 2", or against nothing."""
    lost, gained = first.keys() - second.keys(), second.keys() - first.keys()
    marked = any(map(is_mark, lost)), any(map(is_mark, gained))
    return all(marked) or (marked[0] and not gained) or (marked[1] and not lost)


def _is_edit(
    original: Counter[str], copy: Counter[str], answer: frozenset[str], weights: Weights
) -> bool:
    """Whether the copy's question reads like the original's with words changed at random.

    What it lost is general or still what its answer speaks of; what it gained is not.
    """
    lost, gained = original.keys() - copy.keys(), copy.keys() - original.keys()
    return all(word in answer or weights.is_general(word) for word in lost) and all(
        word not in answer or weights.is_general(word) for word in gained
    )


def _lose_little(first: Counter[str], second: Counter[str], weights: Weights) -> bool:
    """Whether neither question has much weight that the other lacks."""
    return all(
        weights.total(w for w in one if w not in other and not weights.is_general(w))
        < MAX_LOST_SHARE * weights.total(one)
        for one, other in ((first, second), (second, first))
    )
