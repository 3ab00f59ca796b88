"""The road from a run to a folder that ships: merge, convert, prove, describe.

hf/              the merged model, for transformers and vLLM
NAME-F16.gguf    one file a quantisation, for llama.cpp and Ollama
proof.json       what each was found to be beside the model that was evaluated
Modelfile, README.md, LICENSE, and last of all export.json

Each part appears under its name only when it is whole, so an export that was stopped goes on.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError, MissingExtraError, ModelError
from medllm.export.adapter import check_adapter
from medllm.export.card import write_card, write_licence
from medllm.export.convert import NATIVE
from medllm.export.facts import HF, ExportedFile, ExportFacts, Proof, write_facts, write_proof
from medllm.export.folders import FAILED, check_room, open_folder, remove_parts
from medllm.export.make import (
    Merged,
    describe,
    make_adapter,
    make_base,
    make_exact,
    make_gguf,
    make_hf,
    read_merged,
)
from medllm.export.modelfile import has_go_template, write_modelfile
from medllm.export.prove import Tell, prove, versions
from medllm.export.shape import read_shape
from medllm.export.source import Source, check_name, find_source, licence_of, trained_on
from medllm.files import read_json, write_json
from medllm.manifest import now
from medllm.models.hf_folder import FACTS, be_quiet, load_tokenizer
from medllm.models.hf_parts import find_parts
from medllm.tune.templates import Template, choose_template, prepare_tokenizer, stop_ids

REPORT = "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be exported, and how."""

    quantisations: tuple[str, ...] = ("Q8_0",)
    """As llama.cpp names them; the first is the one that the Modelfile names."""
    adapter: bool = False
    """Also the adapter by itself, as a GGUF to lay on that of its base."""
    verify: bool | None = None
    """None proves where llama.cpp is installed."""
    name: str = ""
    evaluation: Path | None = None
    """A folder of an evaluation, whose report goes into the model card."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it; `proof` is None where llama.cpp is not there, or was not wanted."""

    facts: ExportFacts
    proof: Proof | None


def export(
    model: str, to: Path, wanted: Wanted, *, tell: Tell = lambda what, done, total: None
) -> Exported:
    """Export a run, a model folder or BASE+ADAPTER into a folder.

    Raises `ModelError` for a model that is no Llama and where the proof fails: then nothing in the
    folder looks finished. `DataError` where the folder holds something else or the disk is full,
    `MissingExtraError` where a package is lacking; both before any work is done.
    """
    be_quiet()
    source = find_source(model, find_parts(model))
    is_proved = _check(source, wanted)
    report = read_json(wanted.evaluation / REPORT) if wanted.evaluation else None
    name = check_name(wanted.name) if wanted.name else source.name
    template = _template(source)
    open_folder(to, source.digest, name)
    try:
        if not (to / HF).is_dir():
            tell("merging" if source.parts.adapter else "copying the model", 0, 1)
            _check_room(source, to, wanted)
            make_hf(model, source, template, to)
        tokenizer = load_tokenizer(to / HF)
        merged = read_merged(to / HF, tokenizer)
        files = _make_files(source, merged, to, wanted, name, tell)
        facts = _facts(source, merged, tokenizer, template, name, files)
        proof = None
        if is_proved:
            base = make_base(source, merged, to, name, tell) if wanted.adapter else None
            proof = _prove(to, facts, source, template, merged, base, tell)
    finally:
        remove_parts(to)
    _describe(to, facts, proof, source, report)
    write_facts(to, facts)
    return Exported(facts, proof)


def is_there(package: str) -> bool:
    """Tell whether a package is installed, without loading it."""
    return importlib.util.find_spec(package) is not None


def _check(source: Source, wanted: Wanted) -> bool:
    """Refuse what cannot be done before anything is; give whether it will be proved."""
    if not is_there("gguf"):
        raise MissingExtraError(
            "an export needs the package gguf, which is not installed",
            hint='pip install -c constraints.txt "medllm[export]"',
        )
    by_llama = [one for one in wanted.quantisations if one not in NATIVE]
    if not is_there("llama_cpp") and (by_llama or wanted.verify):
        what = f"{by_llama[0]} is made by" if by_llama else "a proof is made with"
        raise MissingExtraError(
            f"{what} llama.cpp, and the package llama-cpp-python is not installed",
            hint='pip install -c constraints.txt "medllm[gguf]" (it compiles for some minutes), '
            "or --quantize q8_0 --no-verify",
        )
    read_shape(source.parts.base)
    if wanted.adapter:
        if source.parts.adapter is None:
            raise ConfigError("--adapter: this model has no adapter", hint="leave it away")
        check_adapter(source.parts.adapter)
    return is_there("llama_cpp") if wanted.verify is None else wanted.verify


