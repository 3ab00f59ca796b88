"""The files of an export, each made from the one before: merged model, GGUFs, adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medllm.export.adapter import write_adapter
from medllm.export.convert import NATIVE, exact_type, names_of, write_model
from medllm.export.facts import HF, ExportedFile
from medllm.export.prove import Tell
from medllm.export.quantise import quantise_file
from medllm.export.shape import Shape, read_shape
from medllm.export.source import Source
from medllm.export.vocabulary import Vocabulary, read_vocabulary
from medllm.export.weights import Tensor, find_tensors
from medllm.files import disk_errors, read_json, sha256_file, write_json
from medllm.models.hf_folder import FACTS, load_tokenizer, load_weights
from medllm.tune.folders import save_model
from medllm.tune.merge import merge
from medllm.tune.templates import Template, prepare_tokenizer


@dataclass(frozen=True, slots=True)
class Merged:
    """A model folder that is read for its GGUFs."""

    folder: Path
    shape: Shape
    tensors: dict[str, Tensor]
    vocabulary: Vocabulary

    @property
    def exact(self) -> str:
        """The type that holds its weights as they are."""
        return exact_type(self.tensors, names_of(self.shape))

    @property
    def n_parameters(self) -> int:
        """How many numbers it has; what is tied counts once."""
        sizes = [one.shape for one in names_of(self.shape)]
        return sum(size[0] * (size[1] if len(size) > 1 else 1) for size in sizes)


def read_merged(folder: Path, tokenizer: Any) -> Merged:
    """Read what a GGUF needs to know of a model folder, but for its weights."""
    shape = read_shape(folder)
    vocabulary = read_vocabulary(tokenizer, shape.vocab_size, folder / "tokenizer.model")
    return Merged(folder, shape, find_tensors(folder), vocabulary)


def make_hf(name: str, source: Source, template: Template, to: Path) -> None:
    """Write hf/: the merged model with all that other programs need; whole, or not at all."""
    part = to / f".{HF}.part"
    if source.parts.adapter is not None:
        merge(name, part)
    else:
        model = load_weights(source.parts.base, dtype="auto")
        tokenizer = load_tokenizer(source.parts.tokenizer)
        prepare_tokenizer(tokenizer, template)
        save_model(model, tokenizer, template, part, source.parts.base)
    if (part / FACTS).is_file():  # the path of the base is nobody else's business
        facts = read_json(part / FACTS)
        own = {"base": source.base_name, "template": Path(template.name).name}
        write_json(part / FACTS, {**facts, **own})
    with disk_errors(str(to / HF)):
        part.rename(to / HF)


def make_exact(merged: Merged, to: Path, name: str, tell: Tell) -> Path:
    """Write the GGUF that llama.cpp makes others of; it goes away again."""
    path = to / f".{name}-{merged.exact}.gguf.part"
    _convert(merged, path, merged.exact, name, tell)
    return path


def make_gguf(
    merged: Merged, to: Path, quantisation: str, name: str, exact: Path | None, tell: Tell
) -> Path:
    """Write one of the GGUFs and give its path; one that is there already stays."""
    path = to / f"{name}-{quantisation}.gguf"
    if path.is_file():
        return path
    if exact is None or quantisation in NATIVE:
        _convert(merged, path, quantisation, name, tell)
    else:
        tell(f"quantising {path.name}", 0, 1)
        quantise_file(exact, path, quantisation)
    return path


def _convert(merged: Merged, path: Path, quantisation: str, name: str, tell: Tell) -> None:
    whole = int(merged.n_parameters * {"F32": 4, "Q8_0": 34 / 32}.get(quantisation, 2))
    done = 0

    def count(n_bytes: int) -> None:
        nonlocal done
        done += n_bytes
        tell(f"writing {path.name.strip('.').removesuffix('.part')}", done, whole)

    write_model(
        path, merged.shape, merged.vocabulary, merged.tensors, quantisation, name=name, tell=count
    )


def make_adapter(source: Source, merged: Merged, to: Path, name: str) -> Path:
    """Write the adapter's GGUF and give its path."""
    path = to / f"{name}-adapter-F32.gguf"
    assert source.parts.adapter is not None
    write_adapter(path, source.parts.adapter, merged.shape, name=f"{name} adapter")
    return path


def make_base(source: Source, merged: Merged, to: Path, name: str, tell: Tell) -> Path:
    """Write the base's GGUF, to lay the adapter on for its proof; it is not part of the export."""
    path = to / f".{name}-base.gguf.part"
    shape = read_shape(source.parts.base)
    base = Merged(source.parts.base, shape, find_tensors(source.parts.base), merged.vocabulary)
    _convert(base, path, base.exact, f"{name} base", tell)
    return path


def describe(path: Path, to: Path, kind: Any, quantisation: str) -> ExportedFile:
    """Give what export.json says of a file."""
    return ExportedFile(
        name=path.relative_to(to).as_posix(),
        kind=kind,
        quantisation=quantisation,
        size_bytes=path.stat().st_size,
        sha256=sha256_file(path),
    )
