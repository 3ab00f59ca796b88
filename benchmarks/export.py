"""Exports, measured: divergence from transformers, faults caught, tokens, adapters, memory, speed.

    python -m benchmarks.export [--quick]

Small Llamas with random weights, drawn wide so that positions and heads matter, of each shape that
is exported; a 1B and an 8B shape for memory. Needs llama.cpp: `pip install "medllm[gguf]"`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import command
from benchmarks.command import Options, say
from benchmarks.export_large import LLAMA_1B, LLAMA_8B, convert, make_folder
from benchmarks.report import Measured, Row, Section, Table
from medllm.export import convert as conversion
from medllm.export.adapter import write_adapter
from medllm.export.facts import ExportedFile, FileProof
from medllm.export.make import Merged
from medllm.export.quantise import quantise_file
from medllm.export.run import is_there
from medllm.export.shape import read_shape
from tests.export.models import LLAMA_3_ROPE, make_llama, sentencepiece_file
from tests.export.proving import merged, prove_file, reference_of, write
from tests.export.test_adapter import KINDS, make_adapter

SHAPES: dict[str, dict[str, Any]] = {
    "Llama 3: grouped heads": {},
    "Llama 3.1: rope_freqs": {"rope": LLAMA_3_ROPE},
    "Llama 3.2: tied, rope_freqs": {"template": "llama3.2", "tied": True, "rope": LLAMA_3_ROPE},
    "Llama 3.3: many heads to one, bfloat16, several files": {
        "template": "llama3.3",
        "heads": (8, 1),
        "hidden": 128,
        "rope": LLAMA_3_ROPE,
        "dtype": "bfloat16",
        "max_shard": "300KB",
    },
    "R1-Distill": {"template": "deepseek-r1", "rope": LLAMA_3_ROPE},
    "Llama 2, no tokenizer.model": {"template": "llama2", "heads": (4, 4)},
    "Llama 2, tokenizer.model": {"template": "llama2", "heads": (4, 4), "seed": 1},
    "linear rope, wide heads": {
        "heads": (2, 2),
        "head_dim": 48,
        "rope": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0},
    },
}
_N_RECORDS = 8
_LIMITS = {"F32": (1e-4, 0.999), "F16": (1e-3, 0.99)}
_MOST_MEMORY = 2e9


def measure(options: Options) -> Section:
    """Give the rows of the issue, and tables of shapes, faults and quantisations."""
    section = Section(name="export")
    if not is_there("llama_cpp"):
        note = 'llama.cpp is not installed: pip install "medllm[gguf]"'
        section.rows.append(Row(what="exports", measured=None, note=note))
        return section
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=options.cache) as name:
        folder = Path(name)
        models = {kind: _make(folder, kind) for kind in list(SHAPES)[: 3 if options.quick else 99]}
        measure_shapes(models, section)
        measure_faults(models, section)
        measure_adapters(next(iter(models.values())), section)
        measure_size(folder, options, section)
    return section


def _make(folder: Path, kind: str) -> Path:
    say(kind)
    made = make_llama(folder / f"m{len(list(folder.iterdir()))}", **SHAPES[kind])
    if kind.endswith("2, tokenizer.model"):
        (made / "tokenizer.model").write_bytes(sentencepiece_file())
    return made


def measure_shapes(models: dict[str, Path], section: Section) -> None:
    """Compare every type of every shape."""
    types = ("F32", "F16", "BF16", "Q8_0", "Q6_K", "Q4_K_M", "Q2_K")
    found: dict[str, list[FileProof]] = {one: [] for one in types}
    table = Table(title="Mean KL in nats / share of equal first choices", header=["shape", *types])
    for kind, folder in models.items():
        say(f"comparing {kind}")
        reference, model = reference_of(str(folder), _N_RECORDS), merged(folder)
        for one in types:
            proof = prove_file(_written(model, folder, one), folder, reference)
            found[one].append(proof)
        cells = [f"{row[-1].mean_kl:.1e} / {row[-1].top1:.2%}" for row in found.values()]
        table.lines.append([kind, *cells])
    section.tables.append(table)
    for one, (kl, top1) in _LIMITS.items():
        worst = max(found[one], key=lambda proof: proof.mean_kl)
        least = min(found[one], key=lambda proof: proof.top1)
        n = sum(proof.n_positions for proof in found[one])
        section.rows += [
            _divergence(f"mean KL, {one}, worst of {len(models)} shapes", worst.mean_kl, n, kl),
            _share(f"same first choice, {one}, worst shape", least.top1, n, f"{top1:.1%}"),
        ]
    _tokens([proof for row in found.values() for proof in row], section)


def _written(model: Merged, folder: Path, quantisation: str) -> ExportedFile:
    path = folder / f"{quantisation}.gguf"
    if quantisation in conversion.NATIVE:
        return write(model, path, quantisation)
    quantise_file(folder / "F32.gguf", path, quantisation)
    return ExportedFile(
        name=path.name, kind="gguf", quantisation=quantisation, size_bytes=0, sha256=""
    )


def _share(what: str, value: float, n: int, wanted: str) -> Row:
    own, limit = value * 100, float(wanted.rstrip("% "))
    measured = Measured(system="medllm", value=own, unit="%", n=n, digits=2)
    return Row(what=what, measured=measured, wanted=wanted, reached=own >= limit)


def _divergence(what: str, value: float, n: int, wanted: float) -> Row:
    measured = Measured(system="medllm", value=value * 1e6, unit="millionths", n=n, digits=4)
    text = f"{wanted * 1e6:.0f} ({wanted:g} nats)"
    return Row(what=what, measured=measured, wanted=text, reached=value <= wanted)


def _tokens(proofs: list[FileProof], section: Section) -> None:
    texts = sum(proof.n_texts for proof in proofs)
    equal = sum(proof.n_texts_equal for proof in proofs)
    prompts = sum(proof.n_prompts for proof in proofs)
    same = sum(proof.n_prompts_equal for proof in proofs)
    section.rows += [
        _share("awkward texts cut alike, every file", equal / texts, texts, "100 %"),
        _share("prompts alike, every file", same / prompts, prompts, "100 %"),
    ]


@contextmanager
def _patched(name: str, value: Any) -> Iterator[None]:
    before = getattr(conversion, name)
    setattr(conversion, name, value)
    try:
        yield
    finally:
        setattr(conversion, name, before)


def measure_faults(models: dict[str, Path], section: Section) -> None:
    """Count the deliberate faults that the proof finds, in each type they could hide in."""
    table = Table(title="Deliberate faults", header=["fault", "type", "what the proof says"])
    n_caught = 0
    rope = models["Llama 3.1: rope_freqs"]
    pieces = models.get("Llama 2, no tokenizer.model")
    in_weights = (("no permutation", "interleave", lambda rows, n: rows),) + (
        ("no rope_freqs", "rope_factors", lambda rope, size: None),
    )
    for kind in ("F32", "F16", "Q8_0"):
        for what, name, value in in_weights:
            with _patched(name, value):
                n_caught += _caught(what, rope, kind, {}, table)
    in_vocabulary: list[tuple[str, Path | None, dict[str, Any]]] = [
        ("wrong pre-tokeniser (gpt-2)", rope, {"pre": "gpt-2"}),
        ("wrong pre-tokeniser (qwen2)", rope, {"pre": "qwen2"}),
        ("wrong template", rope, {"template": "{{ messages[0]['content'] }}"}),
        ("template without its last line", rope, {"template": ""}),
        ("no beginning token", rope, {"adds_bos": False}),
        ("every score -1000", pieces, {"scores": -1000.0}),
        ("a space in front", pieces, {"adds_space": True}),
    ]
    for what, folder, fault in in_vocabulary:
        if folder is not None:
            n_caught += _caught(what, folder, "F16", fault, table)
    section.tables.append(table)
    n = len(table.lines)
    section.rows.append(_share("deliberate faults caught", n_caught / n, n, "100 %"))


def _caught(what: str, folder: Path, kind: str, fault: dict[str, Any], table: Table) -> bool:
    model = merged(folder)
    vocabulary = model.vocabulary
    if "scores" in fault:
        fault = {"scores": [fault["scores"]] * len(vocabulary.tokens)}
    if fault.get("template") == "":
        fault = {"template": vocabulary.template.rsplit("{%- if add_generation_prompt", 1)[0]}
    file = write(model, folder / "fault.gguf", kind, vocabulary=replace(vocabulary, **fault))
    proof = prove_file(file, folder, reference_of(str(folder), _N_RECORDS))
    table.lines.append([what, kind, "; ".join(proof.reasons) or "**nothing**"])
    return not proof.passed


def measure_adapters(base: Path, section: Section) -> None:
    """Lay each kind of adapter on the base's GGUF, beside the model that has it."""
    write(merged(base), base / "F32.gguf", "F32")
    worst, n = 0.0, 0
    for kind, settings in KINDS.items():
        adapter = base / f"adapter-{len(kind)}"
        make_adapter(base, adapter, **settings)
        write_adapter(base / "adapter.gguf", adapter, read_shape(base), name="adapter")
        reference = reference_of(f"{base}+{adapter}", _N_RECORDS)
        file = ExportedFile(
            name="adapter.gguf", kind="adapter", quantisation="F32", size_bytes=0, sha256=""
        )
        proof = prove_file(file, base, reference, base=base / "F32.gguf")
        worst, n = max(worst, proof.mean_kl), n + proof.n_positions
    what = f"mean KL, adapter on its base, worst of {', '.join(KINDS)}"
    section.rows.append(_divergence(what, worst, n, 1e-4))


