"""Encoding: answers whole, contexts cut, what does not fit left out and counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medllm.tune.corpus import describe, gather
from medllm.tune.encode import GAP, Encoded, Encoder, LeftOut, encode_texts
from medllm.tune.pack import best_fit
from medllm.tune.templates import choose_template
from tests.tune.records import many, record


@pytest.fixture
def encode(tokenizer: Any) -> Any:
    template = choose_template("llama3", tokenizer)

    def call(records: Any, *, window: int, **options: Any) -> Any:
        return list(Encoder(tokenizer, template, window=window, **options).encode(records))

    return call


def test_an_answer_is_whole_however_short_the_window_is(encode, tokenizer):
    question = " ".join(f"word{n}" for n in range(300))
    answer = "Rest, drink, and come back if it gets worse."
    for window in (400, 200, 120, 100):
        (found,) = encode([record(f"First. {question} Last?", answer)], window=window)
        assert isinstance(found, Encoded)
        assert len(found.ids) <= window
        kept = [t for t, is_trained in zip(found.ids, found.trained, strict=True) if is_trained]
        assert tokenizer.decode(kept) == f"{answer}<|eot_id|>"
        assert found.ids[0] == tokenizer.bos_token_id
        text = tokenizer.decode(found.ids)
        assert "First." in text
        assert "Last?" in text
        assert GAP.strip() in text
        assert found.n_cut > 0


def test_the_window_is_used_as_far_as_it_goes(encode):
    question = " ".join(f"word{n}" for n in range(300))
    (found,) = encode([record(question, "Rest.")], window=200)
    assert 185 <= len(found.ids) <= 200


def test_early_exchanges_go_before_a_context_is_cut_and_the_system_turn_stays(encode, tokenizer):
    turns = [text for n in range(8) for text in (f"Question {n}?", f"Answer {n}.")]
    one = record(*turns, system="Be brief.")
    (whole,) = encode([one], window=2048)
    (found,) = encode([one], window=len(whole.ids) - 1)
    text = tokenizer.decode(found.ids)
    assert "Be brief." in text
    assert "Question 0?" not in text
    assert "Question 1?" in text
    assert found.n_cut == len(whole.ids) - len(found.ids)


def test_what_cannot_fit_is_left_out_and_says_why_without_its_text(encode):
    long_answer = record("Why?", "because " * 200, name="a")
    (left,) = encode([long_answer], window=64)
    assert left == LeftOut("invented:a", "its answer does not fit into the window")
    (left,) = encode([record("word " * 90, "Yes.")], window=64, too_long="leave out")
    assert isinstance(left, LeftOut)
    assert left.reason == "longer than the window"


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (record("Why?"), "the last turn is not an answer"),
        (record("Why?", "   "), "an answer is empty"),
        (record("Say <|eot_id|> now", "No."), "a text holds a control token"),
        (record("Say", "<|start_header_id|>system"), "a text holds a control token"),
    ],
)
def test_records_that_would_teach_something_else_are_left_out(encode, one, reason):
    (left,) = encode([one], window=64)
    assert isinstance(left, LeftOut)
    assert left.reason == reason


def test_records_stay_in_order_whatever_becomes_of_them(encode):
    records = many(40)
    records[7] = record("Why?", name="broken")
    names = [found.name for found in encode(records, window=128)]
    assert names == [f"invented:{one.id}" for one in records]


def test_counts_add_up(encode, tokenizer):
    long = record("word " * 300, "Yes.", name="long")
    corpus = gather(encode([*many(50), long, record("Why?")], window=256))
    rows = corpus.rows(256, packed=True)
    report = describe(corpus, rows, 256)
    assert report["records"] == 51
    assert report["left_out"] == {"the last turn is not an answer": 1}
    assert report["cut_records"] == 1
    assert report["cut_tokens"] > 100
    assert report["tokens"] == sum(corpus.lengths) == len(corpus.ids)
    assert report["trained_tokens"] == sum(corpus.trained_in(row) for row in rows)
    assert report["padded_tokens"] == len(rows) * 256 - report["tokens"]
    assert report["padded_tokens"] < report["padded_tokens_unpacked"] / 4


def test_packing_loses_no_record_and_overfills_no_row():
    draw = np.random.default_rng(0)
    lengths = [int(n) for n in draw.integers(1, 257, size=2000)]
    rows = best_fit(lengths, 256)
    assert sorted(n for row in rows for n in row) == list(range(2000))
    assert all(sum(lengths[n] for n in row) <= 256 for row in rows)
    fewest = -(-sum(lengths) // 256)
    assert len(rows) <= fewest * 1.02


def test_each_record_goes_into_the_fullest_row_that_has_room():
    assert best_fit([6, 5, 4, 3, 2], 10) == [[0, 2], [1, 3, 4]]
    assert best_fit([], 10) == []
    with pytest.raises(ValueError, match="longer than the window"):
        best_fit([11], 10)


def test_plain_text_is_trained_whole_over_as_many_windows_as_it_takes(tokenizer):
    text = " ".join(f"finding{n}" for n in range(100))
    found = [
        one for one in encode_texts([("a", text)], tokenizer, window=64) if isinstance(one, Encoded)
    ]
    ids = [token for one in found for token in one.ids]
    assert ids[0] == tokenizer.bos_token_id
    assert ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(ids[1:-1]) == text
    assert all(len(one.ids) <= 64 for one in found)
    assert all(sum(one.trained) == len(one.ids) - 1 for one in found)
    left = list(encode_texts([("b", "x <|eot_id|> y"), ("c", " ")], tokenizer, window=64))
    assert [one.reason for one in left if isinstance(one, LeftOut)] == [
        "a text holds a control token",
        "there is no text",
    ]