def _check_room(source: Source, to: Path, wanted: Wanted) -> None:
    files = [*source.parts.base.glob("*.safetensors"), *source.parts.base.glob("*.bin")]
    n_bytes = sum(file.stat().st_size for file in files)
    dtype = str(read_json(source.parts.base / "config.json").get("torch_dtype", ""))
    check_room(to, n_bytes // (4 if dtype == "float32" else 2), n_bytes, [*wanted.quantisations])


def _template(source: Source) -> Template:
    """Give the template that the model was trained with."""
    for folder in (source.parts.adapter, source.parts.base):
        if folder is not None and (folder / FACTS).is_file():
            name = str(read_json(folder / FACTS).get("template", "auto"))
            return choose_template(name, load_tokenizer(source.parts.tokenizer))
    return choose_template("auto", load_tokenizer(source.parts.tokenizer))


def _make_files(
    source: Source, merged: Merged, to: Path, wanted: Wanted, name: str, tell: Tell
) -> list[ExportedFile]:
    files = []
    needs_exact = any(one not in NATIVE for one in wanted.quantisations)
    exact = make_exact(merged, to, name, tell) if needs_exact else None
    for quantisation in dict.fromkeys(wanted.quantisations):
        path = make_gguf(merged, to, quantisation, name, exact, tell)
        files.append(describe(path, to, "gguf", quantisation))
    if wanted.adapter:
        path = make_adapter(source, merged, to, name)
        files.append(describe(path, to, "adapter", "F32"))
    for path in sorted((to / HF).glob("*.safetensors")):
        files.append(describe(path, to, "safetensors", merged.exact))
    return files


def _facts(
    source: Source,
    merged: Merged,
    tokenizer: Any,
    template: Template,
    name: str,
    files: Sequence[ExportedFile],
) -> ExportFacts:
    prepare_tokenizer(tokenizer, template)
    stops = [tokenizer.convert_ids_to_tokens(one) for one in stop_ids(tokenizer, template)]
    return ExportFacts(
        name=name,
        base=source.base_name,
        licence=licence_of(source),
        run=source.run.resolve().name if source.run else "",
        run_digest=source.digest,
        trained_on=trained_on(source),
        template=Path(template.name).name,
        bos_token=tokenizer.bos_token or "",
        eos_token=tokenizer.eos_token,
        stop_tokens=tuple(stops),
        context_tokens=merged.shape.context_tokens,
        n_parameters=merged.n_parameters,
        files=tuple(files),
        versions=versions(),
        created=now(),
    )


def _prove(
    to: Path,
    facts: ExportFacts,
    source: Source,
    template: Template,
    merged: Merged,
    base: Path | None,
    tell: Tell,
) -> Proof:
    """Prove the files; where one fails it goes, with a named reason."""
    tokenizer = load_tokenizer(to / HF)
    prepare_tokenizer(tokenizer, template)
    files = [one for one in facts.files if one.kind != "safetensors"]
    exact = [
        describe(path, to, "gguf", merged.exact)
        for path in to.glob(f".{facts.name}-{merged.exact}.gguf.part")
    ]
    proof = prove(
        to,
        [*exact, *files],
        source,
        template,
        stops=frozenset(stop_ids(tokenizer, template)),
        weights=merged.exact if source.parts.adapter else "F32",
        base=base,
        tell=tell,
    )
    if not proof.passed:
        raise _failure(to, proof, files)
    own = {one.name for one in files}
    proof = replace(proof, files=tuple(one for one in proof.files if one.file in own))
    write_proof(to, proof)
    return proof


def _failure(to: Path, proof: Proof, files: Sequence[ExportedFile]) -> ModelError:
    """Remove what did not pass, and what was made of it; give the error with its reasons."""
    failed = [one for one in proof.files if not one.passed]
    wrong = {one.file for one in failed}
    if wrong - {one.name for one in files}:  # the exact one, which llama.cpp made others of
        wrong |= {one.name for one in files if one.quantisation not in NATIVE}
    for name in wrong:
        (to / name).unlink(missing_ok=True)
    write_json(to / FAILED, asdict(replace(proof, files=tuple(failed))))
    name = failed[0].file.strip(".").removesuffix(".part")
    return ModelError(
        f"{name} is not the model that was evaluated: {'; '.join(failed[0].reasons)}",
        hint=f"see {to / FAILED}; the file was removed, the others go on with the same command",
    )


def _describe(
    to: Path, facts: ExportFacts, proof: Proof | None, source: Source, report: Any
) -> None:
    write_licence(to, facts, source.parts.base)
    gguf = next((one.name for one in facts.files if one.kind == "gguf"), "")
    if gguf and has_go_template(facts.template):
        write_modelfile(to, facts, gguf)
    write_card(to, facts, proof, report)
