"""Invented dialogues by the million, and copies that were edited on purpose. Always the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from medllm.records import SftRecord, Turn

_SYLLABLES = (
    "ba be bo da de di fo ga ge ka ke li lo ma me mi na ne no pa pe ra re ri ro sa se si ta te ti "
    "to va ve zo lan ter min dor fel gan hor jun kel mor nes pol ran sol tur ven wil"
).split()
_COMMON = (
    "the a and of to in my is it that with for on have been was not but this had from when at feel "
    "after since days pain left right side very also no can could you me what should do doctor"
).split()
_OPENINGS = (
    "Doctor, I have been experiencing",
    "Hello doctor, lately I noticed",
    "For some days now I have had",
    "My mother complains of",
    "I was told that this may be",
)
_ANSWERS = (
    "Based on your symptoms, it is possible that this is",
    "It sounds as if you may have",
    "To find out, we will need tests for",
    "This can be a sign of",
    "Please have somebody look at it, since it may be",
)
INSTRUCTION = "If you are a doctor, please answer the medical questions."


def vocabulary(n: int, seed: int = 7) -> list[str]:
    """Give n different invented words."""
    draw = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < n:
        words["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4)))] = None
    return list(words)


class Inventor:
    """Invents sentences whose words are as unevenly common as those of real text (Zipf)."""

    def __init__(self, n_words: int = 30_000, seed: int = 1) -> None:
        self._words = _COMMON + vocabulary(n_words)
        weights = 1 / np.arange(3, len(self._words) + 3)
        self._places = np.cumsum(weights / weights.sum())
        self._draw = np.random.default_rng(seed)

    def sentence(self, n_words: int) -> str:
        """Give n words."""
        places = np.searchsorted(self._places, self._draw.random(n_words))
        return " ".join(self._words[place] for place in places)

    def dialogue(self) -> tuple[str, str]:
        """Give a question of about 24 words and an answer of about 38, as GenMedGPT-5k has them."""
        lengths = self._draw.integers(10, 28, 1)[0], self._draw.integers(14, 50, 1)[0]
        opening, answer = self._draw.integers(0, len(_OPENINGS), 2)
        question = f"{_OPENINGS[opening]} {self.sentence(int(lengths[0]))}."
        return question, f"{_ANSWERS[answer]} {self.sentence(int(lengths[1]))}."


def write_dialogues(path: Path, n: int, *, copies: float = 0.01) -> None:
    """Write n dialogues in the form of GenMedGPT-5k, some of them copies of earlier ones."""
    inventor, draw = Inventor(), random.Random(3)
    recent: list[tuple[str, str]] = []
    with path.open("w", encoding="utf-8") as handle:
        for number in range(n):
            if recent and draw.random() < copies:
                question, answer = draw.choice(recent)
                answer = swap_words(answer, 0.05, draw)
            else:
                question, answer = inventor.dialogue()
                recent.append((question, answer))
                del recent[:-1000]
            record = {"instruction": INSTRUCTION, "input": question, "output": answer}
            handle.write(("[\n" if not number else ",\n") + json.dumps(record, indent=0))
        handle.write("\n]\n")


def swap_words(text: str, share: float, draw: random.Random) -> str:
    """Let neighbouring words change places, one pair at least."""
    words = text.split()
    for _ in range(max(1, round(share * len(words)))):
        at = draw.randrange(max(1, len(words) - 1))
        words[at : at + 2] = reversed(words[at : at + 2])
    return " ".join(words)


def replace_words(text: str, share: float, draw: random.Random, others: Sequence[str]) -> str:
    """Put any other word in place of some, one at least."""
    words = text.split()
    for _ in range(max(1, round(share * len(words)))):
        words[draw.randrange(len(words))] = draw.choice(others)
    return " ".join(words)


def cut(text: str, share: float) -> str:
    """Take the last words away."""
    words = text.split()
    return " ".join(words[: max(1, round((1 - share) * len(words)))])


def recase(text: str, draw: random.Random) -> str:
    """Write it in capitals, in small letters, or with capitals everywhere."""
    return draw.choice((str.upper, str.lower, str.title))(text)


EDITS = {
    "re-cased": lambda text, draw, others: recase(text, draw),
    "words change places, 5 %": lambda text, draw, others: swap_words(text, 0.05, draw),
    "words change places, 10 %": lambda text, draw, others: swap_words(text, 0.10, draw),
    "words replaced, 3 %": lambda text, draw, others: replace_words(text, 0.03, draw, others),
    "words replaced, 5 %": lambda text, draw, others: replace_words(text, 0.05, draw, others),
    "words replaced, 10 %": lambda text, draw, others: replace_words(text, 0.10, draw, others),
}
"""What is done to question and answer alike."""
CUTS = {"answer cut by 10 %": 0.1, "answer cut by 30 %": 0.3, "answer cut by 50 %": 0.5}


def edited(record: SftRecord, kind: str, draw: random.Random, others: Sequence[str]) -> SftRecord:
    """Give a copy of a record of one question, edited, with an id and a group of its own."""
    *before, last = record.messages
    if kind in CUTS:
        turns = [*before, Turn(role="assistant", content=cut(last.content, CUTS[kind]))]
    else:
        edit = EDITS[kind]
        turns = [
            turn
            if turn.role == "system"
            else replace(turn, content=edit(turn.content, draw, others))
            for turn in record.messages
        ]
    name = f"planted-{kind}-{record.id}"
    return replace(record, id=name, group=name, messages=tuple(turns))


def all_words(records: Sequence[SftRecord]) -> list[str]:
    """Give the words of all answers, as often as they stand there."""
    found: Iterator[str] = (
        word for record in records for word in record.messages[-1].content.split() if word.isalpha()
    )
    return list(found)
