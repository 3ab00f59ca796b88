"""`medllm model new` and `merge`: models on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from medllm.cli.options import JsonOption
from medllm.cli.terminal import print_json

app = typer.Typer(help="Make models and merge adapters.", no_args_is_help=True)


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


@app.command("merge")
def merge(
    source: Annotated[
        str, typer.Argument(metavar="RUN", help="A run folder, an adapter, or BASE+ADAPTER.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write.")],
    through: Annotated[
        Literal["original", "dequantised"],
        typer.Option(
            "--through",
            help="Add the adapter to the base as published, or to its 4-bit weights written out.",
        ),
    ] = "original",
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option("--dtype", help="Of what is written; auto is that of the base."),
    ] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Merge an adapter into its base, and compare the logits of both.

    The folder has all that vLLM, llama.cpp and `hf:` need: weights, tokenizer, template.

    Example: medllm model merge out/first --to out/first-merged
    """
    from medllm.tune.merge import merge as run

    done = run(source, to, through=through, dtype=dtype)
    if as_json:
        print_json(done)
        return
    difference = done["max_logit_difference"]
    typer.echo(f"{to}: merged; its logits differ from the trained model's by {difference:.1e}")
