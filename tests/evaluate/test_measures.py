"""The measures against pytrec_eval, which is trec_eval itself compiled for Python."""

import random

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.errors import DataError
from medllm.evaluate.measures import MEASURES, ndcg, precision, ranked, recall, score_query

TREC_NAMES = {
    "MRR": "recip_rank",
    "P@10": "P_10",
    "nDCG@10": "ndcg_cut_10",
    "R@100": "recall_100",
    "R@1000": "recall_1000",
}
ORACLE_NAMES = {"recip_rank", "P.10", "ndcg_cut.10", "recall.100,1000"}

ids = st.text(alphabet="abzABZ09-_é中", min_size=1, max_size=4)
# Few scores make ties; neighbours of 0.1 are different as doubles and the same as C floats.
scores = st.one_of(
    st.sampled_from([0.0, -0.0, 0.1, 0.1 + 1e-12, 1.0, -1.0, 2.5]),
    st.floats(min_value=-1e6, max_value=1e6, allow_nan=False),
)


def assert_equal_to_trec_eval(run, qrels):
    oracle = pytrec_eval.RelevanceEvaluator(qrels, ORACLE_NAMES).evaluate(run)
    assert oracle.keys() == run.keys() & qrels.keys()
    for query_id, expected in oracle.items():
        ours = score_query(run[query_id], qrels[query_id])
        for name in MEASURES:
            assert ours[name] == pytest.approx(expected[TREC_NAMES[name]], abs=1e-9), name


@settings(max_examples=300, deadline=None)
@given(
    run=st.dictionaries(ids, scores, min_size=1, max_size=40),
    relevance=st.dictionaries(ids, st.integers(-1, 4), min_size=1, max_size=40),
)
def test_any_query_scores_as_trec_eval_scores_it(run, relevance):
    assert_equal_to_trec_eval({"q": run}, {"q": relevance})


def test_a_thousand_random_queries_with_ties_score_as_trec_eval_scores_them():
    generator = random.Random(7)
    documents = [f"d{number}" for number in range(1500)]
    run, qrels = {}, {}
    for number in range(1000):
        found = generator.sample(documents, generator.choice([1, 5, 40, 200]))
        run[f"q{number}"] = {d: round(generator.random(), 1) for d in found}
        judged = generator.sample(documents, 20) + generator.sample(found, min(3, len(found)))
        qrels[f"q{number}"] = {d: generator.choice([-1, 0, 1, 1, 2, 3]) for d in judged}
    run["q0"] = {d: generator.random() for d in documents}  # deeper than the deepest cutoff
    assert_equal_to_trec_eval(run, qrels)


def test_ties_are_broken_by_document_id_from_the_last_to_the_first():
    assert ranked({"a": 1.0, "c": 1.0, "b": 1.0, "d": 0.5}) == ["c", "b", "a", "d"]


def test_scores_that_differ_only_beyond_a_c_float_are_ties():
    assert ranked({"a": 0.1 + 1e-12, "b": 0.1}) == ["b", "a"]


def test_a_score_beyond_a_c_float_is_infinite_and_not_an_error():
    assert ranked({"a": 1e300, "b": 1.0, "c": -1e300}) == ["a", "b", "c"]


def test_a_score_that_is_not_a_number_is_an_error():
    with pytest.raises(DataError, match="not a number"):
        ranked({"a": 1.0, "b": float("nan")})


def test_precision_divides_by_k_even_where_fewer_came_back():
    assert precision(["a"], {"a": 1}, k=10) == 0.1


def test_recall_and_ndcg_of_a_query_without_relevant_documents_are_zero():
    assert recall(["a"], {"a": 0, "b": -1}, k=100) == 0.0
    assert ndcg(["a"], {"a": 0, "b": -1}, k=10) == 0.0


def test_a_better_grade_gains_in_proportion():
    ranking, relevance = ["b", "a"], {"a": 3, "b": 1}
    # (1/log2(2) + 3/log2(3)) / (3/log2(2) + 1/log2(3))
    assert ndcg(ranking, relevance, k=10) == pytest.approx(0.7967075809905065)


def test_no_results_score_zero():
    assert set(score_query({}, {"a": 1}).values()) == {0.0}


def test_the_document_that_is_the_query_itself_is_left_out():
    run, relevance = {"q": 9.0, "a": 1.0}, {"a": 1}
    assert score_query(run, relevance, query_id="q")["MRR"] == 1.0
    assert score_query(run, relevance)["MRR"] == 0.5
