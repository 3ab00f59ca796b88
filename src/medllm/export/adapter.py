"""A LoRA adapter as GGUF, to be laid on the GGUF of its base.

llama.cpp adds `alpha / rank * B A`, rank being that of each pair. What is scaled otherwise
(rsLoRA's `alpha / sqrt(rank)`, layers with an alpha of their own) has the rest of its scale in B.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError
from medllm.export.convert import Name, names_of
from medllm.export.gguf_file import Planned, write_file
from medllm.export.rope import interleave
from medllm.export.shape import Shape
from medllm.export.weights import Tensor, find_tensors, to_float32
from medllm.files import read_json

_WEIGHTS, _CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PAIR = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
_MERGE = "export it merged: leave --adapter away"


def check_adapter(adapter: Path) -> None:
    """Raise `ModelError` for an adapter that llama.cpp cannot add to a base."""
    _refuse_others(read_json(adapter / _CONFIG))


def write_adapter(path: Path, adapter: Path, shape: Shape, *, name: str) -> None:
    """Write an adapter's GGUF, in float32: it is small.

    Raises `ModelError` for one that llama.cpp cannot add to a base.
    """
    config = read_json(adapter / _CONFIG)
    _refuse_others(config)
    tensors = find_tensors(adapter, (_WEIGHTS,))
    known = {one.theirs.removesuffix(".weight"): one for one in names_of(shape)}
    pairs = _pairs(tensors)
    alpha = float(config["lora_alpha"])
    planned: list[Planned] = []
    for module, (a, b) in pairs.items():
        if module not in known:
            raise ModelError(f"the adapter changes {module}, which no Llama has", hint=_MERGE)
        rest = _scale(config, module, a.shape[0]) / (alpha / a.shape[0])
        planned += _plan(known[module], a, b, rest)

    def values(writer: Any) -> None:
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)

    write_file(path, "llama", values, planned)


def _refuse_others(config: dict[str, Any]) -> None:
    """Raise `ModelError` for what an adapter in llama.cpp cannot do."""
    kind = str(config.get("peft_type", ""))
    reasons = {
        f"it is {kind}, not LoRA": kind != "LORA",
        "it is DoRA, which also changes the length of each row": config.get("use_dora"),
        "it holds whole layers": config.get("modules_to_save"),
        "it holds tokens of its own": config.get("trainable_token_indices"),
        "it changes biases": config.get("bias", "none") != "none" or config.get("lora_bias"),
        "its matrices lie the other way round": config.get("fan_in_fan_out"),
    }
    for reason, holds in reasons.items():
        if holds:
            raise ModelError(f"this adapter cannot be one in llama.cpp: {reason}", hint=_MERGE)


def _pairs(tensors: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """Give A and B of each module that is changed."""
    halves: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        found = _PAIR.fullmatch(name)
        if not found:
            raise ModelError(f"the adapter holds {name}, which llama.cpp cannot add", hint=_MERGE)
        halves.setdefault(found[1], {})[found[2]] = tensor
    whole = {module: (own["A"], own["B"]) for module, own in halves.items() if len(own) == 2}
    if not whole or len(whole) < len(halves):
        raise ModelError("the adapter is not whole", hint="copy it from its run again")
    return whole


def _scale(config: dict[str, Any], module: str, rank: int) -> float:
    """Give what peft multiplies B A by (peft, `LoraLayer.update_layer`)."""
    alpha = float(config["lora_alpha"])
    for pattern, own in (config.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(?:.*\.)?{pattern}", module):
            alpha = float(own)
            break
    return alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank


def _plan(name: Name, a: Tensor, b: Tensor, rest: float) -> list[Planned]:
    wanted = (name.shape[1], name.shape[0])
    if (a.shape[1], b.shape[0]) != wanted or a.shape[0] != b.shape[1]:
        raise ModelError(f"the adapter does not fit {name.theirs} of its base", hint=_MERGE)
    return [
        Planned(f"{name.gguf}.lora_a", a.shape, "F32", a.blocks),
        Planned(f"{name.gguf}.lora_b", b.shape, "F32", _scaled(b, rest, name.n_heads)),
    ]


def _scaled(b: Tensor, rest: float, n_heads: int) -> Callable[[], Iterator[NDArray[Any]]]:
    """Give B with the rest of its scale, and of queries and keys in llama.cpp's order."""

    def blocks() -> Iterator[NDArray[Any]]:
        rows = to_float32(np.concatenate(list(b.blocks()))) * np.float32(rest)
        yield interleave(rows, n_heads) if n_heads else rows

    return blocks
