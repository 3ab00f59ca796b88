"""The model card of an export, with the metadata that model hubs read, and its licence.

It says what was proved of which file, where the training records came from, what was measured and
what the model is not. Every claim comes from export.json, proof.json or an evaluation's report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.evaluate.report.markdown import table_lines
from medllm.evaluate.report.tables import Table, differences, means
from medllm.export.facts import HF, ExportFacts, FileProof, Proof
from medllm.export.licence import (
    breaks_naming_rule,
    has_licence_text,
    licence_text,
    licences_of,
)
from medllm.export.modelfile import LICENCE, MODELFILE, has_go_template
from medllm.files import write_atomically

CARD = "README.md"
_MADE_WITH = ("medllm", "transformers", "torch", "peft", "gguf", "llama-cpp-python")
"""Of the packages in the facts, those that the files can depend on."""

_NOT_A_DEVICE = (
    "**Not a medical device.** It must not be used to decide about patients. It may be wrong, also "
    "where it sounds sure; what it writes has to be checked against its sources by a professional, "
    "and it is not for emergencies."
)
_LIMITS = (
    "It knows nothing that was published after its base and its records, and says so seldom.",
    "It was trained on text, not on patients' outcomes; that an answer reads well shows nothing.",
    "It can repeat what stands in its training records, and the leanings of their authors.",
    "A file with fewer bits a weight answers differently: the table of proof says how much.",
)


def write_licence(folder: Path, facts: ExportFacts, base: Path | None) -> None:
    """Write LICENSE, from the folder of the base where that has one; also into hf/."""
    _write(folder, LICENCE, licence_text(facts, base))


def write_card(
    folder: Path,
    facts: ExportFacts,
    proof: Proof | None,
    report: Mapping[str, Any] | None = None,
) -> None:
    """Write README.md, and into hf/ the same for those who load the model in transformers.

    `report` is report.json of an evaluation of this model. LICENSE is to be there already.
    """
    path = folder / LICENCE
    is_licensed = path.is_file() and has_licence_text(path.read_text(encoding="utf-8"))
    text = card_text(facts, proof, report, has_licence=is_licensed)
    write_atomically(folder / CARD, text)
    if (folder / HF).is_dir():
        shown = card_text(facts, proof, report, has_licence=is_licensed, for_transformers=True)
        write_atomically(folder / HF / CARD, shown)


def _write(folder: Path, name: str, text: str) -> None:
    for place in (folder, folder / HF):
        if place.is_dir():
            write_atomically(place / name, text)


def card_text(
    facts: ExportFacts,
    proof: Proof | None,
    report: Mapping[str, Any] | None,
    *,
    has_licence: bool,
    for_transformers: bool = False,
) -> str:
    """Give the card as Markdown with YAML on top; raise `DataError` for a report of another kind.

    `has_licence` says whether the text of the licence lies beside it.
    """
    lines = [*_metadata(facts, for_transformers=for_transformers), ""]
    lines += _head(facts)
    lines += _use(facts, for_transformers=for_transformers)
    lines += _proof(proof)
    lines += _training(facts)
    lines += _evaluation(report)
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in _LIMITS)]
    lines += _licence(facts, has_licence=has_licence)
    return "\n".join(lines).rstrip() + "\n"


def _metadata(facts: ExportFacts, *, for_transformers: bool) -> Iterator[str]:
    """Give YAML, strings in JSON's quotation marks, which YAML reads as they are.

    Keys: https://huggingface.co/docs/hub/model-cards. A base that is no hub id is left out there.
    """
    licences = licences_of(facts)
    yield "---"
    yield f"license: {json.dumps(licences[0].id if licences else 'other')}"
    if not licences:
        yield 'license_name: "unknown"'
    if facts.base.count("/") == 1:
        yield f"base_model: {json.dumps(facts.base)}"
        yield "base_model_relation: finetune"
    yield f"library_name: {'transformers' if for_transformers else 'gguf'}"
    yield "pipeline_tag: text-generation"
    yield "language: en"
    yield "tags: [medical, llama, medllm, not-a-medical-device]"
    yield "---"


def _head(facts: ExportFacts) -> Iterator[str]:
    yield f"# {_title(facts)}"
    yield ""
    if any(one.is_llama for one in licences_of(facts)):
        yield "Built with Llama"
        yield ""
    made = "fine-tuned with medllm on medical text" if facts.run else "exported as it is"
    yield f"{facts.base}, {made}. {_NOT_A_DEVICE}"
    yield ""
    yield "## Intended use"
    yield ""
    yield (
        "Research, and drafts that a health professional checks: questions on medical text, and "
        "summaries of literature with their sources. Not for patients, diagnosis or treatment, and "
        "not where nobody reads what it writes."
    )


def _title(facts: ExportFacts) -> str:
    """Give the name under which it may be given out."""
    return f"Llama-{facts.name}" if breaks_naming_rule(facts, facts.name) else facts.name


def _use(facts: ExportFacts, *, for_transformers: bool) -> Iterator[str]:
    yield ""
    yield "## How to ask it"
    yield ""
    if for_transformers:
        yield "    vllm serve . --served-model-name " + json.dumps(facts.name)
        yield "    medllm ask note.txt --index idx --model hf:."
    else:
        gguf = next((one.name for one in facts.files if one.kind == "gguf"), "MODEL.gguf")
        yield f"    medllm ask note.txt --index idx --model gguf:{gguf}"
        if has_go_template(facts.template):
            yield f"    ollama create {_title(facts).lower()} -f {MODELFILE}"
    yield ""
    stops = ", ".join(f"`{stop}`" for stop in facts.stop_tokens)
    yield (
        f"- prompts: the chat template `{facts.template}`; one that is written otherwise, or "
        "begins twice, is not what it was trained to read"
    )
    yield f"- an answer ends at: {stops}"
    yield f"- context: {facts.context_tokens:,} tokens; temperature: {facts.temperature:g}"
    if facts.system:
        yield f"- system prompt: {json.dumps(facts.system, ensure_ascii=False)}"


def _proof(proof: Proof | None) -> Iterator[str]:
    yield ""
    yield "## Proof"
    yield ""
    if proof is None:
        yield "None: these files were not compared with the model that was evaluated."
        return
    yield (
        f"Each file ran in llama.cpp beside the model that was evaluated ({proof.reference}, "
        f"perplexity {proof.reference_perplexity:.4g}). Perplexity was measured on {proof.text}, "
        f"{proof.n_tokens:,} tokens; divergence in nats."
    )
    yield ""
    table = Table(
        title="Proof",
        header=[
            *("file", "size", "result", "texts cut alike", "prompts alike", "mean KL"),
            *("same first choice", "same answers", "perplexity", "tokens/s"),
        ],
        rows=[_proof_row(row) for row in proof.files],
    )
    yield from table_lines(table)
    for row in proof.files:
        yield from (f"\n{row.file} failed: {reason}" for reason in row.reasons)


def _proof_row(row: FileProof) -> list[str]:
    return [
        f"`{row.file}`",
        _size(row.size_bytes),
        "passed" if row.passed else "FAILED",
        f"{row.n_texts_equal:,} of {row.n_texts:,}",
        f"{row.n_prompts_equal:,} of {row.n_prompts:,}",
        f"{row.mean_kl:.1e}",
        f"{row.top1:.2%} of {row.n_positions:,}",
        f"{row.n_answers_equal:,} of {row.n_answers:,}",
        f"{row.perplexity:.4g}",
        f"{row.tokens_per_s:,.0f}" if row.tokens_per_s >= 10 else f"{row.tokens_per_s:.1f}",
    ]


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.2f} MB"


def _training(facts: ExportFacts) -> Iterator[str]:
    source = facts.trained_on
    yield ""
    yield "## Training"
    yield ""
    yield f"- base: {facts.base}; {facts.n_parameters:,} parameters"
    if facts.run:
        yield f"- run: `{facts.run}`, SHA-256 of its weights `{facts.run_digest[:16]}…`"
    if source.is_known:
        yield f"- records: {', '.join(source.sets) or 'of no known set'}"
        yield f"- their licences: {', '.join(source.licences) or 'not stated'}"
        if source.is_gated:
            yield "- **some of them are given out only after an agreement**"
        may = "may hold" if source.may_hold_patient_text else "hold no"
        yield f"- they {may} text about real patients"
    else:
        yield "- records: not known, so it cannot be ruled out that they are about real patients"
    said = [(name, facts.versions[name]) for name in _MADE_WITH if name in facts.versions]
    versions = ", ".join(f"{name} {version}" for name, version in said)
    yield f"- made {facts.created or 'at an unknown time'} with {versions or 'unknown versions'}"


def _evaluation(report: Mapping[str, Any] | None) -> Iterator[str]:
    yield ""
    yield "## Evaluation"
    yield ""
    if report is None:
        yield "None came with this export: nothing here says how good its answers are."
        return
    try:
        yield f"On {report['items']['n']:,} held-out items. What the evaluation says:"
        yield ""
        yield from (f"- {sentence}" for sentence in report["summary"])
        yield ""
        yield "What it does not show:"
        yield ""
        yield from (f"- {sentence}" for sentence in report["limits"])
        for table in (means(report), differences(report)):
            if table.rows:
                yield f"\n### {table.title}\n\n{table.note}\n"
                yield from table_lines(table)
    except (KeyError, TypeError, AttributeError) as exc:
        raise DataError(
            "the report is not that of an evaluation",
            hint="name the report.json that `medllm evaluate run` wrote",
        ) from exc


def _licence(facts: ExportFacts, *, has_licence: bool) -> Iterator[str]:
    licences = licences_of(facts)
    yield ""
    yield "## Licence"
    yield ""
    if not licences:
        yield (
            f"**Not known**: {facts.base} does not say under which licence it is given out. Find "
            "it out before you pass this model on: without a licence you may not."
        )
        return
    named = " and ".join(f"[{one.title}]({one.url})" if one.url else one.title for one in licences)
    where = "; its text is in LICENSE" if has_licence else "; **its text is missing: add LICENSE**"
    yield f"{named}{where}. It holds for this model as for its base."
    if any(one.is_llama for one in licences):
        yield ""
        yield (
            "Use that the licence's acceptable use policy forbids is forbidden for this model too."
        )
