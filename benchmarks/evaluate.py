"""Speed of the lexical scores against the three libraries, and that they agree on every pair.

Pairs per second of CPU on one core, for BLEU, ROUGE-1/2/L and METEOR together; both sides on the
same real pairs in the same run, in turn, every round from empty caches; the median of the rounds.
"""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

from benchmarks.command import Options, main, say
from benchmarks.evaluated import write_inputs
from benchmarks.processes import run_module
from benchmarks.report import Measured, Row, Section

N_PAIRS, N_QUICK, N_ROUNDS = 2000, 200, 5
N_ANSWERS = 10_000
WANTED = 5.0
Pair = tuple[str, str]


def measure(options: Options) -> Section:
    """Measure both sides in turn."""
    pairs = _pairs(options)
    times: dict[str, list[float]] = {"medllm": [], "libraries": []}
    worst = 0.0
    for number in range(1 if options.quick else N_ROUNDS):
        say(f"  round {number + 1}, {len(pairs):,} pairs")
        mine = _timed(_ours(), pairs, times["medllm"])
        expected = _timed(_libraries(), pairs, times["libraries"])
        worst = max(
            worst,
            *(
                abs(one - other)
                for row, expected_row in zip(mine, expected, strict=True)
                for one, other in zip(row, expected_row, strict=True)
            ),
        )
    rates = {name: len(pairs) / statistics.median(seconds) for name, seconds in times.items()}
    ratio = rates["medllm"] / rates["libraries"]
    n = len(pairs)
    return Section(
        name="evaluate",
        rows=[
            Row(
                what="BLEU + ROUGE-1/2/L + METEOR, times the three libraries together",
                measured=Measured(system="medllm", value=ratio, unit="times", n=n, digits=1),
                wanted=f"{WANTED:g} times",
                reached=ratio >= WANTED if options.is_full else None,
                references=[
                    Measured(system="medllm", value=rates["medllm"], unit="pairs/s", digits=0),
                    Measured(
                        system="sacrebleu + rouge-score + nltk",
                        value=rates["libraries"],
                        unit="pairs/s",
                        digits=0,
                    ),
                ],
            ),
            Row(
                what="greatest difference of any score from the libraries'",
                measured=Measured(system="medllm", value=worst, n=n, digits=12),
                wanted="1e-9",
                reached=worst <= 1e-9 if options.is_full else None,
            ),
            *_whole_report(options),
        ],
        notes=["Times are CPU times; METEOR without synonyms on both sides, ROUGE without stems."],
    )


def _whole_report(options: Options) -> list[Row]:
    """Measure 10,000 answers from their files to the report, in a process of its own."""
    n = (N_QUICK if options.quick else N_ANSWERS) // 2
    folder = options.cache / "evaluated"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_inputs(folder, n)
    say(f"  a whole report on {2 * n:,} answers")
    spent = run_module("benchmarks.evaluated", str(folder))
    if spent.code:
        raise RuntimeError("the evaluation broke; its error stands above")
    peak = int(spent.output) / 1e6
    seconds = Measured(
        system="medllm", value=spent.wall_s, unit="s", cpu=spent.cpu_s, n=2 * n, digits=1
    )
    is_full = options.is_full
    return [
        Row(
            what="answers scored, tested and reported",
            measured=seconds,
            wanted="60 s",
            reached=spent.wall_s <= 60 if is_full else None,
        ),
        Row(
            what="peak memory of that",
            measured=Measured(system="medllm", value=peak, unit="MB", n=2 * n, digits=0),
            wanted="1,000 MB",
            reached=peak <= 1000 if is_full else None,
        ),
    ]


def _timed(
    score: Callable[[str, str], Sequence[float]], pairs: Sequence[Pair], times: list[float]
) -> list[Sequence[float]]:
    started = time.process_time()
    found = [score(answer, reference) for answer, reference in pairs]
    times.append(time.process_time() - started)
    return found


def _ours() -> Callable[[str, str], Sequence[float]]:
    from medllm.evaluate.lexical import bleu, meteor, rouge, stem

    stem.stem.cache_clear()
    bleu.split_word.cache_clear()

    def score(answer: str, reference: str) -> Sequence[float]:
        words, others = (rouge.tokens(text, stemmer=False) for text in (answer, reference))
        return (
            bleu.item_score(bleu.count(bleu.tokens(answer), bleu.tokens(reference))),
            rouge.n_gram_score(words, others, 1).f,
            rouge.n_gram_score(words, others, 2).f,
            rouge.lcs_score(words, others).f,
            meteor.score(meteor.tokens(answer), meteor.tokens(reference)),
        )

    return score


def _libraries() -> Callable[[str, str], Sequence[float]]:
    from nltk.translate.meteor_score import single_meteor_score
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics.bleu import BLEU

    from medllm.evaluate.lexical import meteor

    bleu = BLEU(effective_order=True)
    rouge = RougeScorer(["rouge1", "rouge2", "rougeL"])
    wordnet = SimpleNamespace(synsets=lambda word: [])

    def score(answer: str, reference: str) -> Sequence[float]:
        found = rouge.score(reference, answer)
        return (
            bleu.sentence_score(answer, [reference]).score / 100,
            *(found[kind].fmeasure for kind in ("rouge1", "rouge2", "rougeL")),
            single_meteor_score(meteor.tokens(reference), meteor.tokens(answer), wordnet=wordnet),
        )

    return score


def _pairs(options: Options) -> list[Pair]:
    """Give a doctor's answers, each with that to another question; invented ones without data."""
    n = N_QUICK if options.quick else N_PAIRS
    path = (options.data or Path()) / "genmedgpt" / "genmedgpt-first-90.json"
    if options.data is None or not path.is_file():
        words = "fever rash cough for two days take the tablets with food and rest".split()
        texts = [
            " ".join(words[at % 7 :] + words[: at % 5]) + f", day {at}." for at in range(n + 1)
        ]
    else:
        rows = json.loads(path.read_text(encoding="utf-8"))
        texts = [row["output"] for row in rows[: 2 * n]]
    return list(zip(texts[::2], texts[1::2], strict=True))


if __name__ == "__main__":
    raise SystemExit(main(measure))
