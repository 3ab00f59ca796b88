"""An adapter into its base: one model folder, checked against the model that was trained."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Literal

from medllm.errors import ConfigError, DataError, MissingExtraError, ModelError, extra
from medllm.files import read_json, write_json
from medllm.models.hf import add_trained_adapter
from medllm.models.hf_folder import FACTS, be_quiet, load_tokenizer, load_weights
from medllm.models.hf_parts import Parts, find_parts
from medllm.tune.folders import save_model
from medllm.tune.methods import quantisation
from medllm.tune.templates import Template, choose_template, prepare_tokenizer

Through = Literal["original", "dequantised"]

_PROBE = "A patient has had fever, cough and chest pain for three days. What should be done?"
_MOST_DIFFERENCE = 0.5
"""Of logits. Rounding to bfloat16 moves them by about 0.1; more than this is another model."""


def merge(name: str, to: Path, *, through: Through = "original", dtype: str = "auto") -> Any:
    """Merge the adapter of `name` (a run folder, or BASE+ADAPTER) and write a model folder.

    `through` says what the adapter is added to: the base as it was published, or, for an adapter
    that was trained on a base in 4 or 8 bits, that base with its weights written out, which is
    nearer to what was trained. An adapter is never merged into quantised weights: they cannot hold
    it.

    Gives the largest difference of logits between base with adapter and what was written, read
    back from disk; for one of a quantised base also that to the model as it was in training.
    Raises `ModelError` where that is too large.
    """
    if to.exists() and any(to.iterdir()):
        raise DataError(f"{to} is not empty", hint="name a folder that does not exist yet")
    parts = find_parts(name)
    if parts.adapter is None:
        raise ModelError(f"{name} has no adapter to merge", hint="name a run folder")
    be_quiet()
    tokenizer = load_tokenizer(parts.tokenizer)
    template = _template(parts, tokenizer)
    prepare_tokenizer(tokenizer, template)
    ids = _probe(tokenizer)
    base = _load_base(parts, through, dtype)
    is_tied = bool(getattr(base.config, "tie_word_embeddings", False))
    trained = add_trained_adapter(base, parts.adapter).eval()
    before = _logits(trained, ids)
    merged = trained.merge_and_unload(safe_merge=True)
    if is_tied:
        merged.tie_weights()
    save_model(merged, tokenizer, template, to, parts.base)
    write_json(to / FACTS, _facts(parts, through))
    difference = float((_logits(load_weights(to, dtype=dtype), ids) - before).abs().max())
    if not difference <= _MOST_DIFFERENCE:
        raise ModelError(
            f"the merged model in {to} differs from the trained one by {difference:.2g} in its "
            "logits: do not use it",
            hint="merge with --dtype float32",
        )
    found = {"folder": str(to), "through": through, "max_logit_difference": difference}
    if _bits(parts) and is_installed("bitsandbytes"):
        as_trained = add_trained_adapter(_load_quantised(parts, dtype), parts.adapter)
        after = _logits(load_weights(to, dtype=dtype), ids)
        found["difference_to_trained"] = float((_logits(as_trained, ids) - after).abs().max())
    return found


def is_installed(package: str) -> bool:
    """Tell whether a package is there, without loading it."""
    return importlib.util.find_spec(package) is not None


def _template(parts: Parts, tokenizer: Any) -> Template:
    """Give the template that the adapter was trained with."""
    facts = parts.adapter / FACTS if parts.adapter else Path()
    name = str(read_json(facts).get("template", "auto")) if facts.is_file() else "auto"
    return choose_template(name, tokenizer)


def _load_base(parts: Parts, through: Through, dtype: str) -> Any:
    if through == "original":
        return load_weights(parts.base, dtype=dtype)
    if not _bits(parts):
        raise ConfigError(
            f"the adapter in {parts.adapter} was not trained on a quantised base",
            hint="leave --through away",
        )
    if not is_installed("bitsandbytes"):
        raise MissingExtraError(
            "merging through the quantised base needs the package bitsandbytes",
            hint='pip install -c constraints.txt "medllm[quantise]"',
        )
    return _load_quantised(parts, dtype).dequantize()


def _load_quantised(parts: Parts, dtype: str) -> Any:
    """Give the base in 4 or 8 bits, as `methods.load_base` has it in training."""
    bits = _bits(parts)
    assert bits is not None
    return load_weights(parts.base, dtype=dtype, quantization_config=quantisation(bits))


def _bits(parts: Parts) -> Literal["8bit", "4bit"] | None:
    """Tell in how many bits the base was when the adapter was trained; None for all of them."""
    facts = read_json(parts.adapter / FACTS) if parts.adapter else {}
    found = facts.get("quantise")
    return found if found in ("8bit", "4bit") else None


def _probe(tokenizer: Any) -> Any:
    with extra("train"):
        import torch
    messages = [{"role": "user", "content": _PROBE}]
    found = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    return torch.tensor([list(found["input_ids"])])


def _logits(model: Any, ids: Any) -> Any:
    with extra("train"):
        import torch
    with torch.inference_mode():
        return model.eval()(input_ids=ids.to(model.device), use_cache=False).logits.float().cpu()


def _facts(parts: Parts, through: Through) -> dict[str, Any]:
    known = read_json(parts.adapter / FACTS) if parts.adapter else {}
    return {**known, "kind": "merged", "through": through}
