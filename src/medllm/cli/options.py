"""Options that several commands share, and what they open."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medllm.cli.terminal import notice
from medllm.errors import ConfigError, DataError, MissingExtraError

if TYPE_CHECKING:
    from medllm.config import Config, SearchConfig
    from medllm.retrieve.embedded import EmbeddedIndex
    from medllm.retrieve.encoders import Encoder
    from medllm.retrieve.search import Mode

Kind = Literal["patients", "articles"]
SearchMode = Literal["auto", "bm25", "dense", "hybrid"]

KINDS: tuple[Kind, ...] = ("patients", "articles")

NoteArgument = Annotated[
    Path, typer.Argument(metavar="NOTE", help="A text file; - or none: standard input.")
]
IndexOption = Annotated[Path, typer.Option("--index", metavar="DIR", help="The index folder.")]
KindOption = Annotated[
    Kind | None, typer.Option("--kind", help="Only patients, or only articles; without it both.")
]
ModeOption = Annotated[
    SearchMode | None,
    typer.Option(
        "--mode",
        help="By words (bm25), by vector (dense), by both (hybrid); auto, the default, takes both "
        "where the index has vectors.",
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option("--top", min=1, max=1000, metavar="N", help="How many of each kind are found."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A TOML file with settings; without it config.toml in the folder MEDLLM_HOME.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one setting; may be repeated."),
]


def read_config(config: Path | None, overrides: list[str] | None) -> Config:
    """Read the settings of a call."""
    from medllm.config import home_config, load_config

    return load_config(config or home_config(), overrides or [])


@contextmanager
def opened(path: Path) -> Iterator[EmbeddedIndex]:
    """Open an index for the length of a command."""
    from medllm.retrieve.embedded import EmbeddedIndex

    with EmbeddedIndex.open(path) as index:
        if index.folder.state != "ready":
            notice(
                f"the making of {path} was not finished; the same `medllm index build` goes on "
                "with it"
            )
        yield index


def tell_what_is_absent(index: EmbeddedIndex, kinds: Iterable[Kind]) -> None:
    """Say where an index holds no document of a kind that is searched for."""
    from medllm.retrieve.index import Filter

    for kind in kinds:
        if not index.count(Filter(kind=kind)):
            notice(f"this index holds no {kind}")


def choose_mode(
    index: EmbeddedIndex, settings: SearchConfig, mode: SearchMode | None
) -> tuple[Mode, Encoder | None]:
    """Give the mode to search in and its encoder, loaded only where it is needed."""
    wanted = mode or settings.mode
    facts = index.folder.encoder
    if wanted == "bm25" or (wanted == "auto" and facts is None):
        return "bm25", None
    if facts is None:
        raise ConfigError(
            f"--mode {wanted} needs an encoder, and this index has none",
            hint="search with --mode bm25, or build the index with --encoder offline",
        )
    from medllm.retrieve.encoders import load_encoder_of

    try:
        encoder = load_encoder_of(facts, settings.encoder or None)
    except MissingExtraError as exc:
        if wanted != "auto":
            raise
        notice(f"searching by words only: {exc} ({exc.hint})")
        return "bm25", None
    return ("hybrid" if wanted == "auto" else wanted), encoder


def read_text(text: str | None, file: Path | None, *, max_characters: int) -> str:
    """Give what is searched for, from the command line or from a file."""
    from medllm.ask.note import check_note, read_note

    if (text is None) == (file is None):
        raise ConfigError(
            "give either a text to search for or --file",
            hint='medllm search "pleuritic chest pain after surgery" --index DIR',
        )
    if file is not None:
        return read_note(note_path(file), max_characters=max_characters).text
    try:
        (text or "").encode("utf-8")
    except UnicodeEncodeError as exc:  # the shell handed over bytes of another encoding
        raise DataError("the text is not UTF-8", hint="give it as a file: --file") from exc
    return check_note(text or "", max_characters).text


def note_path(file: Path) -> Path | None:
    """Give a note's path; None for standard input, and say so where a person has to type it."""
    if str(file) != "-":
        return file
    if sys.stdin is None:  # as it is where a shell closed it
        raise DataError("standard input is closed", hint="give the path of a text file")
    if sys.stdin.isatty():
        notice("type or paste the patient description, then press Ctrl-D on a line of its own")
    return None


def check_place(path: Path | None, option: str) -> None:
    """Raise `DataError` where a file cannot be written, before any work is done for it."""
    if path is None:
        return
    folder = path.parent
    if path.is_dir():
        raise DataError(f"{option}: {path} is a folder", hint="name a file in it")
    if not folder.is_dir():
        raise DataError(f"{option}: the folder {folder} does not exist", hint=f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataError(f"{option}: the folder {folder} is not writable", hint="name another place")
