"""Records to token ids, with a mark on each token that is trained: the answers and their ends.

Every answer of a conversation is trained, nothing else is. An answer is never cut: where a record
is longer than the window, its earliest exchanges go first, then the middle of its longest context;
what still does not fit is left out and counted. The ids in front of an answer are those that the
model reads when it is asked, because each part of the text is tokenised by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from medllm.errors import ConfigError, extra
from medllm.records import SftRecord
from medllm.tune.templates import Template

Reasoning = Literal["template", "headings", "leave out"]
TooLong = Literal["cut", "leave out"]
Turns = list[dict[str, str]]

GAP = "\n[...]\n"
"""Stands where the middle of a context was cut out."""
FEWEST_CONTEXT_TOKENS = 16
"""A context cut shorter than this says too little to learn from."""
_MOST_CUTS = 6
_BATCH = 512
_THINK = ("<think>", "</think>")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A record as the model reads it; `trained` marks the ids that the loss is taken over."""

    name: str
    ids: list[int] = field(repr=False)
    trained: list[bool] = field(repr=False)
    n_cut: int = 0
    """How many tokens of context were cut out."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A record that is not trained on, and why, in words that hold none of its text."""

    name: str
    reason: str


class _Part(NamedTuple):
    text: str
    is_trained: bool


