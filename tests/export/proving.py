"""A model folder, its GGUF, and what a proof makes of the two."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from medllm.export.compare import compare
from medllm.export.convert import write_model
from medllm.export.facts import ExportedFile, FileProof
from medllm.export.make import Merged, read_merged
from medllm.export.reference import Reference, make_reference
from medllm.export.samples import shipped_records
from medllm.models.hf import load_parts
from medllm.models.hf_folder import load_tokenizer
from medllm.models.hf_parts import find_parts
from medllm.tune.templates import choose_template, prepare_tokenizer, stop_ids


@cache
def reference_of(model: str, n_records: int = 2) -> Reference:
    """What the model itself makes of everything."""
    loaded, tokenizer = load_parts(find_parts(model))
    template = choose_template("auto", tokenizer)
    prepare_tokenizer(tokenizer, template)
    stops = frozenset(stop_ids(tokenizer, template))
    records = shipped_records()[:n_records]
    return make_reference(loaded.float(), tokenizer, template, [], records, stops=stops, what="it")


def merged(folder: Path) -> Merged:
    return read_merged(folder, load_tokenizer(folder))


def write(model: Merged, path: Path, quantisation: str = "F16", **changes: Any) -> ExportedFile:
    """Write a GGUF, with what is changed about the vocabulary or the shape."""
    parts = {"shape": model.shape, "vocabulary": model.vocabulary} | changes
    write_model(path, parts["shape"], parts["vocabulary"], model.tensors, quantisation, name="x")
    return ExportedFile(
        name=path.name, kind="gguf", quantisation=quantisation, size_bytes=0, sha256=""
    )


def prove_file(
    file: ExportedFile, folder: Path, reference: Reference, base: Path | None = None
) -> FileProof:
    return compare(file, folder, reference, weights="F32", base=base)
