"""Work on the index that takes long: in one thread, with progress and cancel."""

from __future__ import annotations

import itertools
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from medllm import manifest
from medllm.data.documents import read_documents
from medllm.data.reading import Reading
from medllm.errors import ConfigError, DataError, MedllmError
from medllm.records import Document, DocumentKind
from medllm.retrieve.build import Added, add_documents
from medllm.retrieve.encoders import Encoder
from medllm.serve.shared_index import SharedIndex
from medllm.serve.waiting import Busy

UPLOAD = ".upload-"
"""How files begin that wait in the index folder to be read; what a kill left is swept up."""
_BATCH = 64
_BATCH_ENCODED = 8
"""Documents that go in at once: searches wait for as long as one batch takes."""
_MAX_JOBS = 50
_MAX_OPEN = 20
_COME_AGAIN_S = 30
_MAX_PROBLEMS = 20

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Cancelled(Exception):
    """Raised within a job that a user took back."""


@dataclass(eq=False)
class Job:
    """A piece of work and how far it is."""

    what: Literal["add", "delete"]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: State = "waiting"
    done: int = 0
    total: int | None = None
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    deleted: int = 0
    left_out: int = 0
    problems: list[str] = field(default_factory=list)
    error: str = ""
    hint: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def describe(self) -> dict[str, object]:
        """Give what a user may see."""
        return {name: value for name, value in vars(self).items() if name != "cancelled"}


class Jobs:
    """The jobs of one index, one after another."""

    def __init__(self, index: SharedIndex, folder: Path, encoder: Encoder | None) -> None:
        self._index = index
        self._folder = folder
        self._encoder = encoder
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="medllm-job")
        for left in folder.glob(f"{UPLOAD}*"):
            left.unlink(missing_ok=True)

    def upload_path(self) -> Path:
        """Give a new place in the index folder for a file that is to be read."""
        return self._folder / f"{UPLOAD}{uuid.uuid4()}"

    def find(self, job_id: str) -> Job | None:
        """Give a job, None where it is not known or long over."""
        return self._jobs.get(job_id)

    def list(self) -> list[Job]:
        """Give the jobs, the newest first."""
        return list(reversed(self._jobs.values()))

    def cancel(self, job: Job) -> None:
        """Stop a job after the batch that it is at; what was added before stays."""
        job.cancelled.set()
        if job.state == "waiting":
            job.state = "cancelled"

    def add(self, path: Path, *, kind: DocumentKind | None, format: str | None) -> Job:
        """Read a file into the index; the file is gone afterwards."""
        try:
            read_documents(path, kind=kind, format=format, reading=Reading())
        except DataError as exc:
            raise DataError(_without_path(str(exc)), hint=exc.hint.replace("--format", "")) from exc
        job = Job("add")

        def work() -> None:
            try:
                self._add(job, path, kind, format)
            finally:
                path.unlink(missing_ok=True)

        return self._submit(job, work)

    def delete(self, ids: Sequence[str]) -> Job:
        """Take documents out without a trace: the index is written anew."""
        job = Job("delete", total=len(ids))

        def work() -> None:
            with self._index.changing() as engine:
                job.deleted = engine.delete(ids)
                job.done = len(ids)
                engine.compact()

        return self._submit(job, work)

    def close(self) -> None:
        """Stop after the batch that is being added."""
        for job in self._jobs.values():
            job.cancelled.set()
        self._thread.shutdown(wait=True, cancel_futures=True)
        for left in self._folder.glob(f"{UPLOAD}*"):
            left.unlink(missing_ok=True)

    def _submit(self, job: Job, work: Callable[[], None]) -> Job:
        if sum(known.state in ("waiting", "running") for known in self._jobs.values()) >= _MAX_OPEN:
            raise Busy(_COME_AGAIN_S, is_own=False)
        self._jobs[job.id] = job
        while len(self._jobs) > _MAX_JOBS:
            self._jobs.popitem(last=False)
        self._thread.submit(self._run, job, work)
        return job

    def _run(self, job: Job, work: Callable[[], None]) -> None:
        job.state = "running"
        try:
            if job.cancelled.is_set():
                raise Cancelled
            work()
            job.state = "done"
        except Cancelled:
            job.state = "cancelled"
        except MedllmError as exc:
            job.error, job.hint, job.state = _without_path(str(exc)), exc.hint, "failed"
        finally:
            if job.state == "running":
                job.error, job.state = "something went wrong", "failed"

    def _add(self, job: Job, path: Path, kind: DocumentKind | None, format: str | None) -> None:
        started, reading = manifest.now(), Reading()
        documents = read_documents(path, kind=kind, format=format, reading=reading)
        try:
            for batch in _batches(documents, _BATCH_ENCODED if self._encoder else _BATCH):
                if job.cancelled.is_set():
                    raise Cancelled
                with self._index.changing() as engine:
                    added = add_documents(engine, batch, encoder=self._encoder)
                _count(job, added, len(batch), reading)
        finally:
            _count(job, Added(), 0, reading)
            self._note(job, path, started, kind, format)

    def _note(
        self, job: Job, path: Path, started: str, kind: DocumentKind | None, format: str | None
    ) -> None:
        """Write everything down, and into the index's manifest what was added."""
        with self._index.changing() as engine:
            engine.folder.sources.append(
                {"names": ["(uploaded)"], "taken": job.done, "added": job.added}
            )
            engine.flush()
        entry = manifest.describe_run(
            "serve: add",
            options={"kind": kind, "format": format},
            inputs=[path],
            started=started,
            results={"added": job.added, "replaced": job.replaced, "left_out": job.left_out},
        )
        manifest.append_entry(self._folder, entry)


def _batches(documents: Iterator[Document], size: int) -> Iterator[list[Document]]:
    while batch := list(itertools.islice(documents, size)):
        yield batch


def _count(job: Job, added: Added, n_read: int, reading: Reading) -> None:
    job.done += n_read
    job.added += added.added
    job.replaced += added.replaced
    job.unchanged += added.unchanged
    job.left_out = reading.left_out
    job.problems = [_without_path(str(problem)) for problem in reading.problems[:_MAX_PROBLEMS]]


def _without_path(message: str) -> str:
    """Leave the name of the waiting file out of a message: it means nothing to who sent it."""
    return re.sub(rf"\S*{re.escape(UPLOAD)}[0-9a-f-]+", "the file", message)


def find_kind(name: str) -> DocumentKind | None:
    """Give the kind that a query names, None for "" and "auto"."""
    if name in ("", "auto"):
        return None
    if name == "patients":
        return "patients"
    if name == "articles":
        return "articles"
    raise ConfigError(f"unknown kind {name[:20]!r}", hint="patients, articles, or nothing")
