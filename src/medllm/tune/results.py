"""What a run leaves: an adapter that says which base it belongs to, or a whole model."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medllm.files import disk_errors, read_json, write_json
from medllm.models.hf_folder import FACTS, digest_base
from medllm.tune.folders import save_model, save_tokenizer
from medllm.tune.templates import Template, stop_ids

ADAPTER, MODEL = "adapter", "model"
_FORMAT = 1
_VLLM_RANK = 16
"""The largest rank that vLLM takes unless it is told otherwise."""


def save_result(
    model: Any,
    tokenizer: Any,
    template: Template,
    *,
    base: Path,
    quantise: str,
    initial: Path | None,
    run: Path,
    weights: Mapping[str, Any] | None = None,
) -> Path:
    """Write `adapter/` or, where every weight was trained, `model/`; give its folder.

    It appears under its name only when it is whole. `initial` is the adapter that PiSSA began
    with: the result is written as an ordinary LoRA of twice the rank, for the unchanged base.
    `weights` are those of a model whose own are spread over several devices.
    """
    is_adapter = hasattr(model, "peft_config")
    to = run / (ADAPTER if is_adapter else MODEL)
    facts = describe_result(tokenizer, template, base, is_adapter=is_adapter)
    part = run / f".{to.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    with disk_errors(str(to)):
        if is_adapter:
            _save_adapter(model, initial, part, weights)
            save_tokenizer(tokenizer, template, part, base)
            facts["vllm"] = vllm_says(read_json(part / "adapter_config.json"))
        else:
            save_model(model, tokenizer, template, part, base, weights=weights)
        write_json(part / FACTS, {**facts, "quantise": quantise})
        shutil.rmtree(to, ignore_errors=True)
        part.rename(to)
    return to


def _save_adapter(
    model: Any, initial: Path | None, to: Path, weights: Mapping[str, Any] | None
) -> None:
    if initial is None:
        model.save_pretrained(to, state_dict=weights)
    else:
        model.save_pretrained(to, path_initial_model_for_weight_conversion=str(initial))
    (to / "README.md").unlink(missing_ok=True)  # peft's, with nothing in it but headings


def vllm_says(config: Mapping[str, Any]) -> str:
    """Say what vLLM has against an adapter as it is, by its adapter_config.json; empty: nothing.

    Its `PEFTHelper` refuses DoRA and whole modules; it knows no trained tokens.
    """
    if config.get("use_dora") or config.get("modules_to_save"):
        return "refuses it: merge first"
    if config.get("trainable_token_indices"):
        return "refuses its trained tokens: merge first"
    rank = int(config["r"])
    return f"needs --max-lora-rank {rank}" if rank > _VLLM_RANK else ""


def describe_result(
    tokenizer: Any, template: Template, base: Path, *, is_adapter: bool
) -> dict[str, Any]:
    """Give what must be known to use the result: base, template, stop tokens."""
    ids = stop_ids(tokenizer, template)
    return {
        "format": _FORMAT,
        "kind": "adapter" if is_adapter else "model",
        "base": str(base),
        "base_digest": digest_base(base),
        "template": template.name,
        "reasoning": template.reasoning,
        "stop_tokens": [tokenizer.convert_ids_to_tokens(one) for one in ids],
        "stop_ids": list(ids),
        "pad_id": tokenizer.pad_token_id,
    }
