"""Every lexical score of a pair of texts, with the definition that decides its digits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from medllm.clinical.sentences import split_sentences
from medllm.evaluate.lexical import bleu, chrf, meteor, rouge
from medllm.evaluate.lexical.synonyms import Synonyms

METRICS = ("BLEU", "ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum", "METEOR", "chrF")
MOST_FOR_FLOOR = 1000
"""Pairs that the floor is measured on: its error is then a thirtieth of a score's spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalRules:
    """What is chosen among the definitions in use."""

    beta: float = 1.0
    """Of ROUGE: how many times recall weighs as much as precision; pycocoevalcap has 1.2."""
    stemmer: bool = False
    """Whether ROUGE compares stems."""
    gamma: float = 0.5
    """Of METEOR: how much disorder costs; 0 leaves 10 P R / (R + 9 P)."""
    wordnet: Path | None = None
    """The folder of a WordNet for METEOR's synonyms; None compares forms and stems only."""
    paper_compat: bool = False
    """The published study's: unsmoothed BLEU of each item, ROUGE-L of sentences, gamma 0."""


class PairScore(NamedTuple):
    """The scores of one pair, with the counts that corpus scores add up."""

    values: dict[str, float]
    bleu: bleu.Counts
    chrf: chrf.Counts
    n_words: int
    n_reference_words: int


class _Prepared(NamedTuple):
    """A text as each metric takes it."""

    bleu: list[str]
    rouge: list[str]
    sentences: list[list[str]]
    meteor: list[str]
    chrf: chrf.Grams


class Scorer:
    """Scores pairs by one set of rules; remembers references, which several systems share."""

    def __init__(self, rules: LexicalRules) -> None:
        """Read the WordNet where one is named; `ConfigError` where it cannot be."""
        self.rules = rules
        self._synonyms = Synonyms(rules.wordnet) if rules.wordnet else None
        self._gamma = 0.0 if rules.paper_compat else rules.gamma

    def score(self, answer: str, reference: str) -> PairScore:
        """Give every score of an answer, 0 to 1; an empty one scores 0."""
        mine, theirs = self._prepare(answer), self._prepare(reference)
        return self._compare(mine, theirs)

    def score_all(self, answers: Sequence[str], references: Sequence[str]) -> list[PairScore]:
        """Give the scores of pairs, in order."""
        return [self.score(a, r) for a, r in zip(answers, references, strict=True)]

    def _prepare(self, text: str) -> _Prepared:
        stemmer = self.rules.stemmer
        sentences = [rouge.tokens(one, stemmer=stemmer) for one in sentences_of(text)]
        return _Prepared(
            bleu.tokens(text),
            rouge.tokens(text, stemmer=stemmer),
            sentences,
            meteor.tokens(text),
            chrf.n_grams(text),
        )

    def _compare(self, mine: _Prepared, theirs: _Prepared) -> PairScore:
        beta, compat = self.rules.beta, self.rules.paper_compat
        bleu_counts = bleu.count(mine.bleu, theirs.bleu)
        chrf_counts = chrf.count(mine.chrf, theirs.chrf)
        summary = rouge.summary_score(mine.sentences, theirs.sentences, beta=beta).f
        whole = summary if compat else rouge.lcs_score(mine.rouge, theirs.rouge, beta=beta).f
        values = {
            "BLEU": bleu.plain_score(bleu_counts) if compat else bleu.item_score(bleu_counts),
            "ROUGE-1": rouge.n_gram_score(mine.rouge, theirs.rouge, 1, beta=beta).f,
            "ROUGE-2": rouge.n_gram_score(mine.rouge, theirs.rouge, 2, beta=beta).f,
            "ROUGE-L": whole,
            "ROUGE-Lsum": summary,
            "METEOR": meteor.score(
                mine.meteor, theirs.meteor, synonyms=self._synonyms, gamma=self._gamma
            ),
            "chrF": chrf.score(chrf_counts),
        }
        return PairScore(values, bleu_counts, chrf_counts, len(mine.rouge), len(theirs.rouge))

    def floor(
        self, answers: Sequence[str], references: Sequence[str], *, seed: int = 0
    ) -> dict[str, float]:
        """Give the mean of each score against the reference of another item; nothing for fewer
        than two items.

        What two unrelated texts of the same kind share: a score means something above it only.
        """
        n = len(answers)
        if n < 2:
            return {}
        order = list(range(n))
        random.Random(seed).shuffle(order)
        order = order[:MOST_FOR_FLOOR]
        shifted = [*order[1:], order[0]]  # a cycle: nobody keeps their own
        rows = [
            self.score(answers[mine], references[other]).values
            for mine, other in zip(order, shifted, strict=True)
        ]
        return {name: sum(row[name] for row in rows) / len(rows) for name in METRICS}

    def definitions(self) -> dict[str, str]:
        """Give what each score is, in one line each, with every choice that decides its digits."""
        rules = self.rules
        stems = "Porter stems" if rules.stemmer else "no stemming"
        kind = f"rouge-score, F with beta {rules.beta:g}, {stems}"
        summary = f"{kind}; union of subsequences over sentences, then the mean"
        synonyms = "and WordNet synonyms of stems" if self._synonyms else "no synonyms"
        return {
            "BLEU": "4-gram BLEU of each item, 13a tokens, no smoothing; then the mean"
            if rules.paper_compat
            else bleu.ITEM_DEFINITION,
            "ROUGE-1": f"{kind}; single words of each item, then the mean",
            "ROUGE-2": f"{kind}; pairs of words of each item, then the mean",
            "ROUGE-L": summary
            if rules.paper_compat
            else f"{kind}; longest common subsequence of the whole texts, then the mean",
            "ROUGE-Lsum": summary,
            "METEOR": f"NLTK's, alpha 0.9, beta 3, gamma {self._gamma:g}; words and punctuation "
            f"marks in lower case; forms, Porter stems, {synonyms}; each item, then the mean",
            "chrF": f"{chrf.DEFINITION}; each item, then the mean",
            "BLEU (corpus)": bleu.CORPUS_DEFINITION,
            "chrF (corpus)": f"{chrf.DEFINITION}; counts of all items added up",
        }


def corpus_scores(rows: Sequence[PairScore]) -> dict[str, float]:
    """Give the scores that are of the corpus and not a mean over items."""
    return {
        "BLEU (corpus)": bleu.corpus_score(row.bleu for row in rows),
        "chrF (corpus)": chrf.corpus_score(row.chrf for row in rows),
    }


def length_ratio(rows: Sequence[PairScore]) -> float | None:
    """Give words of all answers over words of all references; None where these have none."""
    reference = sum(row.n_reference_words for row in rows)
    return sum(row.n_words for row in rows) / reference if reference else None


def sentences_of(text: str) -> list[str]:
    """Give the sentences of a text, as ROUGE-Lsum takes them."""
    return [text[start:end] for start, end in split_sentences(text)]
