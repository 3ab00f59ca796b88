"""`medllm findings`: what a note says, as medllm reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medllm.cli.options import (
    ConfigOption,
    JsonOption,
    NoteArgument,
    SetOption,
    note_path,
    read_config,
)
from medllm.cli.terminal import bold, notice, print_json, wrap

if TYPE_CHECKING:
    from medllm.clinical.scores import Score
    from medllm.config import Config
    from medllm.records import Finding

LexiconOption = Annotated[
    Path | None,
    typer.Option(
        "--lexicon",
        metavar="FILE",
        help="More names: an HPO .obo file, a UMLS MRCONSO.RRF, SNOMED CT, a table.",
    ),
]
ReaderOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="SPEC",
        help="Also read with a model; what the note does not hold is refused.",
    ),
]


def findings(
    note: NoteArgument = Path("-"),
    lexicon: LexiconOption = None,
    model: ReaderOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a note says, as medllm reads it.

    The patient's own findings, values, treatment, the past, what is absent, uncertain or others'.
    From the vital signs follow the early-warning scores NEWS2 and MEWS, where all parts are there.

    \b
    Examples:
      medllm findings note.txt
      medllm findings note.txt --lexicon hp.obo --json
    """
    from medllm.ask.note import read_note
    from medllm.cli.show_answer import show_findings
    from medllm.clinical.demographics import find_demographics
    from medllm.clinical.findings import find_findings
    from medllm.clinical.lexicon_files import load_lexicon
    from medllm.clinical.scores import early_warning_scores

    settings = read_config(config, overrides)
    text = read_note(note_path(note), max_characters=settings.ask.max_note_characters).text
    found = find_findings(text, lexicon=load_lexicon(lexicon) if lexicon else None)
    if model is not None:
        found = _read_again(text, found, model, settings)
    scores = early_warning_scores(text, found)
    if as_json:
        who = find_demographics(text)
        demographics = {
            "age_years": who.age_years,
            "sex": who.sex,
            "pregnant": who.pregnant,
        }
        facts: dict[str, Any] = {
            "findings": [asdict(finding) for finding in found],
            "demographics": demographics,
            "scores": [asdict(score) for score in scores],
        }
        print_json(facts)
        return
    typer.echo(show_findings(found))
    typer.echo("\n" + bold("EARLY-WARNING SCORES"))
    for score in scores:
        typer.echo(wrap(_in_words(score), indent="         ", first=f"  {score.name:<6} "))


def _read_again(text: str, found: Sequence[Finding], model: str, settings: Config) -> list[Finding]:
    """Add what a second reader finds; say what of it was refused."""
    from medllm.cli.models import open_named
    from medllm.clinical.second_reader import merge_findings, read_with_model
    from medllm.errors import ConfigError

    reader = open_named(model, settings.models)
    if reader is None:
        raise ConfigError(
            "a second reader needs a language model, and there is none",
            hint="name one: --model ollama:NAME",
        )
    reading = read_with_model(text, reader)
    if reading.not_in_text or reading.unreadable:
        notice(
            f"refused of the second reader: {reading.not_in_text} findings that the note does not "
            f"hold, {reading.unreadable} that cannot be read"
        )
    return merge_findings(found, reading.findings)


def _in_words(score: Score) -> str:
    if score.total is not None:
        return str(score.total)
    if score.not_applicable:
        return f"does not apply: {score.not_applicable}"
    return f"not counted, the note lacks: {', '.join(score.missing)}"
