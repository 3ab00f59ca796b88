"""Invented records, scripts and configurations that several tests evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medllm.evaluate.held_out import Item, as_item
from medllm.records import SftRecord, Turn

COMPLAINTS = (
    "a sore throat and a temperature of 38.2 since Monday",
    "an itchy rash on both arms after gardening",
    "a twisted ankle that is swollen and painful",
    "burning when passing water for three days",
    "a dry cough that keeps me awake at night",
    "a headache behind one eye with flashing lights",
)
ADVICE = (
    "Drink enough, rest, and take paracetamol 500 mg up to four times a day.",
    "Wash the skin, use hydrocortisone cream 1 % twice a day, and avoid the plant.",
    "Rest the ankle, cool it, press it with a bandage and keep the leg up.",
    "Have a urine sample tested today and drink plenty until the result is there.",
    "Honey and warm drinks help; come back if the cough lasts beyond three weeks.",
    "Lie down in a dark room; a doctor should look at it if it comes for the first time.",
)


def record(number: int, **fields: Any) -> SftRecord:
    """The record of this number; complaints and advice repeat with their number in them."""
    at = number % len(COMPLAINTS)
    question = f"Patient {number}: I have {COMPLAINTS[at]}. What shall I do?"
    values: dict[str, Any] = {
        "id": f"r{number}",
        "source": "invented",
        "group": f"g{number}",
        "task": "dialogue",
        "messages": (
            Turn(role="user", content=question),
            Turn(role="assistant", content=f"{ADVICE[at]} Ask again in {number + 2} days."),
        ),
    }
    return SftRecord(**(values | fields))


def items(n: int, **fields: Any) -> list[Item]:
    """So many items."""
    found = [as_item(record(number, **fields)) for number in range(n)]
    return [item for item in found if item is not None]


def write_records(path: Path, n: int, **fields: Any) -> Path:
    """A file of so many records."""
    from medllm.data.sft_files import record_to_line

    lines = [record_to_line(record(number, **fields)) for number in range(n)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def write_script(path: Path, answers: list[Any]) -> Path:
    """A script for `fake:`; strings are whole answers."""
    entries = [{"text": answer} if isinstance(answer, str) else answer for answer in answers]
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path
