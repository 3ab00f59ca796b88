"""`medllm data read`, `clean`, `dedupe`, `split`, `mix`: the steps of `prepare`, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medllm.cli.data_progress import steps_shown
from medllm.cli.options import JsonOption
from medllm.cli.terminal import notice, print_json
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.data.prepare.steps import StepCounts

SourceArgument = Annotated[
    Path, typer.Argument(metavar="RECORDS", help="A file of records (JSON Lines).")
]
SourcesArgument = Annotated[
    list[Path], typer.Argument(metavar="RECORDS", help="Files of records (JSON Lines).")
]
ToOption = Annotated[
    Path, typer.Option("--to", metavar="FILE", help="The file of records to write.")
]


def read(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of `medllm data list`.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Its file or folder.")],
    to: ToOption,
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="Only train, validation or test.")
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", help="Only the first N records.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Turn a data set into a file of records, which the other steps take.

    What is broken or has no answer is named in FILE.left_out.jsonl.

    Example: medllm data read medquad MedQuAD/ --to medquad.jsonl
    """
    from medllm.data.prepare.steps import read_file

    with steps_shown() as tell:
        counts = read_file(name, path, to, split=split, limit=limit, progress=tell)
    _show(counts, to, as_json=as_json)
    if counts.broken:
        notice(f"{counts.broken:,} broken: {'; '.join(counts.broken_places)}")


def clean(
    source: SourceArgument,
    to: ToOption,
    strip_html: Annotated[bool, typer.Option(help="Take tags and entities away.")] = True,
    strip_boilerplate: Annotated[
        bool, typer.Option(help="Take greetings and sign-offs off the answers of dialogues.")
    ] = True,
    languages: Annotated[
        str, typer.Option("--languages", metavar="CODES", help="Keep only these, as en,de.")
    ] = "",
    min_question: Annotated[
        int, typer.Option("--min-question", min=1, metavar="N", help="The shortest question.")
    ] = 1,
    min_answer: Annotated[
        int, typer.Option("--min-answer", min=1, metavar="N", help="The shortest answer.")
    ] = 1,
    max_question: Annotated[
        int,
        typer.Option("--max-question", min=1, metavar="N", help="The longest, in characters."),
    ] = 200_000,
    max_answer: Annotated[
        int, typer.Option("--max-answer", min=1, metavar="N", help="The longest, in characters.")
    ] = 100_000,
    as_json: JsonOption = False,
) -> None:
    """Clean the texts of records and leave out what is empty, broken, too long or foreign.

    Example: medllm data clean medquad.jsonl --to clean.jsonl --languages en
    """
    from medllm.data.prepare.clean import CleanRules
    from medllm.data.prepare.steps import clean_file

    rules = CleanRules(
        strip_html=strip_html,
        strip_boilerplate=strip_boilerplate,
        languages=tuple(code.strip() for code in languages.split(",") if code.strip()),
        min_question=min_question,
        min_answer=min_answer,
        max_question=max_question,
        max_answer=max_answer,
    )
    with steps_shown() as tell:
        counts = clean_file(source, to, rules, progress=tell)
    _show(counts, to, as_json=as_json)


def dedupe(
    sources: SourcesArgument,
    to: ToOption,
    near: Annotated[
        bool, typer.Option("--near/--exact", help="Edited and cut copies too, or only exact ones.")
    ] = True,
    agreement: Annotated[
        float,
        typer.Option(
            min=0.5,
            max=1,
            metavar="SHARE",
            help="How much of their words the answers of copies share.",
        ),
    ] = 0.68,
    as_json: JsonOption = False,
) -> None:
    """Leave out duplicates within and across files; of two the earlier is kept.

    Example: medllm data dedupe clean.jsonl more.jsonl --to distinct.jsonl
    """
    from medllm.data.prepare.steps import dedupe_files

    with steps_shown() as tell:
        counts = dedupe_files(sources, to, near=near, agreement=agreement, progress=tell)
    _show(counts, to, as_json=as_json)


