"""Documents into an index: only what changed is cut and encoded, and any break can be taken up."""

from __future__ import annotations

import dataclasses

import pytest

from medllm.errors import DataError
from medllm.records import Document
from medllm.retrieve import build, words
from medllm.retrieve.build import Added, add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.passages import cut_passages
from tests.retrieve.comparing import assert_nothing_else
from tests.retrieve.conftest import NewIndex
from tests.retrieve.invented import invented_documents, n_passages, short_documents


def test_documents_are_added_and_counted(new_index: NewIndex) -> None:
    index, documents = new_index(), invented_documents(300)
    reports: list[Added] = []
    added = add_documents(
        index, iter(documents), progress=lambda a: reports.append(dataclasses.replace(a))
    )
    assert added == Added(added=300, passages=n_passages(documents))
    assert [report.documents for report in reports] == [256, 300]
    assert_nothing_else(index, {document.id: document for document in documents})


def test_of_equal_ids_the_last_stays(new_index: NewIndex) -> None:
    index, documents = new_index(), invented_documents(300)
    again = [
        dataclasses.replace(document, id=f"d{k % 290}") for k, document in enumerate(documents)
    ]
    added = add_documents(index, again)
    assert (added.added, added.replaced) == (290, 10)  # d0 to d9 come again in the second batch
    assert_nothing_else(index, {document.id: document for document in again})
    twice = [dataclasses.replace(documents[7], text=text) for text in ("Rash.", "Fever.")]
    assert add_documents(index, twice).replaced == 1
    assert index.read(["d7"])["d7"].text == "Fever."


def test_what_is_unchanged_is_not_cut_again(new_index: NewIndex, cut: list[str]) -> None:
    index, documents = new_index(), invented_documents(20)
    add_documents(index, documents)
    cut.clear()
    changed = [*documents[:19], dataclasses.replace(documents[19], year=1999)]
    added = add_documents(index, changed)
    assert (added.added, added.replaced, added.unchanged) == (0, 1, 19)
    assert cut == [documents[19].text]
    assert index.read(["d19"]) == {"d19": changed[19]}


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Document) if f.name != "id"])
def test_a_change_of_any_field_is_written(new_index: NewIndex, field: str) -> None:
    index = new_index()
    before = Document(id="d", kind="patients", text="Fever.")
    other = {
        "kind": "articles",
        "year": 2001,
        "sex": "F",
        "age_years": 3.5,
        "mesh": ("m",),
        "publication_types": ("p",),
        "retracted": True,
    }.get(field, "Cough.")
    after = dataclasses.replace(before, **{field: other})
    add_documents(index, [before])
    assert add_documents(index, [after]).replaced == 1
    assert index.read(["d"]) == {"d": after}
    assert_nothing_else(index, {"d": after})


def test_the_average_length_is_the_corpus_own_by_kind_and_stays(new_index: NewIndex) -> None:
    index = new_index()
    patients = invented_documents(12)
    articles = invented_documents(9, first=50, kind="articles", title="Ataxia and tremor")
    add_documents(index, [*patients, *articles])
    averages = dict(index.folder.average_length)
    for kind, documents in (("patients", patients), ("articles", articles)):
        texts = [
            f"{document.title} {document.text[start:end]}"
            for document in documents
            for start, end in cut_passages(document.text)
        ]
        mean = sum(words.length(text) for text in texts) / len(texts)
        assert averages[kind] == pytest.approx(mean)
    add_documents(index, [Document(id="long", kind="patients", text="fever " * 5_000)])
    index.close()
    with EmbeddedIndex.open(index.folder.path) as again:
        assert again.folder.average_length == averages
        assert add_documents(again, patients).unchanged == 12


def test_a_kind_that_comes_late_gets_its_average_too(
    new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_SAMPLE", 5)
    index = new_index()
    add_documents(
        index, [*invented_documents(10), *invented_documents(3, first=20, kind="articles")]
    )
    assert set(index.folder.average_length) == {"patients", "articles"}
    assert index.count(Filter(kind="articles")) == 3


def test_a_title_is_searched_with_every_passage(new_index: NewIndex) -> None:
    index = new_index()
    (document,) = invented_documents(1, first=3, title="Zyxomorphia")
    add_documents(index, [document])
    term = words.term_of("Zyxomorphia")
    assert term is not None
    assert index.frequencies([term], kind=None) == [n_passages([document])]
    assert n_passages([document]) > 1


def test_a_long_build_is_written_down_now_and_then(
    new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_BATCH", 10)
    monkeypatch.setattr(build, "_FLUSH_EVERY", 30)
    index = new_index()
    is_written: list[bool] = []
    add_documents(
        index,
        short_documents(100),
        progress=lambda added: is_written.append(not index.folder.is_changed),
    )
    assert is_written == [False, False, True] * 3 + [False]


def test_batches_stay_small_in_documents_and_in_characters() -> None:
    small = invented_documents(10)
    large = [dataclasses.replace(d, id=f"l{k}", text="x" * 900_000) for k, d in enumerate(small)]
    batches = list(build._batches([*small, *large], 4))
    assert [d for batch in batches for d in batch] == [*small, *large]
    assert all(len(batch) <= 4 for batch in batches)
    assert max(sum(len(d.text) for d in batch) for batch in batches) < 3_000_000


def test_an_index_and_an_encoder_that_do_not_belong_together(new_index: NewIndex) -> None:
    with pytest.raises(DataError, match="do not belong together") as caught:
        add_documents(new_index(dimension=8), invented_documents(1))
    assert caught.value.hint
