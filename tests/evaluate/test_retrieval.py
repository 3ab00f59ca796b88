"""Reading queries and judgements, running searches, reporting."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from medllm.errors import DataError
from medllm.evaluate.measures import MEASURES
from medllm.evaluate.retrieval import (
    evaluate_retrieval,
    evaluate_run,
    read_qrels,
    read_queries,
    write_run,
)

MED = Path(__file__).parents[2] / ".." / "shared" / "data" / "retrieval" / "med"
QUERIES = {"q1": "fever after travel", "q2": "painless jaundice", "q3": "sudden deafness"}
QRELS = {"q1": {"a": 1}, "q2": {"b": 2, "c": 1}, "q3": {"d": 1}}


def search(query_id, text):
    found = {"q1": {"a": 2.0, "z": 1.0}, "q2": {"z": 3.0, "b": 2.0}, "q3": {}}
    assert text == QUERIES[query_id]
    return found[query_id]


def file_of(tmp_path, text, name="file"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_search_is_scored_query_by_query():
    result = evaluate_retrieval(search, QUERIES, QRELS, mode="bm25")
    report = result.report
    assert report.per_query["q1"]["MRR"] == 1.0
    assert report.per_query["q2"]["MRR"] == 0.5
    assert report.measures["MRR"].mean == pytest.approx((1 + 0.5 + 0) / 3)
    assert (report.n_queries, report.n_without_results, report.mode) == (3, 1, "bm25")
    assert result.run["q2"] == {"z": 3.0, "b": 2.0}
    assert result.seconds.keys() == QUERIES.keys()
    assert list(report.measures) == ["MRR", "P@10", "nDCG@10", "R@100", "R@1000"]


def test_every_mean_has_its_interval():
    for interval in evaluate_retrieval(search, QUERIES, QRELS).report.measures.values():
        assert 0 <= interval.low <= interval.mean <= interval.high <= 1
        assert interval.n == 3


def test_a_query_without_results_counts_zero_and_is_noted():
    report = evaluate_run({"q1": {"a": 1.0}}, QRELS)
    assert report.n_without_results == 2
    assert report.measures["MRR"].mean == pytest.approx(1 / 3)
    assert "queries that found nothing, each counted 0: 2" in report.notes


def test_a_judged_query_without_a_text_counts_zero_and_is_noted():
    report = evaluate_retrieval(search, {"q1": QUERIES["q1"]}, QRELS).report
    assert (report.n_queries, report.n_missing, report.n_without_results) == (3, 2, 2)
    assert report.measures["R@100"].mean == pytest.approx(1 / 3)
    assert report.notes == ("judged queries without a text, each counted 0: 2",)


def test_a_query_without_judgements_is_neither_searched_nor_scored():
    report = evaluate_retrieval(search, QUERIES, {"q1": {"a": 1}}).report
    assert (report.n_queries, report.n_unjudged) == (1, 2)
    assert report.per_query.keys() == {"q1"}


def test_a_query_without_a_relevant_document_counts_zero_and_is_noted():
    report = evaluate_run({"q1": {"a": 1.0}}, {"q1": {"a": 1}, "q2": {"b": 0}})
    assert report.n_without_relevant == 1
    assert "queries without a relevant document, each counted 0: 1" in report.notes


def test_the_document_that_is_the_query_itself_is_left_out_and_counted():
    report = evaluate_run({"q1": {"q1": 9.0, "a": 1.0}, "q2": {"q2": 1.0}}, QRELS)
    assert report.per_query["q1"]["MRR"] == 1.0
    assert report.n_own_left_out == 2
    assert report.n_without_results == 2


def test_a_corpus_that_was_not_judged_is_suspected():
    report = evaluate_run({"q1": {"other": 1.0}}, {"q1": {"a": 1}})
    assert "no relevant document was found at all" in report.notes[0]


def test_queries_and_judgements_of_two_collections_are_an_error():
    with pytest.raises(DataError, match="none of the 3 judged queries") as caught:
        evaluate_retrieval(search, {"other": "text"}, QRELS)
    assert "ids must match" in caught.value.hint


def test_no_judgements_are_an_error():
    with pytest.raises(DataError, match="no judged queries"):
        evaluate_run({}, {})


def test_progress_counts_the_queries_done_and_to_do():
    calls = []
    evaluate_retrieval(search, QUERIES, QRELS, progress=lambda *done: calls.append(done))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_queries_are_read_in_the_order_of_the_file(tmp_path):
    text = '\ufeff{"_id": "b", "text": "one"}\r\n\n{"_id": 7, "text": "two", "metadata": {}}\n'
    assert list(read_queries(file_of(tmp_path, text)).items()) == [("b", "one"), ("7", "two")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no queries"),
        ('{"_id": "a", "text": "x"}\nSECRET\n', ":2: not a line of JSON"),
        ('["SECRET"]', ":1: not a JSON object"),
        ('{"text": "SECRET"}', ':1: the field "_id" is missing'),
        ('{"_id": true, "text": "SECRET"}', ':1: the field "_id" is missing'),
        ('{"_id": "SECRET"}', ':1: the field "text" is missing'),
        ('{"_id": "SECRET", "text": "  "}', ':1: the field "text" is missing'),
        ('{"_id": "SECRET", "text": "x"}\n' * 2, ":2: the query id of this line occurs before"),
        ("[" * 100_000, ":1: not a line of JSON"),
        (b"\xff\xfe\x00SECRET", "is not UTF-8 text"),
    ],
)
def test_bad_queries_are_named_by_file_and_line_and_never_shown(tmp_path, text, problem):
    with pytest.raises(DataError) as caught:
        read_queries(file_of(tmp_path, text))
    assert problem in str(caught.value)
    assert "SECRET" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq1\ta b\t1\nq1\tc\t-1\nq2\ta b\t2\n",
        "q1\ta b\t1\nq1\tc\t-1\nq2\ta b\t2\n",
        "q1\t0\ta b\t1\r\nq1\t0\tc\t-1\r\n\r\nq2\t0\ta b\t2\r\n",
        "query_id\tdoc_id\trelevance\nq1\ta b\t1\nq1\ta b\t1\nq1\tc\t-1\nq2\ta b\t2",
    ],
)
def test_judgements_are_read_with_and_without_a_header_in_three_or_four_columns(tmp_path, text):
    expected = {"q1": {"a b": 1, "c": -1}, "q2": {"a b": 2}}
    assert read_qrels(file_of(tmp_path, text)) == expected


def test_a_first_line_of_data_is_no_header_whatever_its_query_is_called(tmp_path):
    assert read_qrels(file_of(tmp_path, "query7\td1\t1\n")) == {"query7": {"d1": 1}}


def test_trec_judgements_may_be_separated_by_spaces(tmp_path):
    assert read_qrels(file_of(tmp_path, "1 0 d1  1\n1 Q0 d2 0\n")) == {"1": {"d1": 1, "d2": 0}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("query-id\tcorpus-id\tscore\n", "holds no judgements"),
        ("q1\td1\n", ":1: not three or four columns"),
        ("q1\t\t1\n", ":1: not three or four columns"),
        ("q1 0 d1 1 SECRET\n", ":1: not three or four columns"),
        ("q1\td1\t1\nq1\td2\tSECRET\n", ":2: the grade is not a whole number"),
        ("q1\td1\tSECRET\n", ":1: the grade is not a whole number"),
        ("q1\td1\t1\nquery-id\tcorpus-id\tscore\n", ":2: the grade is not a whole number"),
        ("q1\tSECRET\t1\nq1\tSECRET\t2\n", ":2: the document of this line is judged before"),
        (b"\x00\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_bad_judgements_are_named_by_file_and_line_and_never_shown(tmp_path, text, problem):
    with pytest.raises(DataError) as caught:
        read_qrels(file_of(tmp_path, text))
    assert problem in str(caught.value)
    assert "SECRET" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("read", [read_queries, read_qrels])
def test_a_file_that_is_absent_or_a_folder_is_a_clear_error(tmp_path, read):
    with pytest.raises(DataError, match="cannot read .*: no such file"):
        read(tmp_path / "absent")
    with pytest.raises(DataError, match="cannot read .*: is a directory"):
        read(tmp_path)


documents = st.dictionaries(
    st.text(alphabet="abc1é", min_size=1), st.integers(-5, 5), min_size=1, max_size=5
)


@given(qrels=st.dictionaries(st.text(alphabet="pq1", min_size=1), documents, min_size=1))
def test_judgements_written_as_beir_are_read_back_equal(tmp_path_factory, qrels):
    lines = [f"{q}\t{d}\t{grade}" for q, graded in qrels.items() for d, grade in graded.items()]
    text = "\n".join(["query-id\tcorpus-id\tscore", *lines])
    assert read_qrels(file_of(tmp_path_factory.mktemp("qrels"), text)) == qrels


def test_a_run_is_written_best_first_as_json(tmp_path):
    path = tmp_path / "run.json"
    write_run(path, {"q1": {"a": 1.0, "b": 2.0}, "q2": {}})
    assert path.read_text() == '{"q1": {"b": 2.0, "a": 1.0}, "q2": {}}\n'


def test_a_run_that_cannot_be_written_is_a_clear_error(tmp_path):
    with pytest.raises(DataError, match="cannot write"):
        write_run(tmp_path / "absent" / "run.json", {"q1": {"a": 1.0}})


def word_overlap(corpus):
    """A search by idf-weighted shared words: crude, deterministic, and full of ties."""
    words = {document: set(text.split()) for document, text in corpus.items()}
    n_holding = Counter(word for held in words.values() for word in held)

    def found(_query_id, text):
        asked = set(text.split())
        scored = {
            document: round(sum(math.log(len(corpus) / n_holding[w]) for w in asked & held), 1)
            for document, held in words.items()
        }
        return {document: score for document, score in scored.items() if score > 0}

    return found


@pytest.mark.real_data
@pytest.mark.skipif(not MED.is_dir(), reason="../shared/data/retrieval/med is absent")
def test_a_real_run_scores_as_trec_eval_scores_it():
    lines = (MED / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    corpus = {record["_id"]: record["text"] for record in map(json.loads, lines)}
    queries, qrels = read_queries(MED / "queries.jsonl"), read_qrels(MED / "qrels.tsv")
    assert (len(queries), sum(map(len, qrels.values()))) == (30, 696)
    result = evaluate_retrieval(word_overlap(corpus), queries, qrels)
    run = {q: {d: s for d, s in found.items() if d != q} for q, found in result.run.items()}
    names = {"recip_rank", "P.10", "ndcg_cut.10", "recall.100,1000"}
    oracle = pytrec_eval.RelevanceEvaluator(qrels, names).evaluate(run)
    trec_names = ("recip_rank", "P_10", "ndcg_cut_10", "recall_100", "recall_1000")
    assert 0.3 < result.report.measures["nDCG@10"].mean < 0.9
    assert result.report.measures["MRR"].method == "bca"
    for query_id, expected in oracle.items():
        ours = result.report.per_query[query_id]
        for name, trec_name in zip(MEASURES, trec_names, strict=True):
            assert ours[name] == pytest.approx(expected[trec_name], abs=1e-9)
