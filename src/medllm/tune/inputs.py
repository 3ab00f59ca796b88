"""From the files that a config names to encoded corpora."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from medllm.data.prepare.mix import numbered
from medllm.data.sft_files import load_records
from medllm.errors import DataError
from medllm.records import SftRecord
from medllm.tune.config import DataSection
from medllm.tune.corpus import Corpus, gather
from medllm.tune.encode import Encoded, Encoder, LeftOut, encode_texts
from medllm.tune.new_model import read_texts
from medllm.tune.templates import Template


def read_corpora(
    settings: DataSection, tokenizer: Any, template: Template
) -> tuple[Corpus, Corpus | None]:
    """Give the training corpus, and that of the validation split where there is one.

    Raises `DataError` where a file is missing or broken, where nothing is left to train on, and
    where a record stands in both splits.
    """
    encoder = Encoder(
        tokenizer,
        template,
        window=settings.window,
        reasoning=settings.reasoning,
        too_long=settings.too_long,
    )
    train = gather(_train(settings, encoder))
    if not len(train):
        raise DataError(
            f"there is nothing to train on: {len(train.left_out)} records were left out",
            hint="see records/left_out.jsonl of a run, or raise data.window",
        )
    if not settings.validation:
        return train, None
    validation = gather(encoder.encode(_records(settings.validation)))
    if not len(validation):
        raise DataError("there is nothing to validate on", hint="leave data.validation away")
    shared = {name.partition("#")[0] for name in train.names} & set(validation.names)
    if shared:
        raise DataError(
            f"{len(shared)} records stand in data.train and in data.validation",
            hint="split them by group: medllm data split",
        )
    return train, validation


def _train(settings: DataSection, encoder: Encoder) -> Iterator[Encoded | LeftOut]:
    weights = settings.weights or [1.0] * len(settings.train)
    for path, weight in zip(settings.train, weights, strict=True):
        yield from encoder.encode(_weighted(_records([path]), weight))
    documents = _documents(settings.text)
    yield from encode_texts(documents, encoder.tokenizer, window=settings.window)


def _records(paths: Sequence[Path]) -> Iterator[SftRecord]:
    for path in paths:
        yield from load_records(path)


def _weighted(records: Iterator[SftRecord], weight: float) -> Iterator[SftRecord]:
    """Give each record as often as the weight says; a fraction chooses by the hash of the id."""
    whole, part = int(weight), weight - math.floor(weight)
    for record in records:
        digest = hashlib.sha256(f"{record.source}:{record.id}".encode()).digest()
        more = int.from_bytes(digest[:8], "big") / 2**64 < part
        for copy in range(whole + more):
            yield numbered(record, copy)


def _documents(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Give (name, text) of plain text: one document a text file, one a line of JSON Lines."""
    for path in paths:
        if path.suffix == ".jsonl":
            yield from ((f"{path.name}:{n}", text) for n, text in enumerate(read_texts([path]), 1))
        else:
            yield path.name, "\n".join(read_texts([path]))
