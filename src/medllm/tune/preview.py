"""The first record as the model will read it, cut where training begins and ends."""

from __future__ import annotations

from itertools import groupby

from medllm.tune.train import Prepared


def first_record(prepared: Prepared) -> list[tuple[str, bool]]:
    """Give the text of the first record in parts, each with whether it is trained.

    Control tokens are written out. It is the text of a record: for the eyes of who owns it.
    """
    corpus = prepared.train
    end = int(corpus.bounds[1])
    pairs = zip(corpus.ids[:end].tolist(), corpus.trained[:end].tolist(), strict=True)
    return [
        (prepared.tokenizer.decode([token for token, _ in run]), bool(is_trained))
        for is_trained, run in groupby(pairs, key=lambda pair: pair[1])
    ]
