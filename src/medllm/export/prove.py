"""The proof: the model that was evaluated and each exported file, asked the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from medllm import __version__
from medllm.errors import extra
from medllm.export.compare import Step, compare
from medllm.export.facts import ExportedFile, Proof
from medllm.export.reference import MOST_RECORDS, Reference, make_reference
from medllm.export.samples import WHAT, shipped_records
from medllm.export.source import Source, read_validation, validation_records
from medllm.manifest import now, package_versions
from medllm.models.hf import load_parts
from medllm.tune.templates import Template, prepare_tokenizer

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and of how much."""

_PACKAGES = ("torch", "transformers", "tokenizers", "peft", "gguf", "llama-cpp-python")
_BYTES = 4
_ROOM = 1.25
"""How much more than its weights a model in float32 takes."""


def prove(
    folder: Path,
    files: Sequence[ExportedFile],
    source: Source,
    template: Template,
    *,
    stops: frozenset[int],
    weights: str,
    base: Path | None,
    tell: Tell = lambda what, done, total: None,
) -> Proof:
    """Compare each file of an export with the model that was evaluated.

    `weights` is what the merged weights were rounded to; `base` is the base's GGUF for an adapter.
    """
    what = "asking the evaluated model"
    tell(what, 0, 1)
    reference = _ask(source, template, stops, partial(tell, what))
    found = []
    for file in files:
        under = base if file.kind == "adapter" else None
        step = partial(tell, f"asking {file.name}")
        step(0, 1)
        found.append(compare(file, folder, reference, weights=weights, base=under, tell=step))
    return Proof(
        passed=bool(found) and all(one.passed for one in found),
        reference=reference.what,
        reference_perplexity=reference.perplexity,
        text="the validation records" if reference.has_own_records else WHAT,
        n_tokens=reference.n_tokens,
        files=tuple(found),
        versions=versions(),
        created=now(),
    )


def versions() -> dict[str, str]:
    """Give the versions that an export depends on."""
    found = package_versions()
    return {"medllm": __version__} | {name: found[name] for name in _PACKAGES if name in found}


def _ask(source: Source, template: Template, stops: frozenset[int], tell: Step) -> Reference:
    model, tokenizer = load_parts(source.parts)
    prepare_tokenizer(tokenizer, template)
    model, exactness = _in_float32(model)
    own = list(islice(read_validation(validation_records(source)), MOST_RECORDS))
    what = "base and adapter" if source.parts.adapter else "the model"
    return make_reference(
        model,
        tokenizer,
        template,
        own,
        shipped_records(),
        stops=stops,
        what=f"{what} in {exactness}",
        tell=tell,
    )


def _in_float32(model: Any) -> tuple[Any, str]:
    """Give the model in float32 where there is room: what is compared is then the files' own error.

    Computed in bfloat16, the model itself is further from its weights than a good GGUF.
    """
    with extra("train"):
        import torch
    dtype = next(model.parameters()).dtype
    name = str(dtype).removeprefix("torch.")
    needed = sum(one.numel() for one in model.parameters()) * _BYTES * _ROOM
    device = next(model.parameters()).device
    free = (
        torch.cuda.mem_get_info(device)[0]
        if device.type == "cuda"
        else psutil.virtual_memory().available
    )
    if dtype == torch.float32 or needed > free:
        return model, name
    return model.float(), f"float32 (weights {name})"
