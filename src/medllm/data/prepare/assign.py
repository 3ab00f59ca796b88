"""The middle steps of `prepare`: which records stay, and which split each belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.config import PrepareConfig, SourceConfig
from medllm.data.prepare.duplicates import Duplicates, find_duplicates
from medllm.data.prepare.rows import Rows
from medllm.data.prepare.split import SPLITS, hash_of
from medllm.data.progress import Progress
from medllm.data.sft_files import load_records
from medllm.data.store import RecordStore
from medllm.errors import ConfigError

TRAIN, VALIDATION, TEST = (SPLITS.index(name) for name in ("train", "validation", "test"))
LEFT_OUT = -1
_PLACES = 1 << 64


def own_splits(
    settings: PrepareConfig, rows: Rows, source_of: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Give the split that its source or its data set gives to each record, -1 for none."""
    splits = (
        rows.split.copy() if settings.split.own else np.full(len(rows.split), -1, dtype=np.int8)
    )
    for number, source in enumerate(settings.sources):
        if source.into:
            splits[source_of == number] = SPLITS.index(source.into)
        elif source.held_out:
            splits[source_of == number] = -1
    return splits


def drop_duplicates(
    settings: PrepareConfig,
    store: RecordStore,
    rows: Rows,
    own: NDArray[np.int8],
    folder: Path,
    progress: Progress,
) -> Duplicates:
    """Give the duplicates; of two the test's is kept, then that of the validation."""
    if not settings.duplicates.exact and not settings.duplicates.near:
        nothing = np.full(len(store), -1, dtype=np.int64)
        return Duplicates(nothing, np.zeros(len(store), dtype=np.bool_))
    ranks = np.full(len(store), 2)
    ranks[own == VALIDATION], ranks[own == TEST] = 1, 0
    return find_duplicates(
        store,
        near=settings.duplicates.near,
        agreement=settings.duplicates.agreement,
        ranks=ranks,
        folder=folder,
        progress=progress,
    )


def repeated_ids(rows: Rows, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which of the kept records have the source and id of an earlier one that is kept."""
    places = np.flatnonzero(kept)
    _, first = np.unique(rows.identity[places], return_index=True)
    repeated = kept.copy()
    repeated[places[first]] = False
    return repeated


def assign_splits(
    settings: PrepareConfig,
    rows: Rows,
    source_of: NDArray[np.int64],
    own: NDArray[np.int8],
    kept: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """Give each kept record the number of its split in `SPLITS`, all others -1.

    Raises `ConfigError` where a source has not more groups than it shall hold out.
    """
    test = _limit(settings.split.test)
    validation = _limit(settings.split.test + settings.split.validation)
    splits = np.full(len(kept), TRAIN, dtype=np.int8)
    splits[rows.group < validation] = VALIDATION
    for number, source in enumerate(settings.sources):
        of_source = source_of == number
        if source.held_out:
            held = _held_out(source, rows.group[of_source & kept], settings.split.key)
            low = of_source & (rows.group < test)
            splits[low] = TRAIN
            splits[of_source & np.isin(rows.group, held)] = TEST
        else:
            splits[of_source & (rows.group < test)] = TEST
    splits[own >= 0] = own[own >= 0]
    splits[~kept] = LEFT_OUT
    return splits


def _limit(share: float) -> np.uint64:
    return np.uint64(min(_PLACES - 1, int(share * _PLACES)))


def _held_out(source: SourceConfig, groups: NDArray[np.uint64], key: str) -> NDArray[np.uint64]:
    """Give the hashes of the groups that are held out: those of an earlier run, then the lowest."""
    distinct = np.unique(groups)
    if source.held_out >= len(distinct):
        raise ConfigError(
            f"{source.name}: {source.held_out} groups are to be held out, "
            f"but there are only {len(distinct)}",
            hint="lower held_out, or raise limit",
        )
    kept = np.zeros(0, dtype=np.uint64)
    if source.keep_held_out:
        earlier = {hash_of(record.group, key) for record in load_records(source.keep_held_out)}
        kept = np.intersect1d(distinct, np.array(sorted(earlier), dtype=np.uint64))
    kept = kept[: source.held_out]
    others = np.setdiff1d(distinct, kept)
    return np.concatenate((kept, others[: source.held_out - len(kept)]))
