"""A search as an evaluation needs it: deep, and by the same road as what people are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from medllm.clinical.findings import find_findings
from medllm.errors import ConfigError
from medllm.records import DocumentKind
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.encoders import Encoder, load_encoder_of
from medllm.retrieve.index import Filter, Index
from medllm.retrieve.note_search import rank_note, read_query
from medllm.retrieve.search import Mode, rank

DEPTH = 1_001
"""Documents ranked for each query: 1,000 for R@1000, one for the query's own, which is left out."""


class Searcher:
    """Ranks the documents for one query after another."""

    def __init__(
        self,
        index: Index,
        *,
        kind: DocumentKind | None,
        mode: Mode,
        encoder: Encoder | None,
        n_shown: int | None,
    ) -> None:
        """`n_shown` documents are put in order as `search` does; None searches for the text."""
        self._index = index
        self._kind = kind
        self._mode = mode
        self._encoder = encoder
        self._n_shown = n_shown

    def __call__(self, query_id: str, text: str) -> Mapping[str, float]:
        """Give the scores of the documents found, by id."""
        where = Filter(kind=self._kind)
        if self._n_shown is None:
            found = rank(
                self._index, text, where=where, mode=self._mode, top=DEPTH, encoder=self._encoder
            )
            return {one.document_id: one.score for one in found}
        return rank_note(
            self._index,
            read_query(text, find_findings(text)),
            where=where,
            mode=self._mode,
            top=self._n_shown,
            depth=DEPTH,
            encoder=self._encoder,
        )


class Modes(NamedTuple):
    """The searches that an index bears, and the encoder that they share."""

    modes: list[Mode]
    encoder: Encoder | None


def open_modes(index: EmbeddedIndex, wanted: list[str], encoder: str) -> Modes:
    """Give the modes to search in; without a wish by words and vectors, or by words alone.

    `encoder` names where the index's encoder lies now, if it has moved. `ConfigError` where vectors
    are wanted of an index that has none.
    """
    facts = index.folder.encoder
    modes = wanted or (["hybrid"] if facts else ["bm25"])
    if modes == ["bm25"]:
        return Modes(["bm25"], None)
    if facts is None:
        raise ConfigError(
            f"a search by {' or '.join(m for m in modes if m != 'bm25')} needs an index with "
            "vectors, and this one has none",
            hint='modes = ["bm25"], or build the index with --encoder offline',
        )
    return Modes(cast(list[Mode], modes), load_encoder_of(facts, encoder or None))
