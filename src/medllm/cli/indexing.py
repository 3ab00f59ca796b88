"""What `medllm index build` and `add` do between a command line and its report."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from medllm.cli.options import Kind
from medllm.cli.terminal import is_watched, notice, print_json, progress
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.data.reading import Reading
    from medllm.records import Document
    from medllm.retrieve.build import Added
    from medllm.retrieve.embedded import EmbeddedIndex
    from medllm.retrieve.encoders import Encoder


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be read, as what, and with which encoder."""

    command: str
    sources: list[Path]
    kind: Kind | None
    format: str | None
    encoder: Encoder | None
    as_json: bool


def load_named(spec: str | None) -> Encoder | None:
    """Load the encoder that --encoder names, if it names one."""
    if spec is None:
        return None
    from medllm.retrieve.encoders import load_encoder

    return load_encoder(spec)


def load_for(facts: dict[str, Any] | None, spec: str | None) -> Encoder | None:
    """Load the encoder that an index was made with, from where it lies now."""
    if facts is None and spec is None:
        return None
    if facts is None:
        raise ConfigError(
            "--encoder: this index has no vectors",
            hint="leave it out, or build a new index with --encoder",
        )
    from medllm.retrieve.encoders import load_encoder_of

    return load_encoder_of(facts, spec)


def check_sources(sources: list[Path], kind: Kind | None, format: str | None) -> None:
    """Raise for a source that cannot be read, before anything is made or changed."""
    from medllm.data.documents import read_documents
    from medllm.data.reading import Reading

    for source in sources:
        read_documents(source, kind=kind, format=format, reading=Reading())


def make_index(to: Path, task: Task) -> None:
    """Make a new index; take it away again where it fails before anything is in it."""
    from medllm.retrieve.embedded import EmbeddedIndex

    existed = to.exists()
    index = EmbeddedIndex.create(to, encoder=task.encoder.describe() if task.encoder else None)
    try:
        with index:
            add_to_index(index, task)
    except Exception:
        if not index.folder.average_length:
            shutil.rmtree(to, ignore_errors=True)
            if existed:
                to.mkdir(exist_ok=True)
        raise


def add_to_index(index: EmbeddedIndex, task: Task) -> None:
    """Read, add, report, and note it in the manifest; what was added before an error stays."""
    from medllm import manifest
    from medllm.cli.show_index import added_facts, show_added, show_holds
    from medllm.data.reading import Reading

    folder = index.folder.path
    manifest.read_entries(folder)  # a damaged one is said now, not after hours of work
    started, start = manifest.now(), time.perf_counter()
    reading = Reading()
    added = _read_into(index, task, reading)
    seconds = time.perf_counter() - start
    holds = index.status()["documents"]
    facts = added_facts(reading, added, holds, seconds)
    options = {"kind": task.kind, "format": task.format}
    entry = manifest.describe_run(
        task.command,
        options={**options, "encoder": index.folder.encoder},
        inputs=task.sources,
        started=started,
        results={name: value for name, value in facts.items() if name != "problems"},
    )
    manifest.append_entry(folder, entry)
    if task.as_json:
        print_json(facts)
        return
    typer.echo(show_added(reading, added, seconds))
    typer.echo(show_holds(folder, holds))
    if task.kind is None and not holds["patients"]:
        notice("all of it was taken for articles; patients are indexed with --kind patients")


def _read_into(index: EmbeddedIndex, task: Task, reading: Reading) -> Added:
    from medllm.retrieve.build import add_documents

    with progress("indexing", "documents", _count(task)) as advance:
        added = add_documents(
            index,
            _read(task, reading),
            encoder=task.encoder,
            progress=lambda done: advance(done.documents),
        )
    names = [path.resolve().name for path in task.sources]
    index.folder.sources.append({"names": names, "taken": reading.taken, "added": added.added})
    index.finish()
    return added


def _count(task: Task) -> int | None:
    """Count what is to come where that costs little against what it is for: encoding."""
    from medllm.data.reading import Reading

    if task.encoder is None or not is_watched():
        return None
    return sum(1 for _ in _read(task, Reading()))


def _read(task: Task, reading: Reading) -> Iterator[Document]:
    from medllm.data.documents import read_documents

    for source in task.sources:
        yield from read_documents(source, kind=task.kind, format=task.format, reading=reading)


@contextmanager
def stoppable() -> Iterator[None]:
    """Say at Ctrl-C that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        notice("what was done so far is kept; the same command goes on")
        raise
