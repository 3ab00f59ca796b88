"""What a Llama is made of, read from its config.json; what is no Llama is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medllm.errors import ModelError
from medllm.models.hf_folder import read_config

RopeKind = Literal["default", "linear", "llama3"]

_ELSEWHERE = "serve the model's folder with vLLM instead, see docs/deploy.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rope:
    """How positions turn queries and keys, and how a longer context stretches that."""

    base: float
    kind: RopeKind = "default"
    factor: float = 1.0
    low_factor: float = 1.0
    high_factor: float = 4.0
    original_context: int = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a Llama."""

    n_layers: int
    hidden: int
    intermediate: int
    n_heads: int
    n_kv_heads: int
    head_size: int
    vocab_size: int
    context_tokens: int
    norm_epsilon: float
    rope: Rope
    is_tied: bool
    """Whether tokens are read and written with one matrix."""


def read_shape(folder: Path) -> Shape:
    """Read a model folder's shape; raise `ModelError` for what cannot be written as a Llama."""
    config = read_config(folder)
    _refuse_others(config)
    try:
        n_heads, hidden = int(config["num_attention_heads"]), int(config["hidden_size"])
        return Shape(
            n_layers=int(config["num_hidden_layers"]),
            hidden=hidden,
            intermediate=int(config["intermediate_size"]),
            n_heads=n_heads,
            n_kv_heads=int(config.get("num_key_value_heads") or n_heads),
            head_size=int(config.get("head_dim") or hidden // n_heads),
            vocab_size=int(config["vocab_size"]),
            context_tokens=int(config["max_position_embeddings"]),
            norm_epsilon=float(config.get("rms_norm_eps", 1e-6)),
            rope=_rope(config),
            is_tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as exc:
        raise ModelError(
            f"{folder / 'config.json'} does not give the sizes of a Llama",
            hint="fetch the model again",
        ) from exc


def _refuse_others(config: dict[str, Any]) -> None:
    kind = str(config.get("model_type") or "unnamed")
    if kind != "llama":
        raise ModelError(
            f"this is a {kind} model, and only Llamas are written as GGUF here", hint=_ELSEWHERE
        )
    if config.get("quantization_config"):
        raise ModelError(
            "the weights of this model are quantised already: a GGUF made of them would be worse",
            hint="export the model that they were made from",
        )
    unlike = {
        "attention_bias": "its attention has biases",
        "mlp_bias": "its feed-forward layers have biases",
        "num_local_experts": "it is a mixture of experts",
    }
    for key, reason in unlike.items():
        if config.get(key):
            raise ModelError(f"llama.cpp's Llama cannot hold this model: {reason}", hint=_ELSEWHERE)
    if config.get("hidden_act", "silu") not in ("silu", "swish"):
        raise ModelError(
            f"llama.cpp's Llama has SiLU, and this model {config['hidden_act']}", hint=_ELSEWHERE
        )


def _rope(config: dict[str, Any]) -> Rope:
    """Give the rope of either form of config: transformers 5's `rope_parameters` or the older."""
    new = config.get("rope_parameters") or {}
    scaling = new or config.get("rope_scaling") or {}
    base = float(new.get("rope_theta") or config.get("rope_theta") or 10_000.0)
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    if float(scaling.get("partial_rotary_factor") or 1.0) != 1.0:
        raise ModelError("this model turns only a part of each head", hint=_ELSEWHERE)
    if kind == "default":
        return Rope(base=base)
    if kind == "linear":
        return Rope(base=base, kind="linear", factor=float(scaling["factor"]))
    if kind != "llama3":
        raise ModelError(
            f"rope scaling of the kind {kind} is not written as GGUF here", hint=_ELSEWHERE
        )
    return Rope(
        base=base,
        kind="llama3",
        factor=float(scaling["factor"]),
        low_factor=float(scaling["low_freq_factor"]),
        high_factor=float(scaling["high_freq_factor"]),
        original_context=int(scaling["original_max_position_embeddings"]),
    )
