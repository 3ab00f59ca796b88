"""What the tests of preparation share: invented records, and files of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from medllm.data.prepare.config import PrepareConfig
from medllm.data.sft_files import record_to_line
from medllm.records import SftRecord, Task, Turn

PARTS = {
    "place": "knee elbow shoulder ankle wrist hip back neck jaw scalp heel thumb".split(),
    "kind": "burning stabbing dull throbbing aching cramping itching tingling".split(),
    "when": "at night, in the morning, after meals, on stairs, when sitting, in the cold".split(
        ", "
    ),
    "since": "since spring, for weeks, for years, after a fall, after a journey".split(", "),
    "cause": "gardening, a new mattress, long drives, dancing, heavy bags, old shoes".split(", "),
    "worry": "my work, my sleep, my garden, the choir, the children, our holiday".split(", "),
}


SYLLABLES = "ba de fi go ka lu me ni po ra se ti vo za lor min tek dal fen gur".split()


def odd_words(draw: random.Random, n: int) -> str:
    """Give n invented words, so that two texts from one template still differ."""
    return " ".join("".join(draw.choices(SYLLABLES, k=3)) for _ in range(n))


def record(
    name: str,
    question: str = "Why does my knee ache after long walks in the hills?",
    answer: str = "Walking downhill loads the joint; a rest of some days often helps.",
    *,
    source: str = "invented",
    group: str = "",
    task: Task = "dialogue",
    **more: Any,
) -> SftRecord:
    turns = (Turn(role="user", content=question), Turn(role="assistant", content=answer))
    return SftRecord(id=name, source=source, group=group or name, task=task, messages=turns, **more)


def dialogues(n: int, *, seed: int = 0, source: str = "invented") -> list[SftRecord]:
    """Give n dialogues that are all about something else."""
    draw = random.Random(seed)
    found: dict[str, SftRecord] = {}
    while len(found) < n:
        a, b = ({name: draw.choice(words) for name, words in PARTS.items()} for _ in range(2))
        question = (
            f"I have a {a['kind']} pain in the {a['place']} {a['since']}, mostly {a['when']}. "
            f"I worry about {a['worry']}. Could it come from {a['cause']}, or from {b['cause']}? "
            f"My notes say {odd_words(draw, 9)}."
        )
        answer = (
            f"A {a['kind']} pain of the {a['place']} that comes {a['when']} is often due to "
            f"{b['cause']}. Number {len(found)} of our leaflets tells more about {b['worry']}, "
            f"and about a {b['kind']} {b['place']} {b['since']}. "
            f"It is called {odd_words(draw, 12)}."
        )
        found.setdefault(question, record(f"d{len(found)}", question, answer, source=source))
    return list(found.values())


def write_records(path: Path, records: Iterable[SftRecord]) -> Path:
    path.write_text("".join(map(record_to_line, records)), encoding="utf-8")
    return path


def settings(*sources: Path | dict[str, Any], **sections: Any) -> PrepareConfig:
    """Give settings for files of records, or for tables of [[prepare.sources]]."""
    tables = [
        source if isinstance(source, dict) else {"name": "records", "path": source}
        for source in sources
    ]
    return PrepareConfig.model_validate({"sources": tables, **sections})


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ids(path: Path) -> list[str]:
    return [line["id"] for line in read_lines(path)]


def all_bytes(folder: Path, names: Sequence[str] = ()) -> dict[str, bytes]:
    """Give the content of every file of a folder.

    Without the commit in the manifest: somebody may commit between two runs of a test.
    """
    found = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    if "manifest.json" in found:
        lines = found["manifest.json"].splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(b'  "commit": ')]
        found["manifest.json"] = b"".join(kept)
    return {name: found[name] for name in names} if names else found