class Encoder:
    """Encodes records for one tokenizer and template; `window` is the longest record in tokens."""

    def __init__(
        self,
        tokenizer: Any,
        template: Template,
        *,
        window: int,
        reasoning: Reasoning = "template",
        too_long: TooLong = "cut",
    ) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.window = window
        self._too_long = too_long
        self._reasoning = template.reasoning if reasoning == "template" else reasoning
        self._control = _control_tokens(tokenizer)
        self._by_parts = _reads_by_parts(tokenizer)

    def encode(self, records: Iterable[SftRecord]) -> Iterator[Encoded | LeftOut]:
        """Give each record, in order, as ids or as left out; raise `ConfigError` for a template
        under which an answer does not end its turn."""
        batch: list[SftRecord] = []
        for record in records:
            batch.append(record)
            if len(batch) == _BATCH:
                yield from self._encode_batch(batch)
                batch = []
        yield from self._encode_batch(batch)

    def _encode_batch(self, records: Sequence[SftRecord]) -> Iterator[Encoded | LeftOut]:
        faults = [self._fault(record) for record in records]
        sound = [r for r, fault in zip(records, faults, strict=True) if not fault]
        turns = [self._turns(record) for record in sound]
        encoded = iter(zip(sound, turns, self._ids(turns), strict=True))
        for record, fault in zip(records, faults, strict=True):
            name = f"{record.source}:{record.id}"
            if fault:
                yield LeftOut(name, fault)
                continue
            _, own_turns, (ids, trained) = next(encoded)
            if len(ids) > self.window:
                yield self._shortened(name, own_turns, len(ids))
            else:
                yield Encoded(name, ids, trained)

    def _fault(self, record: SftRecord) -> str:
        if not record.messages or record.messages[-1].role != "assistant":
            return "the last turn is not an answer"
        if any(t.role == "assistant" and not t.content.strip() for t in record.messages):
            return "an answer is empty"
        texts = [record.reasoning, *(turn.content for turn in record.messages)]
        if any(self._control.search(text) for text in texts):
            return "a text holds a control token"
        return ""

    def _turns(self, record: SftRecord) -> Turns:
        turns = [{"role": turn.role, "content": turn.content} for turn in record.messages]
        reasoning = record.reasoning.strip()
        if not reasoning or self._reasoning == "leave out":
            return turns
        answer = turns[-1]["content"].strip()
        if self._reasoning == "think":
            turns[-1]["content"] = f"<think>\n{reasoning}\n</think>\n\n{answer}"
        else:
            turns[-1]["content"] = f"## Thinking\n\n{reasoning}\n\n## Final Response\n\n{answer}"
        return turns

    def _shortened(self, name: str, turns: Turns, n_before: int) -> Encoded | LeftOut:
        """Cut context until the record fits, answers whole."""
        if self._too_long == "leave out":
            return LeftOut(name, "longer than the window")
        n_now = n_before
        for _ in range(_MOST_CUTS + len(turns)):
            shorter = _without_first_exchange(turns) or self._cut_context(turns, n_now)
            if shorter is None:
                break
            turns = shorter
            ids, trained = self._ids([turns])[0]
            n_now = len(ids)
            if n_now <= self.window:
                return Encoded(name, ids, trained, n_before - n_now)
        return LeftOut(name, "its answer does not fit into the window")

    def _cut_context(self, turns: Turns, n_now: int) -> Turns | None:
        """Take the middle out of the longest context; None where too little would be left."""
        contexts = [n for n, turn in enumerate(turns) if turn["role"] != "assistant"]
        if not contexts:
            return None
        longest = max(contexts, key=lambda n: len(turns[n]["content"]))
        text = turns[longest]["content"].strip()
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        offsets = found["offset_mapping"]
        n_gap = len(self.tokenizer(GAP, add_special_tokens=False)["input_ids"]) + 2
        n_kept = len(offsets) - (n_now - self.window) - n_gap
        if n_kept < FEWEST_CONTEXT_TOKENS:
            return None
        head = n_kept - n_kept // 2
        end, start = offsets[head - 1][1], offsets[len(offsets) - n_kept // 2][0]
        cut = [dict(turn) for turn in turns]
        cut[longest]["content"] = text[:end].rstrip() + GAP + text[start:].lstrip()
        return cut

    def _ids(self, conversations: Sequence[Turns]) -> list[tuple[list[int], list[bool]]]:
        if not conversations:
            return []
        with extra("train"):
            from transformers.utils.chat_template_utils import render_jinja_template
        rendered: Any = render_jinja_template(
            conversations=list(conversations),
            chat_template=self.template.text,
            return_assistant_tokens_mask=True,
            bos_token=self.tokenizer.bos_token or "",
            eos_token=self.tokenizer.eos_token,
        )
        parts = [_parts(text, spans) for text, spans in zip(*rendered, strict=True)]
        encode = self._ids_by_parts if self._by_parts else self._ids_by_offsets
        found = encode(parts)
        for ids, trained in found:
            self._check_ends(ids, trained)
        return found

    def _ids_by_parts(self, texts: list[list[_Part]]) -> list[tuple[list[int], list[bool]]]:
        flat = [part.text for parts in texts for part in parts]
        encoded = iter(self.tokenizer(flat, add_special_tokens=False)["input_ids"])
        found = []
        for parts in texts:
            ids: list[int] = []
            trained: list[bool] = []
            for part in parts:
                piece = next(encoded)
                ids += piece
                trained += [part.is_trained] * len(piece)
            found.append((ids, trained))
        return found

    def _ids_by_offsets(self, texts: list[list[_Part]]) -> list[tuple[list[int], list[bool]]]:
        """For tokenizers that put a space before every text: whole, the marks by their offsets."""
        whole = ["".join(part.text for part in parts) for parts in texts]
        encoded = self.tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
        found = []
        for parts, ids, offsets in zip(
            texts, encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            is_trained = [part.is_trained for part in parts for _ in part.text]
            trained = [end > start and is_trained[end - 1] for start, end in offsets]
            found.append((list(ids), trained))
        return found

    def _check_ends(self, ids: list[int], trained: list[bool]) -> None:
        """Raise `ConfigError` where an answer's last trained token does not end its turn."""
        end = self.tokenizer.eos_token_id
        follows = [*trained[1:], False]
        ends = [token for token, now, then in zip(ids, trained, follows, strict=True) if now > then]
        if not ends or any(token != end for token in ends):
            raise ConfigError(
                f"model.template: under {self.template.name} an answer does not end its turn",
                hint="put the end-of-turn token inside of the {% generation %} marks",
            )


def encode_texts(
    texts: Iterable[tuple[str, str]], tokenizer: Any, *, window: int
) -> Iterator[Encoded | LeftOut]:
    """Encode (name, text) for continued pre-training: every token trained, long texts in windows.

    A text begins with the begin-of-text token and ends with that which ends turns; what does not
    fit into one window goes on in the next, so no token is lost.
    """
    control = _control_tokens(tokenizer)
    begin = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
    for name, text in texts:
        if not text.strip() or control.search(text):
            reason = "a text holds a control token" if text.strip() else "there is no text"
            yield LeftOut(name, reason)
            continue
        inner = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        ids = [*begin, *inner, tokenizer.eos_token_id]
        for start in range(0, len(ids), window):
            piece = ids[start : start + window]
            if len(piece) > 1:
                yield Encoded(name, piece, [False] + [True] * (len(piece) - 1))


def _parts(text: str, spans: Sequence[tuple[int, int]]) -> list[_Part]:
    """Cut a text where training begins and ends; parts in turn untrained and trained."""
    parts, at = [], 0
    for start, end in spans:
        parts += [_Part(text[at:start], False), _Part(text[start:end], True)]
        at = end
    return [part for part in [*parts, _Part(text[at:], False)] if part.text]


def _without_first_exchange(turns: Turns) -> Turns | None:
    """Give the turns without the first question and answer; None where only one pair is left."""
    answers = [n for n, turn in enumerate(turns) if turn["role"] == "assistant"]
    if len(answers) < 2:
        return None
    system = [turn for turn in turns[:1] if turn["role"] == "system"]
    return [*system, *turns[answers[0] + 1 :]]


def _control_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Find what would be read as a control token in a text: nobody's words may end a turn."""
    added = [str(token) for token in tokenizer.added_tokens_decoder.values()]
    names = {*added, *tokenizer.all_special_tokens} - {*_THINK, "", " "}
    return re.compile("|".join(re.escape(name) for name in sorted(names)) or r"(?!)")


def _reads_by_parts(tokenizer: Any) -> bool:
    """Tell whether two texts have, one after the other, the ids of the whole text."""
    whole, first, second = tokenizer(["a) b", "a)", " b"], add_special_tokens=False)["input_ids"]
    return list(whole) == [*first, *second]
