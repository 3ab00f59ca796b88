"""A faithful GGUF passes the proof; one with a fault that converters really had does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medllm.export import convert
from medllm.export.quantise import quantise_file
from tests.export.models import LLAMA_3_ROPE, deepseek_tokenizer, make_llama
from tests.export.proving import merged, prove_file, reference_of, write

pytestmark = pytest.mark.usefixtures("llama_cpp")

SHAPES: dict[str, dict[str, Any]] = {
    "Llama 3.2: tied, many keys to one": {
        "template": "llama3.2",
        "tied": True,
        "heads": (4, 1),
        "rope": LLAMA_3_ROPE,
    },
    "R1-Distill in several files": {"template": "deepseek-r1", "max_shard": "200KB"},
    "wide heads, rope stretched evenly": {
        "heads": (2, 2),
        "head_dim": 48,
        "rope": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0},
    },
}


@pytest.mark.parametrize("kind", ["llama3", "llama2", *SHAPES])
def test_a_gguf_has_the_models_own_distributions(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = (
        make_llama(tmp_path / "model", **SHAPES[kind])
        if kind in SHAPES
        else request.getfixturevalue(kind)
    )
    reference = reference_of(str(folder))
    model = merged(folder)
    limits = {"F32": (1e-4, 0.999), "F16": (1e-3, 0.99)}
    for quantisation in ("F16",) if kind in SHAPES else limits:  # benchmarks/export.py has them all
        kl, top1 = limits[quantisation]
        file = write(model, tmp_path / f"{quantisation}.gguf", quantisation)
        proof = prove_file(file, tmp_path, reference)
        assert proof.reasons == ()
        assert proof.passed
        assert proof.mean_kl <= kl
        assert proof.top1 >= top1
        assert proof.n_texts_equal == proof.n_texts == 2000
        assert proof.n_prompts_equal == proof.n_prompts >= 7
        assert proof.n_positions > 200
        assert proof.perplexity == pytest.approx(reference.perplexity, rel=0.01)


def test_fewer_bits_pass_and_cost_more(llama3: Path, tmp_path: Path) -> None:
    reference, model = reference_of(str(llama3), 1), merged(llama3)
    found = {}
    for quantisation in ("F32", "Q8_0"):
        file = write(model, tmp_path / f"{quantisation}.gguf", quantisation)
        found[quantisation] = prove_file(file, tmp_path, reference)
    quantise_file(tmp_path / "F32.gguf", tmp_path / "Q4_K_M.gguf", "Q4_K_M")
    file = replace(file, name="Q4_K_M.gguf", quantisation="Q4_K_M")
    found["Q4_K_M"] = prove_file(file, tmp_path, reference)
    assert all(proof.passed for proof in found.values()), found
    costs = [proof.mean_kl for proof in found.values()]
    assert costs == sorted(costs)
    sizes = [(tmp_path / f"{name}.gguf").stat().st_size for name in found]
    assert sizes == sorted(sizes, reverse=True)


def no_permutation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "interleave", lambda rows, n_heads: rows)


def no_rope_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "rope_factors", lambda rope, head_size: None)


@pytest.mark.parametrize(
    ("break_it", "quantisation"),
    [(no_permutation, "F16"), (no_permutation, "Q8_0"), (no_rope_factors, "F16")],
)
def test_a_fault_in_the_weights_is_found(
    break_it: Any, quantisation: str, llama3: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(monkeypatch)
    file = write(merged(llama3), tmp_path / "x.gguf", quantisation)
    proof = prove_file(file, tmp_path, reference_of(str(llama3), 1))
    assert not proof.passed
    assert any("nats off" in reason for reason in proof.reasons)
    assert proof.n_texts_equal == proof.n_texts, "the fault is in the weights alone"


@pytest.mark.parametrize(
    ("kind", "fault", "reason"),
    [
        ("llama2", {"scores": -1000.0}, "other tokens"),  # what gguf.LlamaHfVocab writes
        ("llama2", {"adds_space": True}, "other tokens"),
        ("llama3", {"pre": "gpt-2"}, "other tokens"),
        ("llama3", {"pre": "qwen2"}, "other tokens"),
        ("llama3", {"template": "{{ messages[0]['content'] }}"}, "other prompts"),
        ("llama3", {"template": ""}, "no chat template"),
        ("llama3", {"template": "{{ nothing.at.all }}"}, "breaks"),
        ("llama3", {"adds_bos": False}, "begin-of-text"),
    ],
)
def test_a_fault_in_the_vocabulary_is_found(
    kind: str,
    fault: dict[str, Any],
    reason: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    folder = request.getfixturevalue(kind)
    model = merged(folder)
    if "scores" in fault:
        fault = {"scores": [fault["scores"]] * len(model.vocabulary.tokens)}
    file = write(model, tmp_path / "x.gguf", vocabulary=replace(model.vocabulary, **fault))
    proof = prove_file(file, tmp_path, reference_of(str(folder), 1))
    assert not proof.passed
    assert any(reason in found for found in proof.reasons), proof.reasons


def test_another_models_file_is_no_proof_of_this_one(
    llama3: Path, llama2: Path, tmp_path: Path
) -> None:
    file = write(merged(llama2), tmp_path / "x.gguf")
    (reason,) = prove_file(file, tmp_path, reference_of(str(llama3), 1)).reasons
    assert "tokens, the model" in reason
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(100))
    (reason,) = prove_file(file, tmp_path, reference_of(str(llama3), 1)).reasons
    assert "cannot read x.gguf" in reason


def test_weights_of_another_seed_are_found(llama3: Path, tmp_path: Path) -> None:
    other = make_llama(tmp_path / "other", rope=LLAMA_3_ROPE, seed=1)
    file = write(merged(other), tmp_path / "x.gguf")
    proof = prove_file(file, tmp_path, reference_of(str(llama3), 1))
    assert any("nats off" in reason for reason in proof.reasons)


def test_an_r1_distill_keeps_its_thinking_tags_readable() -> None:
    vocabulary = read(deepseek_tokenizer())
    number = vocabulary.tokens.index("<think>")
    assert vocabulary.kinds[number] == 4, "defined by its user, so that llama.cpp shows it"


def read(tokenizer: Any) -> Any:
    from medllm.export.vocabulary import read_vocabulary

    return read_vocabulary(tokenizer, len(tokenizer), None)
