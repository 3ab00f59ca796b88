"""What an export folder says of itself: `export.json` (what was made) and `proof.json`.

`export.json` is written last: a folder without it is an export that was not finished. A proof names
the files it looked at by their digests, so that it cannot stand for others.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from medllm.errors import DataError
from medllm.files import read_json, write_json

FACTS, PROOF = "export.json", "proof.json"
HF = "hf"
"""The folder in an export that holds the merged model as transformers and vLLM read it."""
FORMAT = 1
"""Raised when the meaning of a field changes."""

FileKind = Literal["gguf", "adapter", "safetensors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSource:
    """Where the records came from that a model was trained on; never what they say."""

    is_known: bool = False
    """False where no run folder with its records is at hand: then nothing can be ruled out."""
    sets: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    is_gated: bool = False
    """Whether any set is given out only after an agreement or on request."""
    may_hold_patient_text: bool = True
    """Whether any text is, or may be, about a real patient; True where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file of the export; `name` is its path in the folder, with / between parts."""

    name: str
    kind: FileKind
    quantisation: str
    """As llama.cpp names it (F16, Q8_0, Q4_K_M); of safetensors the dtype (BF16)."""
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What was exported, from what, and how it is to be asked."""

    name: str
    base: str
    """The base by its hub id where that is known, else the name of its folder."""
    licence: str
    """The base's licence: an identifier as on the hub (llama3.1, mit); empty: not known."""
    run: str
    """The name of the run folder; empty where a model folder was exported."""
    run_digest: str
    """SHA-256 of the weights that were evaluated: the adapter's, or the model's."""
    trained_on: TrainingSource
    template: str
    """The name of the chat template that it was trained with; its text stands in hf/."""
    bos_token: str
    eos_token: str
    stop_tokens: tuple[str, ...]
    context_tokens: int
    n_parameters: int
    temperature: float = 0.0
    system: str = ""
    """A system prompt that every answer shall begin with; empty for none."""
    files: tuple[ExportedFile, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProof:
    """What one GGUF was found to be, beside the model that was evaluated."""

    file: str
    sha256: str
    quantisation: str
    size_bytes: int
    n_texts: int = 0
    """Texts that were cut into tokens by both."""
    n_texts_equal: int = 0
    n_prompts: int = 0
    """Conversations whose prompts were rendered by both."""
    n_prompts_equal: int = 0
    n_positions: int = 0
    """Positions whose distributions over the next token were compared."""
    mean_kl: float = 0.0
    """Kullback-Leibler divergence of the GGUF's distribution from the model's, in nats."""
    top1: float = 0.0
    """Share of positions at which both find the same token the likeliest."""
    n_answers: int = 0
    """Answers at temperature 0 that were compared."""
    n_answers_equal: int = 0
    perplexity: float = 0.0
    tokens_per_s: float = 0.0
    """Written at temperature 0, on this machine."""
    passed: bool = False
    n_answers_even: int = 0
    """Of the other answers, those that part where two tokens were nearly even."""
    reasons: tuple[str, ...] = ()
    """Why it did not pass, in words; empty where it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the exported files were compared with, and what came of it."""

    passed: bool
    reference: str
    """What ran beside the files, in words."""
    reference_perplexity: float
    text: str
    """What the perplexity was measured on, in words."""
    n_tokens: int
    """How many tokens of it."""
    files: tuple[FileProof, ...]
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    format: int = FORMAT


def write_facts(folder: Path, facts: ExportFacts) -> None:
    """Write export.json, which makes the folder a finished export."""
    write_json(folder / FACTS, asdict(facts))


def read_facts(folder: Path) -> ExportFacts:
    """Read export.json; raise `DataError` where the folder is no finished export."""
    if not (folder / FACTS).is_file():
        raise DataError(
            f"{folder} is not a finished export: it has no {FACTS}",
            hint=f"medllm export RUN --to {folder}",
        )
    facts: ExportFacts = _read(folder / FACTS, TypeAdapter(ExportFacts))
    return facts


def write_proof(folder: Path, proof: Proof) -> None:
    """Write proof.json."""
    write_json(folder / PROOF, asdict(proof))


def read_proof(folder: Path) -> Proof | None:
    """Read proof.json; None where the export was not proved. Raises `DataError` where broken."""
    if not (folder / PROOF).is_file():
        return None
    proof: Proof = _read(folder / PROOF, TypeAdapter(Proof))
    return proof


def _read(path: Path, shape: TypeAdapter[Any]) -> Any:
    try:
        return shape.validate_python(read_json(path))
    except ValidationError as exc:
        raise DataError(
            f"{path} is damaged, or of another version of medllm", hint="export the model again"
        ) from exc
