"""A process that changes an index until it is killed: `python -m tests.retrieve.churn`.

It prints a line when a change is done, that is, acknowledged. The changes follow from a seed, so
that whoever killed it knows what the index must hold.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from medllm.records import Document
from medllm.retrieve import folder
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.shards import Shards
from tests.retrieve.invented import VOCABULARY

Change = tuple[Literal["add", "delete", "compact"], tuple[Any, ...]]

_ROOT = Path(__file__).resolve().parent.parent.parent


def changes(seed: int, then: str = "") -> Iterator[Change]:
    """Give changes: the first 250 documents, then `then`, or replacements and more without end."""
    rng = random.Random(seed)
    yield "add", tuple(_document(rng, number) for number in range(250))
    if then in ("grow", "replace"):
        numbers = range(50, 150) if then == "replace" else range(300, 400)
        yield "add", tuple(_document(rng, number) for number in numbers)
    elif then:
        yield "delete", tuple(f"d{number}" for number in range(50, 150))
        if then == "compact":
            yield "compact", ()
    while not then:
        what = rng.choices(["add", "delete", "compact"], weights=[8, 4, 1])[0]
        numbers = [rng.randrange(600) for _ in range(rng.randint(1, 40))]
        if what == "add":
            yield "add", tuple(_document(rng, number) for number in numbers)
        elif what == "delete":
            yield "delete", tuple(f"d{number}" for number in numbers)
        else:
            yield "compact", ()


def _document(rng: random.Random, number: int) -> Document:
    sentences = [
        " ".join(rng.choices(VOCABULARY, k=rng.randint(1, 60))).capitalize() + "."
        for _ in range(rng.randint(1, 12))
    ]
    kind: Any = rng.choice(["patients", "articles"])
    return Document(id=f"d{number}", kind=kind, text=" ".join(sentences))


def states(seed: int, then: str = "") -> Iterator[dict[str, Document]]:
    """Give what the index holds before the first change and after each."""
    held: dict[str, Document] = {}
    yield dict(held)
    for what, of in changes(seed, then):
        if what == "add":
            held.update({document.id: document for document in of})
        elif what == "delete":
            held = {key: document for key, document in held.items() if key not in of}
        yield dict(held)


def start(path: Path, *, seed: int, then: str = "", die_at: str = "") -> subprocess.Popen[str]:
    """Start the process; in its last change it kills itself at the step `die_at`."""
    command = [sys.executable, "-m", "tests.retrieve.churn", str(path), str(seed), then, die_at]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)


def _main(path: Path, seed: int, then: str, die_at: str) -> None:
    last = len(list(changes(seed, then))) - 1 if then else -1
    with EmbeddedIndex.create(path, encoder=None) as index:
        for number, (what, of) in enumerate(changes(seed, then)):
            if number == last:
                _arrange(index, die_at)
            if what == "add":
                add_documents(index, of)
            elif what == "delete":
                index.delete(of)
            else:
                index.compact()
            print(number, flush=True)


class _Dying:
    """A shard that kills its process before or after an update, counted over both shards."""

    def __init__(self, shard: Any, when: str, updates: Iterator[int]) -> None:
        self._shard, self._when, self._updates = shard, when, updates

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shard, name)

    def update(self, operation: Any) -> None:
        is_last = next(self._updates) == 1
        if is_last and self._when == "before":
            _die()
        self._shard.update(operation)
        if is_last:
            _die()


def _arrange(index: EmbeddedIndex, step: str) -> None:
    """Arrange for death at a step: "before 2", "after 1" count the engine's updates from now."""
    die: Any = lambda *args, **kwargs: _die()  # noqa: E731
    if step.startswith(("before", "after")):
        when, number = step.split()
        updates = itertools.count(int(number), -1)
        for name in ("passages", "documents"):
            shard: Any = _Dying(getattr(index._shards, name), when, updates)
            setattr(index._shards, name, shard)
    elif step == "once copied":
        copy = Shards.copy
        Shards.copy = lambda shards, to: (copy(shards, to), _die())  # type: ignore
    elif step == "between the renames":
        rename = os.rename
        os.rename = lambda source, target: (rename(source, target), _die())  # type: ignore
    elif step == "once renamed":
        folder.sync_dir = die
    elif step == "while closing":
        folder.files_digest = die


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
