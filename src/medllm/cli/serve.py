"""`medllm serve`: the page and the API on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medllm.cli.ask import ModelOption
from medllm.cli.models import open_named
from medllm.cli.options import (
    ConfigOption,
    IndexOption,
    ModeOption,
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
        help="Where feedback is stored. Without it nothing is stored.",
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
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A file that holds the token; written there if it is absent."
        ),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Serve the page that a clinician uses, and an API, on this machine.

    Prints the address to open, with a token that lets the page in. Ctrl-C ends it.

    \b
    Examples:
      medllm serve --index idx
      medllm serve --index idx --model ollama:llama3.2 --data serve-data
    """
    from medllm.serve.run import find_place, serve_until_stopped

    settings = _settings(config, overrides, host, port)
    place = find_place(settings.serve)
    token = ""

    def make() -> Service:
        nonlocal token
        service, token = _open(index, settings, model=model, mode=mode, data=data, file=token_file)
        return service

    def tell(service: Service) -> None:
        for kind, n in service.index.status()["documents"].items():
            if not n:
                notice(f"this index holds no {kind}")
        typer.echo(f"{place.url}#{token}")
        notice(f"summaries by {service.model_name()}; Ctrl-C ends the server")

    serve_until_stopped(make, place, when_up=tell)


def _settings(
    config: Path | None, overrides: list[str] | None, host: str | None, port: int | None
) -> Config:
    """Read the settings, with the address of the command line, and check where they listen."""
    from medllm.serve.run import check_binding

    given = [f"serve.host={host}"] if host is not None else []
    given += [f"serve.port={port}"] if port is not None else []
    settings = read_config(config, [*(overrides or []), *given])
    check_binding(settings.serve, has_accounts=False)
    return settings


def _open(
    path: Path,
    settings: Config,
    *,
    model: str | None,
    mode: str | None,
    data: Path | None,
    file: Path | None,
) -> tuple[Service, str]:
    """Open everything that the server works with; give it and the token."""
    from medllm.ask.road import Road
    from medllm.retrieve.embedded import EmbeddedIndex
    from medllm.serve.door import LocalDoor, read_token
    from medllm.serve.feedback import FeedbackStore
    from medllm.serve.run import data_path
    from medllm.serve.service import Service
    from medllm.serve.shared_index import SharedIndex

    token = read_token(file)
    writer = open_named(model or settings.ask.model, settings.models)
    feedback_path = data_path(data, "feedback.sqlite")
    engine = EmbeddedIndex.open(path)
    try:
        used, encoder = choose_mode(engine, settings.search, mode)  # type: ignore[arg-type]
        index = SharedIndex(engine)
        road = Road(
            index=index,
            settings=settings.ask,
            mode=used,
            top=settings.search.top,
            encoder=encoder,
            model=writer,
        )
        feedback = FeedbackStore(feedback_path) if feedback_path else None
        service = Service(
            config=settings,
            index_dir=path,
            index=index,
            road=road,
            door=LocalDoor(token),
            feedback=feedback,
        )
    except BaseException:
        engine.close()
        raise
    return service, token
