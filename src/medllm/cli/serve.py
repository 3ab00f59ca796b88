"""`medllm serve`: the page and the API on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from medllm.cli.ask import ModelOption
from medllm.cli.models import open_named
from medllm.cli.options import (
    ConfigOption,
    IndexOption,
    ModeOption,
    SearchMode,
    SetOption,
    choose_mode,
    read_config,
)
from medllm.cli.terminal import notice

if TYPE_CHECKING:
    from medllm.config import Config
    from medllm.serve.service import Service

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Where feedback, accounts and the audit log are stored. Without it nothing is.",
    ),
]
AnchorOption = Annotated[
    Path | None,
    typer.Option(
        "--anchor",
        metavar="FILE",
        help="Where the head of the audit log is kept, best on another disk; without it beside "
        "the log, where who can change the one can change the other.",
    ),
]


def serve(
    index: IndexOption,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The address to listen at.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, metavar="N", help="The port; 0: a free one.")
    ] = None,
    model: ModelOption = None,
    mode: ModeOption = None,
    data: DataOption = None,
    anchor: AnchorOption = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A file that holds the token; written there if it is absent."
        ),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Serve a page for clinicians, and an API.

    Prints the address to open, with a token that lets the page in. Ctrl-C ends it.

    \b
    Examples:
      medllm serve --index idx
      medllm serve --index idx --model ollama:llama3.2 --data serve-data
    """
    from medllm.serve.door import read_token
    from medllm.serve.run import find_place, serve_until_stopped

    settings = _settings(config, overrides, host, port, data)
    place = find_place(settings.serve)
    token = read_token(token_file)

    def make() -> Service:
        return _open(index, settings, Given(model, mode, data, anchor, token))

    def tell(service: Service) -> None:
        for kind, n in service.index.status()["documents"].items():
            if not n:
                notice(f"this index holds no {kind}")
        typer.echo(place.url if service.door.has_accounts else f"{place.url}#{token}")
        notice(f"summaries by {service.model_name()}; Ctrl-C ends the server")

    serve_until_stopped(make, place, when_up=tell)


class Given(NamedTuple):
    """What the command line says beside the settings."""

    model: str | None
    mode: SearchMode | None
    data: Path | None
    anchor: Path | None
    token: str


def _settings(
    config: Path | None,
    overrides: list[str] | None,
    host: str | None,
    port: int | None,
    data: Path | None,
) -> Config:
    """Read the settings, with the address of the command line, and check where they listen."""
    from medllm.serve.run import check_binding

    given = [f"serve.host={host}"] if host is not None else []
    given += [f"serve.port={port}"] if port is not None else []
    settings = read_config(config, [*(overrides or []), *given])
    has_accounts = data is not None and (data / "accounts.json").exists()
    check_binding(settings.serve, has_accounts=has_accounts)
    return settings


def _open(path: Path, settings: Config, given: Given) -> Service:
    """Open everything that the server works with."""
    from medllm.ask.road import Road
    from medllm.retrieve.embedded import EmbeddedIndex
    from medllm.serve.evaluated import read_evaluation
    from medllm.serve.service import Service
    from medllm.serve.shared_index import SharedIndex
    from medllm.serve.stores import open_records_system, open_stores

    writer = open_named(given.model or settings.ask.model, settings.models)
    report, name = settings.serve.evaluation, str(writer.spec) if writer else "extractive"
    evaluation = read_evaluation(report, name) if report else None
    records_system = open_records_system(settings.serve)
    stores = open_stores(settings, given.data, given.anchor, token=given.token)
    try:
        engine = EmbeddedIndex.open(path)
    except BaseException:
        stores.close()
        raise
    try:
        used, encoder = choose_mode(engine, settings.search, given.mode)
    except BaseException:
        stores.close()
        engine.close()
        raise
    index = SharedIndex(engine)
    road = Road(
        index=index,
        settings=settings.ask,
        mode=used,
        top=settings.search.top,
        encoder=encoder,
        model=writer,
    )
    other = None
    if settings.serve.compare:
        other = replace(road, model=open_named(settings.serve.compare, settings.models))
    return Service(
        config=settings,
        index_dir=path,
        index=index,
        road=road,
        door=stores.door,
        feedback=stores.feedback,
        audit=stores.audit,
        other_road=other,
        records_system=records_system,
        evaluation=evaluation,
    )
