"""Invented exports: what `medllm export` says of a model, without a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medllm.export.facts import (
    ExportedFile,
    ExportFacts,
    FileProof,
    Proof,
    TrainingSource,
    write_facts,
    write_proof,
)
from medllm.tune.templates import shipped_templates

OPEN = TrainingSource(
    is_known=True,
    sets=("examples",),
    licences=("CC0-1.0",),
    is_gated=False,
    may_hold_patient_text=False,
)
TOKENS = {
    "llama2": ("<s>", "</s>"),
    "deepseek-r1": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
}


def some_facts(template: str = "llama3", **changed: Any) -> ExportFacts:
    begin, end = TOKENS.get(template, ("<|begin_of_text|>", "<|eot_id|>"))
    told: dict[str, Any] = {
        "name": "first",
        "base": "meta-llama/Llama-3.2-1B-Instruct",
        "licence": "llama3.2",
        "run": "first",
        "run_digest": "ab" * 32,
        "trained_on": OPEN,
        "template": template,
        "bos_token": begin,
        "eos_token": end,
        "stop_tokens": (end,),
        "context_tokens": 2048,
        "n_parameters": 1_235_814_400,
        "versions": {"medllm": "0.1.0", "torch": "2.13.0"},
        "created": "2026-11-20T08:00:00+00:00",
    }
    return ExportFacts(**{**told, **changed})


def some_proof(*files: Any, **changed: Any) -> Proof:
    """A proof that passed, for these exported files."""
    rows = tuple(
        FileProof(
            file=one.name,
            sha256=one.sha256,
            quantisation=one.quantisation,
            size_bytes=one.size_bytes,
            n_texts=2000,
            n_texts_equal=2000,
            n_prompts=20,
            n_prompts_equal=20,
            n_positions=5000,
            mean_kl=2e-5,
            top1=0.999,
            n_answers=5,
            n_answers_equal=5,
            perplexity=7.25,
            tokens_per_s=41.5,
            passed=True,
        )
        for one in files
    )
    told: dict[str, Any] = {
        "passed": True,
        "reference": "transformers 5.23.0, bfloat16",
        "reference_perplexity": 7.2,
        "text": "the validation split",
        "n_tokens": 10_000,
        "files": rows,
    }
    return Proof(**{**told, **changed})


def make_export(folder: Path, *, files: Sequence[str] = ("Q4_K_M", "F16"), **changed: Any) -> Path:
    """Write an export folder; its GGUFs are no models, which the fake Ollama does not mind."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, quantisation in enumerate(files):
        name = f"first-{quantisation}.gguf"
        data = b"GGUF" + quantisation.encode().ljust(6) * (2000 + 1000 * number)
        (folder / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        made.append(
            ExportedFile(
                name=name,
                kind="gguf",
                quantisation=quantisation,
                size_bytes=len(data),
                sha256=digest,
            )
        )
    facts = some_facts(**{"files": tuple(made), **changed})
    (folder / "hf").mkdir(exist_ok=True)
    template = shipped_templates()[facts.template].serving_text
    (folder / "hf" / "chat_template.jinja").write_text(template + "\n", encoding="utf-8")
    (folder / "LICENSE").write_text("The licence's own words.\n", encoding="utf-8")
    write_proof(folder, some_proof(*made))
    write_facts(folder, facts)
    return folder
