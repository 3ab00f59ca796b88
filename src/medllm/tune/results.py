"""What a run leaves: an adapter that says which base it belongs to, or a whole model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from medllm.files import disk_errors, write_json
from medllm.models.hf_folder import FACTS, digest_base
from medllm.tune.folders import save_model, save_tokenizer
from medllm.tune.templates import Template, stop_ids

ADAPTER, MODEL = "adapter", "model"
_FORMAT = 1


def save_result(
    model: Any,
    tokenizer: Any,
    template: Template,
    *,
    base: Path,
    quantise: str,
    initial: Path | None,
    run: Path,
) -> Path:
    """Write `adapter/` or, where every weight was trained, `model/`; give its folder.

    It appears under its name only when it is whole. `initial` is the adapter that PiSSA began
    with: the result is written as an ordinary LoRA of twice the rank, for the unchanged base.
    """
    is_adapter = hasattr(model, "peft_config")
    to = run / (ADAPTER if is_adapter else MODEL)
    facts = describe_result(tokenizer, template, base, is_adapter=is_adapter)
    part = run / f".{to.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    with disk_errors(str(to)):
        if is_adapter:
            _save_adapter(model, initial, part)
            save_tokenizer(tokenizer, template, part, base)
        else:
            save_model(model, tokenizer, template, part)
        write_json(part / FACTS, {**facts, "quantise": quantise})
        shutil.rmtree(to, ignore_errors=True)
        part.rename(to)
    return to


def _save_adapter(model: Any, initial: Path | None, to: Path) -> None:
    if initial is None:
        model.save_pretrained(to)
    else:
        model.save_pretrained(to, path_initial_model_for_weight_conversion=str(initial))
    (to / "README.md").unlink(missing_ok=True)  # peft's, with nothing in it but headings


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
