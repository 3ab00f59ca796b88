"""Cleaning: each record comes back fit to learn from, or with the reason why it is left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from medllm.data.prepare.clean_text import clean_text, strip_boilerplate
from medllm.data.prepare.language import KNOWN, guess_language
from medllm.data.prepare.leftovers import has_lost_apostrophes, strip_asides, strip_leftovers
from medllm.errors import ConfigError
from medllm.records import SftRecord, Turn

_LANGUAGE_CHARACTERS = 200
"""A shorter text is not judged by its language: names and numbers decide too much of it."""
_MAX_BROKEN_SHARE = 0.01
"""A text is broken where more of it is U+FFFD, the mark of what could not be decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRules:
    """What is cleaned and what is left out; lengths are in characters, after cleaning."""

    strip_html: bool = True
    strip_boilerplate: bool = True
    """Take greetings, sign-offs and asides off the answers of dialogues, and from all texts what
    scraping left: empty brackets, marks of references."""
    languages: tuple[str, ...] = ()
    """Keep only these (ISO 639-1, see `language.guess_language`); what cannot be told is kept."""
    min_question: int = 1
    min_answer: int = 1
    max_question: int = 200_000
    max_answer: int = 100_000

    def __post_init__(self) -> None:
        for language in self.languages:
            if language not in KNOWN:
                raise ConfigError(
                    f"languages: {language} is no language that can be told from others",
                    hint=f"known: {', '.join(KNOWN)}",
                )


class LeftOut(Exception):
    """Raised and caught here: why a record is left out; holds no content."""


def clean_record(record: SftRecord, rules: CleanRules) -> SftRecord | str:
    """Give the record cleaned, or in a few words, without content, why it is left out."""
    try:
        turns = _clean_turns(record, rules)
        _check_lengths(turns, rules)
        if rules.languages:
            _check_language(turns, rules.languages)
    except LeftOut as exc:
        return str(exc)
    reasoning = clean_text(record.reasoning, strip_html=False) if record.reasoning else ""
    if turns == record.messages and reasoning == record.reasoning:
        return record
    return replace(record, messages=turns, reasoning=reasoning)


def _clean_turns(record: SftRecord, rules: CleanRules) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    expected = "user"
    for turn in record.messages:
        text = clean_text(turn.content, strip_html=rules.strip_html)
        if rules.strip_boilerplate:
            text = strip_leftovers(text)
        if turn.role == "system":
            if turns:
                raise LeftOut("a system turn is not the first")
            if text:
                turns.append(turn if text == turn.content else Turn(role="system", content=text))
            continue
        if turn.role != expected:
            raise LeftOut("turns do not alternate between user and assistant")
        expected = "assistant" if turn.role == "user" else "user"
        if turn.role == "assistant" and rules.strip_boilerplate and record.task == "dialogue":
            text = strip_boilerplate(strip_asides(text))
        _check_text(text, turn)
        turns.append(turn if text == turn.content else Turn(role=turn.role, content=text))
    if not turns or turns[-1].role != "assistant":
        raise LeftOut("the last turn is not an answer")
    return tuple(turns)


def _check_text(text: str, turn: Turn) -> None:
    what = "a question" if turn.role == "user" else "an answer"
    if not text:
        was = turn.content.strip()
        raise LeftOut(f"{what} holds only a greeting or mark-up" if was else f"{what} is empty")
    if not text[0].isalnum() and not any(map(str.isalnum, text)):
        raise LeftOut(f"{what} has no letter and no digit")
    is_broken = not text.isascii() and text.count("\ufffd") > _MAX_BROKEN_SHARE * len(text)
    if is_broken or has_lost_apostrophes(text):
        raise LeftOut(f"{what} is broken: characters could not be decoded")


def _check_lengths(turns: tuple[Turn, ...], rules: CleanRules) -> None:
    n_question = n_answer = 0
    for turn in turns:
        if turn.role == "user":
            n_question += len(turn.content)
        elif turn.role == "assistant":
            n_answer += len(turn.content)
    for what, n, least, most in (
        ("the question", n_question, rules.min_question, rules.max_question),
        ("the answer", n_answer, rules.min_answer, rules.max_answer),
    ):
        if n < least:
            raise LeftOut(f"{what} is shorter than {least} characters")
        if n > most:
            raise LeftOut(f"{what} is longer than {most} characters")
    if len(turns) >= 2 and turns[-1].content == turns[-2].content:
        raise LeftOut("the answer repeats the question")


def _check_language(turns: tuple[Turn, ...], languages: tuple[str, ...]) -> None:
    text = " ".join(turn.content for turn in turns if turn.role != "system")
    if len(text) < _LANGUAGE_CHARACTERS and text.isascii():
        return
    found = guess_language(text)
    if found and found not in languages:
        raise LeftOut(f"the language is {found}")
