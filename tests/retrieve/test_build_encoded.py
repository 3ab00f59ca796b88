"""Building with a real encoder: nothing is encoded twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from medllm.errors import DataError
from medllm.records import Document
from medllm.retrieve.build import Added, add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.encoders import Encoder
from medllm.retrieve.index import Filter
from medllm.retrieve.passages import cut_passages
from tests.retrieve.comparing import assert_nothing_else
from tests.retrieve.conftest import NewIndex
from tests.retrieve.invented import invented_documents, n_passages, short_documents

pytestmark = pytest.mark.slow


@pytest.fixture
def encoded(encoder: Encoder, tmp_path: Any) -> Iterator[EmbeddedIndex]:
    """An empty index for the tiny encoder."""
    index = EmbeddedIndex.create(tmp_path / "encoded", encoder=encoder.describe())
    yield index
    index.folder.abandon()


@pytest.fixture
def asked(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that the encoder is asked for."""
    texts: list[str] = []
    encode = encoder.encode

    def listening(of: Any) -> Any:
        texts.extend(of)
        return encode(of)

    monkeypatch.setattr(encoder, "encode", listening)
    return texts


def test_another_encoder_or_none_to_begin_with(new_index: NewIndex, encoder: Encoder) -> None:
    for index in (new_index("a"), new_index("b", dimension=8)):
        with pytest.raises(DataError, match="do not belong together"):
            add_documents(index, invented_documents(1), encoder=encoder)
        assert index.count(Filter()) == 0


def test_each_passage_has_its_vector(encoded: EmbeddedIndex, encoder: Encoder) -> None:
    documents = invented_documents(8, title="A case")
    added = add_documents(encoded, documents, encoder=encoder)
    assert added.encoded == added.passages == n_passages(documents)
    for document in documents:
        for start, end in cut_passages(document.text):
            vector = encoder.encode([f"A case\n{document.text[start:end]}"])[0]
            best = encoded.search_vector(vector, limit=1, where=Filter())[0]
            assert best.score == pytest.approx(1, abs=2e-3)
            assert (best.document_id, best.start, best.end) == (document.id, start, end)


def test_one_percent_more_costs_one_percent(
    encoded: EmbeddedIndex, encoder: Encoder, asked: list[str], cut: list[str]
) -> None:
    add_documents(encoded, short_documents(200), encoder=encoder)
    assert len(asked) == 200
    asked.clear()
    cut.clear()
    added = add_documents(encoded, short_documents(202), encoder=encoder)
    assert (added.added, added.unchanged) == (2, 200)
    assert (len(asked), len(cut), added.encoded) == (2, 2, 2)


def test_another_year_costs_no_encoding(
    encoded: EmbeddedIndex, encoder: Encoder, asked: list[str]
) -> None:
    add_documents(encoded, short_documents(10), encoder=encoder)
    asked.clear()
    later = [dataclasses.replace(document, year=1999) for document in short_documents(10)]
    added = add_documents(encoded, later, encoder=encoder)
    assert (added.replaced, added.encoded) == (10, 0)
    assert asked == []
    assert encoded.count(Filter(year_from=1999)) == 10


def test_a_changed_sentence_costs_its_passage_alone(
    encoded: EmbeddedIndex, encoder: Encoder, asked: list[str]
) -> None:
    (document,) = invented_documents(1, first=3)
    spans = cut_passages(document.text)
    assert len(spans) > 2
    add_documents(encoded, [document], encoder=encoder)
    before = encoded.vectors_of(["d3"])
    asked.clear()
    day = "Case 3, day 1,"
    changed = dataclasses.replace(document, text=document.text.replace(day, "Case 3, at last,"))
    assert len(cut_passages(changed.text)) == len(spans)
    assert add_documents(encoded, [changed], encoder=encoder).encoded == 1
    assert len(asked) == 1
    assert "at last" in asked[0]
    after = encoded.vectors_of(["d3"])
    assert len(after) == len(before) == len(spans)
    kept = set(before) & set(after)
    assert len(kept) == len(spans) - 1
    assert all(np.array_equal(before[mark], after[mark]) for mark in kept)


def test_equal_passages_are_encoded_once(
    encoded: EmbeddedIndex, encoder: Encoder, asked: list[str]
) -> None:
    text = invented_documents(1)[0].text
    same = [Document(id=f"s{n}", kind="patients", text=text) for n in range(5)]
    assert add_documents(encoded, same, encoder=encoder).passages == 5 * n_passages(same[:1])
    assert len(asked) == n_passages(same[:1])


def test_a_build_that_was_cut_short_goes_on_where_it_stopped(
    encoded: EmbeddedIndex, encoder: Encoder, asked: list[str]
) -> None:
    documents = short_documents(150)

    def stop(added: Added) -> None:
        if added.documents >= 128:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_documents(encoded, documents, encoder=encoder, progress=stop)
    averages = dict(encoded.folder.average_length)
    encoded._shards.close()
    encoded.folder.abandon()  # as a kill does
    asked.clear()
    with EmbeddedIndex.open(encoded.folder.path) as again:
        assert again.folder.must_mend
        added = add_documents(again, documents, encoder=encoder)
        assert (added.added, added.unchanged) == (22, 128)
        assert len(asked) == 22
        assert again.folder.average_length == averages
        assert_nothing_else(again, {document.id: document for document in documents})


def test_documents_without_text_have_no_vectors(encoded: EmbeddedIndex, encoder: Encoder) -> None:
    empty = Document(id="empty", kind="patients", text=" ")
    assert add_documents(encoded, [empty, *short_documents(1)], encoder=encoder).added == 2
    assert add_documents(encoded, [empty], encoder=encoder).unchanged == 1
