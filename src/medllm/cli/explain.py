"""`medllm explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medllm.cli.options import JsonOption, NoteArgument, check_place, note_path
from medllm.cli.terminal import bold, print_json
from medllm.errors import ConfigError

_MOST_SHOWN = 20


def explain(
    note: NoteArgument = Path("-"),
    model: Annotated[
        str, typer.Option("--model", metavar="SPEC", help="A model here: hf:RUN or hf:BASE+RUN.")
    ] = "",
    answer: Annotated[
        str, typer.Option("--answer", help="The answer to explain; without it the model's own.")
    ] = "",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a coloured page.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which words of a prompt an answer rests on.

    Example: medllm explain examples/note.txt --model hf:out/first --html why.html
    """
    kind, _, name = model.partition(":")
    if kind != "hf" or not name:
        raise ConfigError("explain needs a model in this process", hint="--model hf:RUN")
    check_place(html, "--html")
    from medllm.ask.note import read_note
    from medllm.files import write_atomically
    from medllm.tune.explain import CONTROL, to_html
    from medllm.tune.explain import explain as run

    text = read_note(note_path(note), max_characters=100_000).text
    found = run(name, text, answer)
    if html is not None:
        write_atomically(html, to_html(found))
    if as_json:
        print_json(found.to_json())
        return
    typer.echo(bold("ANSWER ") + "".join(found.answer))
    typer.echo(bold("RESTS ON ") + "(how much each word spoke for the answer)")
    said = [(own, text.strip()) for text, own in found.words]
    words = [(own, text) for own, text in said if text and not CONTROL.fullmatch(text)]
    for own, word in sorted(words, key=lambda one: -abs(one[0]))[:_MOST_SHOWN]:
        typer.echo(f"  {own:+8.3f}  {word}")
