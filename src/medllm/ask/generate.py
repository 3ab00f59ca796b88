"""A summary written by a language model: asked once, read sentence by sentence, repaired once."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from medllm.ask import prompts
from medllm.ask.answer_text import AnswerReader, Sentence, read_sentences
from medllm.ask.check.verify import HELD, verify
from medllm.ask.check.wording import content_keys, read_words
from medllm.errors import ModelError
from medllm.models.chat import Message, Model
from medllm.records import Claim, Finding, Hit, Note

__all__ = ["HELD", "Sentence", "Written", "read_sentences", "write_with_model"]

_MAX_CHARACTERS_PER_TOKEN = 32
"""No tokeniser makes tokens that are longer on average: a server that sends more ignores the limit
on tokens, and would go on for ever."""
_SAME = 0.3
"""A mended sentence shares at least this much of the words of the one that it mends."""


@dataclass(slots=True)
class Written:
    """What came of the asking; filled while the claims are read."""

    answer: str = field(default="", repr=False)
    incomplete: str = ""
    hint: str = ""
    claims: list[Claim] = field(default_factory=list)


def write_with_model(
    model: Model,
    note: Note,
    findings: Sequence[Finding],
    evidence: Sequence[Hit],
    *,
    n_sentences: int,
    max_tokens: int,
    written: Written,
) -> Generator[Claim, None, None]:
    """Give the claims as they are written, each with its verdict; then `written` holds the rest.

    After the last one, sentences that did not hold are asked for once more: `written.claims` are
    the final ones, in which nothing that was given before is missing but what a model turned out to
    have only thought. Without evidence the model is not asked.
    """
    if not evidence:
        return
    asked = prompts.summary_messages(
        note, findings, evidence, n_sentences=n_sentences, is_local=model.spec.is_local
    )
    with closing(_sentences(model, asked, max_tokens, written)) as sentences:
        for sentence in sentences:
            claim = verify(sentence.text, sentence.sources, evidence)
            written.claims.append(claim)
            yield claim
    if not written.incomplete:
        _repair(model, asked, evidence, max_tokens, written)


def _repair(
    model: Model,
    asked: Sequence[Message],
    evidence: Sequence[Hit],
    max_tokens: int,
    written: Written,
) -> None:
    """Ask once more for what did not hold; what still does not hold stays as it was, marked."""
    failed = [at for at, claim in enumerate(written.claims) if claim.verdict not in HELD]
    if not failed:
        return
    faulty = [written.claims[at] for at in failed]
    request = prompts.repair_messages(asked, _as_json(written.claims), faulty)
    again = Written()
    better = [
        verify(sentence.text, sentence.sources, evidence)
        for sentence in _sentences(model, request, max_tokens, again)
    ]
    if again.incomplete:
        return
    kept = {claim.text for claim in written.claims}
    for at, candidate in _pair(failed, faulty, better):
        if candidate.verdict in HELD and candidate.text not in kept:
            written.claims[at] = replace(candidate, section=written.claims[at].section)
            kept.add(candidate.text)


def _pair(
    failed: Sequence[int], faulty: Sequence[Claim], better: Sequence[Claim]
) -> list[tuple[int, Claim]]:
    """Say which sentence mends which: by order where there are as many, else by their words."""
    if len(better) == len(failed):
        return list(zip(failed, better, strict=True))
    left = list(better)
    pairs: list[tuple[int, Claim]] = []
    for at, claim in zip(failed, faulty, strict=True):
        best = max(left, key=lambda candidate: _alike(claim, candidate), default=None)
        if best is not None and _alike(claim, best) >= _SAME:
            left.remove(best)
            pairs.append((at, best))
    return pairs


def _alike(one: Claim, other: Claim) -> float:
    """Give the share of words that two sentences have in common, 0 to 1."""
    mine, theirs = (content_keys(read_words(claim.text)) for claim in (one, other))
    return len(mine & theirs) / max(1, len(mine | theirs))


def _as_json(claims: Sequence[Claim]) -> str:
    """Give the first answer as it should have been written, without thoughts and prefaces."""
    sentences = [
        {"text": c.text, "sources": list(dict.fromkeys(cited.number for cited in c.citations))}
        for c in claims
    ]
    return json.dumps({"sentences": sentences}, ensure_ascii=False)


def _sentences(
    model: Model, messages: Sequence[Message], max_tokens: int, written: Written
) -> Generator[Sentence, None, None]:
    """Give the sentences of an answer as soon as each is whole; note why it broke off, if so."""
    reader = AnswerReader()
    stream = model.stream(messages, schema=prompts.SCHEMA, max_tokens=max_tokens)
    try:
        for chunk in stream:
            written.answer += chunk.text
            yield from _read(reader, chunk.text, written)
            if chunk.finish == "length":
                written.incomplete = "the model's answer was cut off at its longest length"
                written.hint = "let it write more: --set ask.max_answer_tokens=N"
            if len(written.answer) > _MAX_CHARACTERS_PER_TOKEN * max_tokens:
                written.incomplete = "the model wrote more than it was asked to, and was stopped"
                break
    except ModelError as exc:
        written.incomplete, written.hint = str(exc), exc.hint
    finally:
        stream.close()
    yield from _last(reader, written)


def _read(reader: AnswerReader, piece: str, written: Written) -> Iterator[Sentence]:
    found = reader.feed(piece)
    if reader.thoughts_end:
        reader.thoughts_end = False
        written.claims.clear()
    yield from found


def _last(reader: AnswerReader, written: Written) -> Iterator[Sentence]:
    """Give what is left; the sentence that an answer breaks off in is left out, and that is said.

    Half a sentence may say the opposite of the whole one, and half a number is another number.
    """
    was_thinking = reader.is_thinking
    for sentence in reader.end():
        if sentence.is_whole or not written.incomplete:
            yield sentence
        else:
            written.incomplete += "; the sentence that it broke off in is left out"
    if was_thinking and not written.incomplete:
        written.incomplete = "the model's answer ended in its thoughts"
