"""Augmenting whole files: paths in, a file out, counts back."""

from __future__ import annotations

from pathlib import Path

from medllm.data.augment.rewrite import PROMPT, Method, augment_with_model
from medllm.data.augment.synonyms import Augmented, augment_with_synonyms
from medllm.data.augment.wordnet import load_synonyms
from medllm.data.journal import Journal
from medllm.data.progress import Progress, no_progress, told
from medllm.data.sft_files import count_lines, load_records, refuse_same, write_lines
from medllm.files import sha256_file
from medllm.models.chat import Model

_STEP = "augmenting"


def augment_file_with_synonyms(
    source: Path,
    to: Path,
    wordnet: Path,
    *,
    share: float = 1.0,
    key: str = "medllm",
    progress: Progress = no_progress,
) -> Augmented:
    """Write the records of a file, each with its copy behind it; give the counts."""
    refuse_same(source, to)
    counts = Augmented()
    synonyms = load_synonyms(wordnet)
    records = told(load_records(source), _STEP, progress, count_lines(source))
    with write_lines(to) as lines:
        for record in augment_with_synonyms(records, synonyms, share=share, key=key, counts=counts):
            lines.write_record(record)
    return counts


def augment_file_with_model(
    source: Path,
    to: Path,
    model: Model,
    *,
    method: Method = "paraphrase",
    language: str = "German",
    share: float = 1.0,
    key: str = "medllm",
    progress: Progress = no_progress,
) -> Augmented:
    """Write the records of a file, each with a copy that a model worded anew; give the counts.

    What the model said stands in a journal beside the output until all is done: killed and run
    again, it goes on.
    """
    refuse_same(source, to)
    counts = Augmented()
    made_of = f"{PROMPT} {model.spec} {method} {language} {sha256_file(source)}"
    with Journal(journal_of(to), made_of) as journal:
        records = told(load_records(source), _STEP, progress, count_lines(source), every=1)
        with write_lines(to) as lines:
            for record in augment_with_model(
                records,
                model,
                method=method,
                language=language,
                share=share,
                key=key,
                journal=journal,
                counts=counts,
            ):
                lines.write_record(record)
        if not counts.failed:
            journal.delete()
    return counts


def journal_of(path: Path) -> Path:
    """Give where the answers of a model stand until a file is finished."""
    return path.with_name(f".{path.name}.journal")
