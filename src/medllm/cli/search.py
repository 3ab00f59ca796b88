"""`medllm search`: documents for a few words or for a whole note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medllm.cli.options import (
    KINDS,
    ConfigOption,
    IndexOption,
    JsonOption,
    KindOption,
    ModeOption,
    SetOption,
    TopOption,
    choose_mode,
    opened,
    read_config,
    read_text,
    tell_what_is_absent,
)
from medllm.cli.terminal import print_json
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.records import DocumentKind, Hit
    from medllm.retrieve.search import Mode

TextArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="TEXT",
        help="What to search for. Other users of this machine can see what stands on a command "
        "line: give patient text as --file.",
    ),
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="A note to search with, - for standard input."),
]
SexOption = Annotated[
    Literal["F", "M"] | None, typer.Option(case_sensitive=False, help="Patients of this sex.")
]
YearOption = Annotated[int | None, typer.Option(metavar="YEAR", help="Published in it or later.")]
YearToOption = Annotated[int | None, typer.Option(metavar="YEAR", help="Published up to it.")]
AgeOption = Annotated[
    float | None, typer.Option(metavar="YEARS", min=0, help="Patients of at least this age.")
]
AgeToOption = Annotated[
    float | None, typer.Option(metavar="YEARS", min=0, help="Patients of at most this age.")
]


def search(
    index: IndexOption,
    text: TextArgument = None,
    file: FileOption = None,
    kind: KindOption = None,
    mode: ModeOption = None,
    top: TopOption = None,
    year_from: YearOption = None,
    year_to: YearToOption = None,
    sex: SexOption = None,
    age_from: AgeOption = None,
    age_to: AgeToOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find similar patients and relevant articles.

    What the text negates, or says of somebody else, is not searched for.

    \b
    Examples:
      medllm search "pleuritic chest pain after surgery" --index idx
      medllm search --index idx --kind articles --file note.txt --top 10
      medllm search "Kawasaki disease" --index idx --kind patients --age-to 2
    """
    from medllm.clinical.findings import find_findings
    from medllm.retrieve.index import Filter
    from medllm.retrieve.note_search import read_query, search_note

    _check_range("year", year_from, year_to)
    _check_range("age", age_from, age_to)
    settings = read_config(config, overrides)
    note = read_text(text, file, max_characters=settings.ask.max_note_characters)
    query = read_query(note, find_findings(note))
    where = Filter(year_from=year_from, year_to=year_to, sex=sex, age_from=age_from, age_to=age_to)
    found: dict[DocumentKind, list[Hit]] = {}
    with opened(index) as opened_index:
        used, encoder = choose_mode(opened_index, settings.search, mode)
        kinds = KINDS if kind is None else (kind,)
        tell_what_is_absent(opened_index, kinds)
        for one in kinds:
            found[one] = search_note(
                opened_index,
                query,
                where=replace(where, kind=one),
                mode=used,
                top=top or settings.search.top,
                encoder=encoder,
            )
    _hand_out(found, mode=used, as_json=as_json)


def _hand_out(
    found: Mapping[DocumentKind, Sequence[Hit]],
    *,
    mode: Mode,
    as_json: bool,
) -> None:
    """Print what was found, of each kind that was asked for."""
    from medllm.cli.show import hits_facts, show_hits

    if as_json:
        print_json({"mode": mode, **{kind: hits_facts(hits) for kind, hits in found.items()}})
        return
    lists = [show_hits(kind, hits, with_text=True) for kind, hits in found.items()]
    typer.echo("\n\n".join(lists))


def _check_range(name: str, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise ConfigError(
            f"--{name}-from {low:g} is beyond --{name}-to {high:g}",
            hint="exchange them, or leave one out",
        )
