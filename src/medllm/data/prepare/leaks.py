"""The check of `prepare` that no evaluation text stands in the training split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.assign import TEST, TRAIN, VALIDATION
from medllm.data.prepare.config import PrepareConfig
from medllm.data.prepare.overlap import Overlap, find_overlap
from medllm.data.prepare.rows import Rows, identity_of
from medllm.data.progress import Progress, told
from medllm.data.shingles import Numbers
from medllm.data.store import RecordStore
from medllm.errors import DataError
from medllm.records import SftRecord

_MAX_ROUNDS = 5  # the first finds nearly all, the second mostly that none is left


def select(store: RecordStore, chosen: NDArray[np.bool_]) -> Iterator[SftRecord]:
    """Give the chosen records, in order."""
    return (record for record, is_chosen in zip(store, chosen, strict=True) if is_chosen)


def check_overlap(
    settings: PrepareConfig,
    store: RecordStore,
    rows: Rows,
    splits: NDArray[np.int8],
    progress: Progress,
) -> tuple[Overlap, NDArray[np.bool_]]:
    """Look for evaluation text in the training split; give what was found, and what is left out.

    The overlap is that of the splits as they are written; of `refuse` it is what was found.
    """
    removed = np.zeros(len(splits), dtype=np.bool_)
    evaluation = (splits == VALIDATION) | (splits == TEST)
    common: Numbers | None = None
    for round_number in range(_MAX_ROUNDS):
        train = (splits == TRAIN) & ~removed
        step = f"overlap, round {round_number + 1}"
        records = told(select(store, train), step, progress, int(train.sum()))
        found = find_overlap(records, select(store, evaluation), ways_of_speaking=common)
        common = found.ways_of_speaking
        if settings.overlap.action != "leave out" or not found.leaking:
            return found, removed
        leaking = [identity_of(source, name) for source, name in found.leaking]
        removed |= train & np.isin(rows.identity, np.array(leaking, dtype=np.uint64))
    raise DataError(
        "evaluation text stands in the training data again and again",
        hint="look at overlap.json and leave the source out",
    )


def refuse_overlap(found: Overlap, path: Path) -> DataError:
    """Give the error for splits that overlap."""
    return DataError(
        f"{found.n_leaked} of {found.n_evaluation} evaluation records stand in the training split: "
        f"nothing was written but {path}",
        hint='--set prepare.overlap.action="leave out" leaves the training records out, '
        '"allow" writes them all the same',
    )
