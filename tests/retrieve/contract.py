"""What every index must do, whatever engine is behind it: derive a test class and say how to
make, reopen and copy one. Each answer is held against the exact oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medllm.errors import DataError
from medllm.retrieve.index import Filter, Index
from tests.retrieve.comparing import (
    ALL_TERMS,
    FILTERS,
    NO_LIMIT,
    assert_same,
    assert_same_documents,
    assert_same_frequencies,
    assert_same_vector,
    assert_same_words,
)
from tests.retrieve.invented import DIMENSION, make_entry, random_entries, unit_vectors
from tests.retrieve.oracle import TERMS, Oracle

SOME = [(TERMS[name], weight) for name, weight in (("fever", 2.0), ("rash", 0.5), ("ataxia", 1.0))]


class IndexContract:
    """Tests; `empty`, `again` and `copied` are the implementation's."""

    def empty(self, path: Path, *, with_vectors: bool) -> Index:
        """Give an open index without documents, with 8 numbers per vector if with any."""
        raise NotImplementedError

    def again(self, index: Index) -> Index:
        """Close the index and open it again."""
        raise NotImplementedError

    def opened(self, path: Path) -> Index:
        """Open what `snapshot` wrote."""
        raise NotImplementedError

    @pytest.fixture
    def filled(self, tmp_path: Path) -> tuple[Index, Oracle]:
        """An index with vectors and 60 documents."""
        index, oracle = self.empty(tmp_path / "idx", with_vectors=True), Oracle()
        for first in (0, 25, 50):
            entries = random_entries(
                first, 25 if first < 50 else 10, first=first, with_vectors=True
            )
            assert index.upsert(entries) == oracle.upsert(entries) == 0
        return index, oracle

    def test_words_are_scored_by_bm25(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        assert [bool(oracle.documents(where)) for where in FILTERS] == [True] * 11 + [False]
        for where in FILTERS:
            for limit in (1, 7, NO_LIMIT):
                assert_same_words(index, oracle, dict(SOME), where, limit)

    def test_the_idf_is_that_among_the_kind_asked_for(self, tmp_path: Path) -> None:
        index, oracle = self.empty(tmp_path / "idx", with_vectors=False), Oracle()
        entries = [make_entry(f"p{n}", [["fever"]]) for n in range(9)]
        entries += [make_entry(f"a{n}", [["cough"]], kind="articles") for n in range(9)]
        entries.append(make_entry("a9", [["fever"]], kind="articles"))
        index.upsert(entries)
        oracle.upsert(entries)
        term = {TERMS["fever"]: 1.0}
        scores = {}
        for kind in ("patients", "articles", None):
            where = Filter(kind=kind)
            assert_same_words(index, oracle, term, where)
            scores[kind] = {
                h.document_id: h.score for h in index.search_words(term, limit=20, where=where)
            }
        assert scores["articles"]["a9"] > 1.5  # one of ten articles
        assert scores["patients"]["p0"] < 0.1  # every patient has it
        assert 0.1 < scores[None]["a9"] < 1.5

    def test_a_term_that_nothing_has_changes_nothing(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        unknown = 12_345
        assert index.search_words({unknown: 1.0}, limit=9, where=Filter()) == []
        assert index.search_words({}, limit=9, where=Filter()) == []
        with_it = index.search_words({**dict(SOME), unknown: 3.0}, limit=9, where=Filter())
        assert with_it == index.search_words(dict(SOME), limit=9, where=Filter())
        assert index.frequencies([unknown], kind=None) == [0]

    def test_vectors_are_scored_by_their_product(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        rng = np.random.default_rng(3)
        for where in FILTERS:
            for limit in (1, 7, NO_LIMIT):
                vector = rng.normal(size=DIMENSION).astype(np.float32)
                assert_same_vector(index, oracle, vector, where, limit)

    def test_both_rankings_are_fused_by_the_reciprocals_of_their_ranks(
        self, filled: tuple[Index, Oracle]
    ) -> None:
        index, _ = filled
        vector = np.random.default_rng(4).normal(size=DIMENSION).astype(np.float32)
        for where in FILTERS:
            by_words = index.search_words(dict(SOME), limit=NO_LIMIT, where=where)
            by_vector = index.search_vector(vector, limit=NO_LIMIT, where=where)
            expected: dict[str, float] = {}
            places: dict[str, list[tuple[int, int]]] = {}
            for ranking, weight in ((by_words, 1.0), (by_vector, 0.7)):
                for hit in ranking:
                    n_better = sum(other.score > hit.score for other in ranking)
                    gained = weight / (60 + n_better + 1)
                    expected[hit.document_id] = expected.get(hit.document_id, 0.0) + gained
                    places.setdefault(hit.document_id, []).append((hit.start, hit.end))
            found = index.search_hybrid(dict(SOME), vector, limit=NO_LIMIT, where=where)
            assert {hit.document_id: hit.score for hit in found} == pytest.approx(expected)
            assert found == sorted(found, key=lambda hit: (-hit.score, hit.document_id))
            assert all((hit.start, hit.end) in places[hit.document_id] for hit in found)
            few = index.search_hybrid(dict(SOME), vector, limit=20, where=where)  # 60 are read
            assert few == found[:20]

    def test_a_zero_vector_leaves_the_ranking_by_words(self, filled: tuple[Index, Oracle]) -> None:
        index, _ = filled
        zero = np.zeros(DIMENSION, dtype=np.float32)
        found = index.search_hybrid(dict(SOME), zero, limit=9, where=Filter())
        by_words = index.search_words(dict(SOME), limit=NO_LIMIT, where=Filter())
        assert {h.document_id for h in found} <= {h.document_id for h in by_words}
        assert found[0].document_id in {
            h.document_id for h in by_words if h.score == by_words[0].score
        }

    def test_a_zero_vector_is_near_nothing(self, filled: tuple[Index, Oracle]) -> None:
        zero = np.zeros(DIMENSION, dtype=np.float32)
        assert filled[0].search_vector(zero, limit=5, where=Filter()) == []

    def test_a_vector_of_another_encoder_is_refused(self, filled: tuple[Index, Oracle]) -> None:
        with pytest.raises(DataError, match="another encoder"):
            filled[0].search_vector(np.ones(5, dtype=np.float32), limit=5, where=Filter())

    def test_an_index_without_vectors_says_so(self, tmp_path: Path) -> None:
        index = self.empty(tmp_path / "idx", with_vectors=False)
        with pytest.raises(DataError, match="no vectors"):
            index.search_vector(np.ones(DIMENSION, dtype=np.float32), limit=5, where=Filter())

    def test_documents_come_back_as_they_were(self, filled: tuple[Index, Oracle]) -> None:
        assert_same_documents(*filled)

    def test_every_field_of_a_document_comes_back(self, tmp_path: Path) -> None:
        index = self.empty(tmp_path / "idx", with_vectors=False)
        full = make_entry(
            "a/1 é", [["fever"]], kind="articles", title="T\tü", year=-5, source="s", url="u",
            licence="l", sex="F", age_years=0.25, mesh=("m", "n"), publication_types=("p",),
            retracted=True,
        )  # fmt: skip
        bare = make_entry("b", [])
        index.upsert([full, bare])
        assert index.read(["b", "a/1 é"]) == {"a/1 é": full.document, "b": bare.document}
        assert index.count(Filter()) == 2

    def test_it_says_what_it_holds(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        made = index.describe()
        assert made["documents"] == {
            kind: len(oracle.documents(Filter(kind=kind))) for kind in ("patients", "articles")
        }
        assert made["created"]
        assert made["encoder"]["dimension"] == DIMENSION
        assert index.status().items() >= made.items()

    def test_terms_are_counted(self, filled: tuple[Index, Oracle]) -> None:
        assert_same_frequencies(*filled)

    def test_the_same_id_again_replaces(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        entries = random_entries(99, 20, first=50, with_vectors=True, max_passages=2)
        assert index.upsert(entries) == oracle.upsert(entries) == 10
        assert_same(index, oracle, with_vectors=True)

    @pytest.mark.parametrize("kinds", [("patients", "articles"), ("articles", "patients")])
    def test_a_replacement_with_fewer_passages_and_another_kind_leaves_nothing(
        self, tmp_path: Path, kinds: tuple[str, str]
    ) -> None:
        index, oracle = self.empty(tmp_path / "idx", with_vectors=True), Oracle()
        rng = np.random.default_rng(0)
        before = make_entry(
            "d", [["fever"], ["rash"], ["ataxia"]], vectors=unit_vectors(rng, 3), kind=kinds[0]
        )
        after = make_entry("d", [["cough", "rash"]], vectors=unit_vectors(rng, 1), kind=kinds[1])
        for entry in (before, after):
            index.upsert([entry])
            oracle.upsert([entry])
            assert_same(index, oracle, with_vectors=True)
        assert index.frequencies([TERMS["fever"], TERMS["rash"]], kind=None) == [0, 1]

    def test_of_equal_ids_in_one_call_the_last_stays(self, tmp_path: Path) -> None:
        index, oracle = self.empty(tmp_path / "idx", with_vectors=False), Oracle()
        entries = [make_entry("d", [["fever"], ["rash"]]), make_entry("d", [["cough"]])]
        assert index.upsert(entries) == 0
        oracle.upsert(entries[1:])
        assert_same(index, oracle, with_vectors=False)

    def test_what_is_deleted_is_gone(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        gone = [f"d{n}" for n in range(0, 60, 3)]
        assert index.delete([*gone, "not there", gone[0]]) == oracle.delete(gone) == 20
        assert_same(index, oracle, with_vectors=True)
        assert index.delete(gone) == 0
        assert index.delete([]) == 0
        assert index.delete(f"d{n}" for n in range(60)) == 40
        assert_same(index, Oracle(), with_vectors=True)

    def test_an_index_that_was_closed_answers_the_same(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        index.delete(["d1"])
        oracle.delete(["d1"])
        assert_same(self.again(self.again(index)), oracle, with_vectors=True)

    def test_a_snapshot_opens_on_its_own(
        self, filled: tuple[Index, Oracle], tmp_path: Path
    ) -> None:
        index, oracle = filled
        index.snapshot(tmp_path / "copy")
        index.delete(oracle.entries)
        copy = self.opened(tmp_path / "copy")
        assert_same(copy, oracle, with_vectors=True)
        assert copy.delete(["d1"]) == 1
        copy.close()
        assert index.count(Filter()) == 0

    def test_a_passage_without_words_is_kept_and_not_found_by_words(self, tmp_path: Path) -> None:
        index = self.empty(tmp_path / "idx", with_vectors=True)
        vector = unit_vectors(np.random.default_rng(0), 1)
        index.upsert([make_entry("d", [["..."]], vectors=vector)])
        assert index.search_words(ALL_TERMS, limit=5, where=Filter()) == []
        assert len(index.search_vector(vector[0], limit=5, where=Filter())) == 1
        assert (index.count(Filter()), index.count_passages()) == (1, 1)

    def test_the_status_counts(self, filled: tuple[Index, Oracle]) -> None:
        index, oracle = filled
        status = index.status()
        for kind in ("patients", "articles"):
            assert status["documents"][kind] == len(oracle.documents(Filter(kind=kind)))
        assert status["passages"] == len(oracle.passages())
        years = [d.year for d in oracle.documents(Filter()).values() if d.year is not None]
        assert status["years"] == {str(year): years.count(year) for year in sorted(set(years))}
