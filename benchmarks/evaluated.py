"""10,000 answers from their files to the whole report: `python -m benchmarks.evaluated FOLDER N`.

Two systems on N invented records each, in a process of its own; prints its peak memory in bytes.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from benchmarks.processes import peak_memory
from medllm.evaluate.run import evaluate
from medllm.evaluate.settings import load_settings

_WORDS = (
    "fever rash cough for two days take the tablets with food and rest drink plenty come back if "
    "it lasts longer a doctor should look at swelling pain or bleeding that gets worse at night"
).split()


def write_inputs(folder: Path, n: int) -> Path:
    """Write records, the answers of two systems to them, and a configuration; give its path."""
    rng = random.Random(0)

    def text(least: int, most: int) -> str:
        return " ".join(rng.choices(_WORDS, k=rng.randrange(least, most))) + "."

    lines = []
    for at in range(n):
        turns = [
            {"role": "user", "content": f"Patient {at}: {text(10, 40)}"},
            {"role": "assistant", "content": text(60, 110)},
        ]
        lines.append({"id": f"r{at}", "source": "invented", "group": f"g{at}", "messages": turns})
    _write(folder / "test.jsonl", [{**line, "task": "dialogue"} for line in lines])
    for name, most in (("one", 90), ("other", 110)):
        answers = [{"id": f"r{at}", "text": text(40, most)} for at in range(n)]
        _write(folder / f"{name}.jsonl", answers)
    config = folder / "evaluate.toml"
    systems = "".join(
        f'[[evaluate.systems]]\nname = "{name}"\npredictions = "{name}.jsonl"\n'
        for name in ("one", "other")
    )
    config.write_text(f'[evaluate]\nrecords = ["test.jsonl"]\n{systems}', encoding="utf-8")
    return config


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    evaluate(load_settings(place / "evaluate.toml"), place / "run")
    sys.stdout.write(f"{peak_memory()}\n")
