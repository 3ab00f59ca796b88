"""Extractive summaries against ideal answers, the lead and TextRank, all of the same length."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import command
from benchmarks.baselines import lead_summary, rouge2_recall, textrank_summary
from benchmarks.command import EXAMPLES, Options, say
from benchmarks.corpora import example_files, read_all, read_notes, source_files
from benchmarks.indexes import build_index
from benchmarks.report import Measured, Row, Section, Table, from_interval
from medllm.ask.evidence import widen
from medllm.ask.extractive import write_extractive
from medllm.clinical.sentences import split_sentences
from medllm.evaluate.statistics import mean_interval, paired_interval
from medllm.records import Claim, DocumentKind, Hit
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.search import query_weights, search

BUDGETS = (100, 50)
"""Words of a summary; the first is the one that targets are held against."""
N_TUNED = 900
"""Of the references, shuffled as `_held_out` does it, those that constants were chosen on."""
TOP = 10
_PASSAGE_WORDS = 400
_MANY = 30
_QUICK = 60

Scores = dict[str, dict[str, float]]
"""System -> question id -> ROUGE-2 recall."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what was found for it and what an expert answered."""

    id: str
    ideal: list[str]
    evidence: tuple[Hit, ...]
    weights: dict[int, float]


def measure(options: Options) -> Section:
    """Give the differences in ROUGE-2 recall, and the share of sentences that are verbatim."""
    section = Section(name="summaries")
    verbatim = list(_verbatim_of_notes(options))
    if options.data is None:
        section.notes.append("no ideal answers without ../shared/data: only verbatim is measured")
    else:
        cases = read_cases(options)
        for case in cases:
            claims = write_extractive(case.evidence, case.weights, n_sentences=TOP)
            verbatim += [_is_verbatim(claim, case.evidence) for claim in claims]
        for budget in BUDGETS:
            scores = score(cases, budget)
            section.rows += _rows(scores, budget, options)
            section.tables.append(_table(scores, budget))
            section.data[str(budget)] = scores
        section.notes += _notes(cases)
    share = mean_interval(verbatim, bounds=(0.0, 1.0))
    section.rows.append(
        Row(
            what="sentences of extractive summaries that are verbatim in their source",
            measured=from_interval("medllm", share),
            wanted="100 %",
            reached=all(verbatim) if options.is_full else None,
        )
    )
    return section


def read_cases(options: Options) -> list[Case]:
    """Give the held-out questions that found anything, each with its evidence."""
    assert options.data is not None
    folder = options.data / "retrieval/bioasq-dev"
    records = _held_out(folder / "references.jsonl")
    records = records[:_QUICK] if options.quick else records
    say(f"{len(records):,} held-out questions")
    with build_index(options.cache / "summaries", read_all([folder]), None) as index:
        cases = [_case(record, index) for record in records]
    return [case for case in cases if case.evidence]


def score(cases: Sequence[Case], budget: int) -> Scores:
    """Give ROUGE-2 recall against the best of a question's ideal answers, for each system.

    medllm writes as many whole sentences as fit; the others are cut to as many words as it took.
    """
    say(f"summaries of {budget} words")
    scores: Scores = {name: {} for name in ("medllm", *REFERENCES)}
    for case in cases:
        own = [claim.text for claim in write_within(case, budget)]
        n_words = sum(len(sentence.split()) for sentence in own)
        texts = {"medllm": own} | {name: write(case, n_words) for name, write in REFERENCES.items()}
        for name, sentences in texts.items():
            scores[name][case.id] = rouge2_recall(" ".join(sentences), case.ideal)
    return scores


def write_within(case: Case, budget: int) -> list[Claim]:
    """Give the longest extractive summary of at most `budget` words; one sentence at least."""
    kept = write_extractive(case.evidence, case.weights, n_sentences=1)
    for n_sentences in range(2, _MANY):
        claims = write_extractive(case.evidence, case.weights, n_sentences=n_sentences)
        n_words = sum(len(claim.text.split()) for claim in claims)
        if n_words > budget or len(claims) == len(kept):
            break
        kept = claims
    return kept


def _lead(case: Case, n_words: int) -> list[str]:
    return lead_summary(_sentences(case), max_words=n_words)


def _first_sentences(case: Case, n_words: int) -> list[str]:
    """Give the first sentence of each document in turn, then the second of each, and so on."""
    sentences = _sentences(case)
    longest = max(map(len, sentences))
    turns = [[of[at] for of in sentences if at < len(of)] for at in range(longest)]
    return lead_summary(turns, max_words=n_words)


