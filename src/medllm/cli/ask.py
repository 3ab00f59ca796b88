"""`medllm ask`: from a patient description to a cited summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medllm.cli.models import open_named
from medllm.cli.options import (
    KINDS,
    ConfigOption,
    IndexOption,
    JsonOption,
    ModeOption,
    NoteArgument,
    SetOption,
    TopOption,
    check_place,
    choose_mode,
    note_path,
    opened,
    read_config,
    tell_what_is_absent,
)
from medllm.cli.terminal import is_watched, notice, print_json
from medllm.errors import ModelError

if TYPE_CHECKING:
    from medllm.ask.road import Road
    from medllm.cli.show_answer import Printer
    from medllm.records import Answer, Note

_SHOWN = 5
"""Documents of each kind that are printed, where --top asks for no other number."""
_WITHOUT = "do without it: --model extractive"

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="SPEC",
        help="Who writes the summary: extractive (no language model: quoted sentences), "
        "ollama:NAME, openai:URL#NAME, hf:PATH, gguf:FILE, or auto, the default: an Ollama on this "
        "machine if one answers, else extractive.",
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Also write the answer as one HTML page."),
]


def ask(
    index: IndexOption,
    note: NoteArgument = Path("-"),
    model: ModelOption = None,
    html: HtmlOption = None,
    mode: ModeOption = None,
    top: TopOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show findings, similar patients, articles and a cited summary.

    Each sentence of the summary names its sources and bears the verdict of a check against them.

    \b
    Examples:
      medllm ask note.txt --index idx --html answer.html
      medllm ask note.txt --index idx --model ollama:llama3.2
      pdftotext letter.pdf - | medllm ask --index idx --json
    """
    from medllm.ask.note import read_note
    from medllm.ask.road import Road
    from medllm.cli.show_answer import Printer

    settings = read_config(config, overrides)
    check_place(html, "--html")
    read = read_note(note_path(note), max_characters=settings.ask.max_note_characters)
    writer = open_named(model or settings.ask.model, settings.models)
    with opened(index) as opened_index:
        tell_what_is_absent(opened_index, KINDS)
        used, encoder = choose_mode(opened_index, settings.search, mode)
        road = Road(
            index=opened_index,
            settings=settings.ask,
            mode=used,
            top=top or settings.search.top,
            encoder=encoder,
            model=writer,
        )
        answer = _walk(road, read, Printer(quiet=as_json, at_most=top or _SHOWN))
    _hand_out(answer, html, as_json=as_json)
    if answer.summary.incomplete:
        hint = answer.summary.hint
        raise ModelError(
            f"the summary is incomplete: {answer.summary.incomplete}",
            hint=f"{hint}; or {_WITHOUT}" if hint else _WITHOUT,
        )


def _walk(road: Road, note: Note, printer: Printer) -> Answer:
    """Print each step as soon as it is there; give the answer."""
    from medllm.ask.road import walk

    for step in walk(road, note):
        printer.show(step)
        if step.answer is not None:
            return step.answer
        if step.articles is not None and road.model is not None and is_watched():
            notice(f"asking {road.model.spec}")
    raise AssertionError("the road ends with an answer")


def _hand_out(answer: Answer, html: Path | None, *, as_json: bool) -> None:
    """Write the page and print the JSON, where they were asked for."""
    from medllm.ask.page.render import render_page
    from medllm.files import write_atomically
    from medllm.records import to_json

    if html is not None:
        write_atomically(html, render_page(answer))
        notice(f"wrote {html}")
    if as_json:
        print_json(to_json(answer))