def measure_size(folder: Path, options: Options, section: Section) -> None:
    """Convert a 1B shape with random weights, and an 8B shape of nothing, for memory and speed."""
    sizes = {**LLAMA_1B, "num_hidden_layers": 2} if options.quick else LLAMA_1B
    large = make_folder(folder / "large", sizes, empty=False)
    for quantisation in ("BF16", "F16", "Q8_0"):
        done = convert(large, folder / "large.gguf", quantisation)
        rate = done.size / done.seconds / 1e6
        copied = Measured(system="a plain copy", value=done.copied_s, unit="s", digits=1)
        section.rows += [
            Row(
                what=f"memory, 1B shape to {quantisation}",
                measured=Measured(system="medllm", value=done.peak / 1e9, unit="GB", digits=2),
                wanted="under 2 GB",
                reached=done.peak < _MOST_MEMORY,
            ),
            Row(
                what=f"time, 1B shape to {quantisation} ({rate:.0f} MB/s written)",
                measured=Measured(
                    system="medllm", value=done.seconds, unit="s", cpu=done.cpu, digits=1
                ),
                wanted="near the disk's",
                references=[copied],
                note="of as many bytes, read, written and synced",
            ),
        ]
    if options.quick:
        return
    huge = make_folder(folder / "huge", LLAMA_8B, empty=True)
    done = convert(huge, folder / "huge.gguf", "Q8_0")
    section.rows.append(
        Row(
            what="memory, 8B shape to Q8_0",
            measured=Measured(system="medllm", value=done.peak / 1e9, unit="GB", digits=2),
            wanted="under 2 GB",
            reached=done.peak < _MOST_MEMORY,
        )
    )


if __name__ == "__main__":
    raise SystemExit(command.main(measure))
