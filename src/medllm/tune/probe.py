"""What a run will take: its first steps, really taken, in a folder that is thrown away."""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medllm.tune.config import TrainConfig
from medllm.tune.corpus import Corpus
from medllm.tune.estimate import Estimate
from medllm.tune.train import Prepared, train_prepared

_STEPS = 3
"""At least; the first is left out of the rate, since it warms caches up."""
_ROWS = 32
"""At least so many go through the other steps: rows differ in length."""
_EVALUATED_ROWS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the whole run will take on this machine."""

    seconds: float
    """From the first weight that is loaded to the result that is written: evaluations and
    checkpoints are counted; encoding, which is done by then, is not."""
    peak_bytes: int
    """That the GPU held at most; without one, the whole process with all its libraries."""


@dataclass(frozen=True, slots=True)
class _Rates:
    """Seconds of each part of a run."""

    start: float
    a_token: float
    """Of training, padding included."""
    an_evaluated_token: float
    a_save: float


def measure(
    prepared: Prepared, estimated: Estimate, *, clock: Callable[[], float] = time.monotonic
) -> Measured:
    """Take the first steps, and give what all of them will take."""
    from medllm.tune.pace import peak_bytes

    seconds = _seconds(prepared, estimated, _measure(prepared, clock))
    return Measured(seconds=seconds, peak_bytes=peak_bytes())


def _seconds(prepared: Prepared, estimated: Estimate, rates: _Rates) -> float:
    train = prepared.settings.train
    n_evaluations = 0
    if prepared.validation is not None:
        every = train.evaluate_every
        n_evaluations = estimated.steps // every if every else math.ceil(train.epochs)
    evaluated = float(prepared.validation.bounds[-1]) if prepared.validation else 0.0
    n_saves = max(1, estimated.steps // train.save_every) + n_evaluations
    return (
        rates.start
        + rates.a_token * estimated.tokens * padding(prepared)
        + rates.an_evaluated_token * evaluated * (n_evaluations + 1)
        + rates.a_save * n_saves
    )


def padding(prepared: Prepared) -> float:
    """Give how many tokens go through the model for each that is none of padding, at least 1."""
    lengths, batch = row_lengths(prepared.train, prepared.rows), prepared.settings.train.batch
    random.Random(0).shuffle(lengths)
    groups = [lengths[n : n + batch] for n in range(0, len(lengths), batch)]
    return sum(max(group) * len(group) for group in groups) / sum(lengths)


def row_lengths(corpus: Corpus, rows: Sequence[Sequence[int]]) -> list[int]:
    """Give the tokens of each row."""
    lengths = corpus.lengths
    return [sum(lengths[record] for record in row) for row in rows]


def _measure(prepared: Prepared, clock: Callable[[], float]) -> _Rates:
    """Take some steps, evaluate some rows, save; see how long each took."""
    n_steps, short = _shortened(prepared)
    marks: list[tuple[str, float, float]] = []  # event, tokens by then, time

    def note(values: dict[str, object]) -> None:
        n_tokens = sum(float(str(values.get(name, 0))) for name in ("tokens", "padded_tokens"))
        marks.append((str(values["event"]), n_tokens, clock()))

    with tempfile.TemporaryDirectory() as folder:
        started = clock()
        train_prepared(short, Path(folder) / "probe", tell=note)
        ended = clock()
    (_, first_tokens, first), (_, last_tokens, last) = marks[0], marks[n_steps - 1]
    a_token = (last - first) / (last_tokens - first_tokens)
    evaluation = marks[n_steps][2] - last if len(marks) > n_steps else 0.0
    n_evaluated = (
        sum(row_lengths(short.validation, short.validation_rows)) if short.validation else 1
    )
    return _Rates(
        start=max(0.0, first - started - a_token * first_tokens),
        a_token=a_token,
        an_evaluated_token=evaluation / n_evaluated,
        a_save=max(0.0, ended - last - 2 * evaluation),  # the result is evaluated once more
    )


def _shortened(prepared: Prepared) -> tuple[int, Prepared]:
    """Give the first steps of a run, and how many they are."""
    settings: TrainConfig = prepared.settings
    rows_a_step = settings.train.batch * settings.train.accumulate
    n_steps = max(_STEPS, math.ceil(_ROWS / rows_a_step) + 1)
    changes = {
        "max_steps": n_steps,
        "save_every": n_steps + 1,
        "evaluate_every": n_steps,
        "report_to": [],
    }
    train = settings.train.model_copy(update=changes)
    few = random.Random(0).sample(
        prepared.validation_rows, min(_EVALUATED_ROWS, len(prepared.validation_rows))
    )
    short = settings.model_copy(update={"train": train})
    return n_steps, replace(prepared, settings=short, validation_rows=few)
