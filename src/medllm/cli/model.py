"""`medllm model new`: models on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from medllm.cli.options import JsonOption
from medllm.cli.terminal import print_json

app = typer.Typer(help="Make models.", no_args_is_help=True)


@app.command("new")
def new(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write.")],
    text: Annotated[
        list[Path],
        typer.Option(
            "--text",
            metavar="FILE",
            help="What its tokenizer learns words from: text or JSON Lines; may be repeated.",
        ),
    ],
    size: Annotated[
        Literal["tiny", "small"],
        typer.Option("--size", help="tiny: 0.2 million parameters; small: 16 million."),
    ] = "tiny",
    vocabulary: Annotated[
        int | None, typer.Option("--vocabulary", metavar="N", help="How many tokens it knows.")
    ] = None,
    tied: Annotated[
        bool, typer.Option("--tied/--untied", help="One matrix for reading and writing tokens.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives other weights.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make a Llama from scratch, with random weights, to try everything without a download.

    Example: medllm model new --size tiny --text examples/articles.jsonl --to tiny
    """
    from medllm.tune.new_model import new_model, read_texts

    made = new_model(read_texts(text), to, size=size, seed=seed, tied=tied, vocabulary=vocabulary)
    if as_json:
        print_json(made)
        return
    typer.echo(f"{to}: {made['parameters']:,} parameters, {made['vocabulary']:,} tokens")