def split(
    source: SourceArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write to.")],
    validation: Annotated[
        float,
        typer.Option(min=0, max=0.99, metavar="SHARE", help="How many groups for validation."),
    ] = 0.05,
    test: Annotated[
        float, typer.Option(min=0, max=0.99, metavar="SHARE", help="How many for the test.")
    ] = 0.05,
    held_out: Annotated[
        int,
        typer.Option("--held-out", min=0, metavar="N", help="Exactly N groups for the test."),
    ] = 0,
    keep_held_out: Annotated[
        Path | None,
        typer.Option("--keep-held-out", metavar="FILE", help="An earlier test.jsonl, kept so."),
    ] = None,
    key: Annotated[
        str, typer.Option(metavar="TEXT", help="Another key gives another split.")
    ] = "medllm",
    own: Annotated[
        bool, typer.Option("--own/--anew", help="Keep the splits a data set comes with.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Split records by a hash of their group: what is added later moves nothing.

    Example: medllm data split distinct.jsonl --to splits --held-out 120
    """
    from medllm.data.prepare.config import SplitConfig
    from medllm.data.prepare.steps import split_file

    if validation + test >= 1:
        raise ConfigError("--validation and --test leave nothing to learn from", hint="lower them")
    settings = SplitConfig(validation=validation, test=test, own=own, key=key)
    with steps_shown() as tell:
        counts = split_file(
            source, to, settings, held_out=held_out, keep_held_out=keep_held_out, progress=tell
        )
    if as_json:
        print_json(counts)
    else:
        typer.echo(f"{to}: " + ", ".join(f"{name} {n:,}" for name, n in counts.items()))


def mix(
    sources: SourcesArgument,
    to: ToOption,
    weights: Annotated[
        str, typer.Option("--weights", metavar="W,W", help="A weight for each file.")
    ] = "",
    temperature: Annotated[
        float | None,
        typer.Option(
            min=1, metavar="T", help="Shares by size to the power 1/T instead: more is more even."
        ),
    ] = None,
    over: Annotated[
        Literal["source", "task"], typer.Option(help="What the temperature balances.")
    ] = "source",
    total: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many records; 0 is as many as there are.")
    ] = 0,
    key: Annotated[
        str, typer.Option(metavar="TEXT", help="Another key gives another order.")
    ] = "medllm",
    as_json: JsonOption = False,
) -> None:
    """Mix files of records by weights or by temperature, shuffled, the same in every run.

    Example: medllm data mix dialogues.jsonl exams.jsonl --weights 3,1 --to mix.jsonl
    """
    from medllm.data.prepare.config import MixConfig
    from medllm.data.prepare.steps import mix_files

    if bool(weights) == (temperature is not None):
        raise ConfigError("give either --weights or --temperature", hint="--temperature 2")
    settings = MixConfig(
        by="weights" if weights else "temperature",
        over=over,
        temperature=temperature or 1.0,
        total=total,
    )
    with steps_shown() as tell:
        counts = mix_files(sources, to, settings, weights=_numbers(weights), key=key, progress=tell)
    if as_json:
        print_json(counts)
        return
    typer.echo(f"{to}: {sum(counts.values()):,} records")
    for source, n in counts.items():
        typer.echo(f"  {n:>9,}  {source}")


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        numbers = [-1.0]
    if any(not 0 <= number < float("inf") for number in numbers) or (numbers and not any(numbers)):
        raise ConfigError("--weights is not a list of numbers", hint="--weights 3,1")
    return numbers


def _show(counts: StepCounts, to: Path, *, as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict

        print_json(asdict(counts))
        return
    typer.echo(f"{to}: {counts.written:,} of {counts.read:,} records")
    for reason, n in sorted(counts.reasons.items(), key=lambda item: -item[1]):
        if n:
            typer.echo(f"  {n:>9,}  {reason}")
    if counts.left_out:
        from medllm.data.prepare.steps import left_out_path

        typer.echo(f"  {counts.left_out:,} left out, each with its reason: {left_out_path(to)}")