def _textrank(case: Case, n_words: int) -> list[str]:
    return textrank_summary(_sentences(case), max_words=n_words)


REFERENCES: dict[str, Callable[[Case, int], list[str]]] = {
    "lead": _lead,
    "first sentences": _first_sentences,
    "TextRank": _textrank,
}


def _held_out(path: Path) -> list[dict[str, Any]]:
    """Give the references that no constant was chosen on: after the first 900 of this order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    random.seed(7)
    random.shuffle(records)
    return records[N_TUNED:]


def _case(record: Mapping[str, Any], index: EmbeddedIndex) -> Case:
    ideal = record["ideal_answer"]
    question = record["question"]
    hits = search(index, question, where=Filter(kind="articles"), top=TOP)
    weights = query_weights(index, question, kind="articles")
    ideals = [ideal] if isinstance(ideal, str) else list(ideal)
    return Case(record["_id"], ideals, _widened(hits), weights)


def _widened(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Give the hits with the sentences around their passages, as `ask` reads them."""
    return tuple(replace(hit, passage=widen(hit, _PASSAGE_WORDS)) for hit in hits)


def _sentences(case: Case) -> list[list[str]]:
    texts = [hit.passage.text for hit in case.evidence]
    return [[text[start:end] for start, end in split_sentences(text)] for text in texts]


def _verbatim_of_notes(options: Options) -> list[float]:
    """Ask about patients, as the road does, and look each sentence up in its source."""
    say("extractive summaries of patient descriptions")
    files = source_files(options)[:2] if options.is_full else example_files()
    note_files = [EXAMPLES / "note.txt", *sorted((EXAMPLES / "notes").glob("*.txt"))]
    notes = [file.read_text(encoding="utf-8") for file in note_files]
    notes += read_notes(options)[:100]
    found = []
    with build_index(
        options.cache / f"verbatim-{len(files)}-{files[0].stem}", read_all(files), None
    ) as index:
        for note in notes:
            kinds: tuple[DocumentKind, ...] = ("patients", "articles")
            weights = query_weights(index, note, kind="articles")
            evidence = _widened(
                hit
                for kind in kinds
                for hit in search(index, note, where=Filter(kind=kind), top=TOP)
            )
            claims = write_extractive(evidence, weights, n_sentences=TOP)
            found += [_is_verbatim(claim, evidence) for claim in claims]
    return found


def _is_verbatim(claim: Claim, evidence: Sequence[Hit]) -> float:
    """Give 1 where the claim stands letter for letter where its citation says."""
    citation = claim.citations[0]
    text = evidence[citation.number - 1].document.text
    return float(text[citation.start : citation.end] == claim.text != "")


def _rows(scores: Scores, budget: int, options: Options) -> list[Row]:
    own = scores["medllm"]
    rows = []
    for other in REFERENCES:
        interval = paired_interval(scores[other], own, bounds=(0.0, 1.0))
        difference = from_interval("medllm", interval)
        rows.append(
            Row(
                what=f"ROUGE-2 recall, {budget} words, extractive less {other}",
                measured=difference,
                wanted="above 0",
                reached=difference.value > 0 if options.is_full else None,
                references=[_mean(name, scores[name]) for name in ("medllm", other)],
                note="" if interval.low > 0 or interval.high < 0 else "the interval holds 0",
            )
        )
    return rows


def _mean(system: str, scores: Mapping[str, float]) -> Measured:
    return from_interval(system, mean_interval(list(scores.values()), bounds=(0.0, 1.0)))


def _table(scores: Scores, budget: int) -> Table:
    table = Table(
        title=f"BioASQ, at most {budget} words, {len(scores['medllm']):,} held-out questions",
        header=["system", "ROUGE-2 recall [95 %]"],
    )
    table.lines = [[name, str(_mean("", of))] for name, of in scores.items()]
    return table


def _notes(cases: Sequence[Case]) -> list[str]:
    n_words = [sum(len(hit.passage.text.split()) for hit in case.evidence) for case in cases]
    return [
        f"retrieval: medllm BM25, top {TOP}; every system reads the same passages, "
        f"{sum(n_words) / len(n_words):.0f} words a question",
        "medllm writes as many whole sentences as fit the budget; the others are cut, within a "
        "sentence, to as many words as it took",
        f"constants of the extractive writer were chosen on {N_TUNED} other questions of the set; "
        "questions of one set are alike, so other sets may differ",
        "ROUGE-2 recall against the best ideal answer, without stemming",
        "lead: whole passages in the order of retrieval; first sentences: the first of each "
        "passage, then the second of each",
    ]


if __name__ == "__main__":
    raise SystemExit(command.main(measure))
