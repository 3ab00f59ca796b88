"""`medllm index`: make an index, add to it, take out of it, look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medllm.cli.indexing import (
    Task,
    add_to_index,
    check_sources,
    load_for,
    load_named,
    make_index,
    stoppable,
)
from medllm.cli.options import JsonOption, Kind, opened
from medllm.cli.terminal import notice, print_json
from medllm.errors import DataError

app = typer.Typer()

SourceArgument = Annotated[
    list[Path], typer.Argument(metavar="SOURCE", help="Files or folders to read.")
]
DirArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The index folder.")]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="pmc-patients, beir, jsonl, text, e3c or pubmed-xml; without it the content decides.",
    ),
]
SourceKindOption = Annotated[
    Kind | None,
    typer.Option(
        "--kind",
        help="What the documents are. Without it pmc-patients are patients, in jsonl each "
        "record's own `kind` counts, and everything else is articles.",
    ),
]
EncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="SPEC",
        help="Also index vectors, made by: `offline`, a model folder, or the id of a model that "
        "was downloaded from the hub before.",
    ),
]
MovedEncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="SPEC",
        help="Where the index's encoder lies now, if not where it lay when the index was built.",
    ),
]


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Make an index of patients and articles, and keep it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def build(
    sources: SourceArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to make.")],
    kind: SourceKindOption = None,
    format: FormatOption = None,
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an index out of documents.

    Records that cannot be read are left out, counted and named by file and line. Stopped or
    killed, the same command goes on where it was.

    \b
    Examples:
      medllm index build PMC-Patients.csv --kind patients --to idx
      medllm index build notes/ --format text --kind patients --to idx --encoder offline
    """
    from medllm.retrieve.embedded import EmbeddedIndex
    from medllm.retrieve.folder import state_of

    check_sources(sources, kind, format)
    state = state_of(to)
    if state == "ready":  # said before an encoder is loaded for nothing
        hint = f"add to it with `medllm index add {to} ...`, or name another folder"
        raise DataError(f"{to} holds an index already", hint=hint)
    task = Task("index build", sources, kind, format, load_named(encoder), as_json)
    with stoppable():
        if state == "building":
            notice(f"going on with {to}")
            with EmbeddedIndex.open(to) as index:
                add_to_index(index, task)
        else:
            make_index(to, task)


@app.command()
def add(
    folder: DirArgument,
    sources: SourceArgument,
    kind: SourceKindOption = None,
    format: FormatOption = None,
    encoder: MovedEncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add documents; one with a known id replaces the older one.

    What is in the index unchanged is passed over, so a stopped command goes on where it was.

    \b
    Examples:
      medllm index add idx pubmed.xml.gz
      medllm index add idx cases.jsonl --kind articles
    """
    from medllm.retrieve.folder import state_of

    check_sources(sources, kind, format)
    if state_of(folder) == "building":  # adding would pass it off as finished
        hint = "run the same `medllm index build` again, it goes on; then add"
        raise DataError(f"the making of {folder} was not finished", hint=hint)
    with stoppable(), opened(folder) as index:
        loaded = load_for(index.folder.encoder, encoder)
        add_to_index(index, Task("index add", sources, kind, format, loaded, as_json))


@app.command()
def delete(
    folder: DirArgument,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of documents.")],
    as_json: JsonOption = False,
) -> None:
    """Remove documents without a trace.

    The index is written anew, so that nothing of them stays in its files.

    \b
    Example:
      medllm index delete idx 7665777-1
    """
    with stoppable(), opened(folder) as index:
        known = index.read(ids)
        index.delete(ids)
        index.compact()  # in any case: the last deletion may have been stopped before it
    unknown = [document_id for document_id in dict.fromkeys(ids) if document_id not in known]
    if as_json:
        print_json({"deleted": list(known), "unknown": unknown})
        return
    typer.echo(f"deleted {len(known)} of {len(known) + len(unknown)} documents")
    if unknown:
        typer.echo(f"not in the index: {', '.join(unknown)}")


@app.command()
def status(folder: DirArgument, as_json: JsonOption = False) -> None:
    """Show what an index holds and how it was made.

    \b
    Example:
      medllm index status idx
    """
    with opened(folder) as index:
        facts = index.status()
    if as_json:
        print_json(facts)
        return
    from medllm.cli.show_index import show_status

    typer.echo(show_status(folder, facts))


@app.command()
def snapshot(
    folder: DirArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to make.")],
    as_json: JsonOption = False,
) -> None:
    """Copy an index into a new folder that opens on its own.

    \b
    Example:
      medllm index snapshot idx --to idx-2026-11-20
    """
    with opened(folder) as index:
        index.snapshot(to)
    if as_json:
        print_json({"copied_to": str(to)})
    else:
        typer.echo(f"copied {folder} to {to}")
