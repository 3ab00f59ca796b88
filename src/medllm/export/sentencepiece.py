"""The scores of SentencePiece's tokens: which neighbours become one token first.

With tokenizer.model they are read from it: a protobuf message whose field 1, repeated, is a piece
of text (1, string), score (2, float) and kind (3) (sentencepiece_model.proto). Without it they
follow from the order of the merges, which is all that they decide.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from medllm.errors import ModelError

SPACE = "\u2581"
_LOWEST = -1e9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Field(NamedTuple):
    number: int
    wire: int
    value: int
    raw: bytes


def scores_of_merges(tokens: Sequence[str], merges: Sequence[tuple[str, ...]]) -> list[float]:
    """Give scores under which SentencePiece joins in the order of the merges.

    The token that is made first has -1, the next one -2; letters have 0, and what no merge makes
    comes last, as do pieces of spaces alone, which Llama 2 has so.
    """
    order: dict[str, float] = {}
    for pair in merges:
        joined = "".join(pair)
        if joined not in order:
            order[joined] = _LOWEST if not joined.strip(SPACE) else -float(len(order) + 1)
    return [order.get(token, 0.0 if len(token) == 1 else _LOWEST) for token in tokens]


def read_scores(path: Path | None, tokens: Sequence[str]) -> list[float]:
    """Give the scores that tokenizer.model holds; none where it is absent or of other tokens.

    Tokens that were added to it later have 0. Raises `ModelError` where the file is damaged.
    """
    if path is None or not path.is_file():
        return []
    try:
        pieces = [_piece(one.raw) for one in _fields(path.read_bytes()) if one.number == 1]
    except (IndexError, ValueError, UnicodeDecodeError, struct.error) as exc:
        raise ModelError(f"{path} is damaged", hint="copy it from the base again") from exc
    texts = [text for text, _ in pieces]
    if not pieces or len(texts) > len(tokens) or texts != list(tokens[: len(texts)]):
        return []
    return [score for _, score in pieces] + [0.0] * (len(tokens) - len(pieces))


def _piece(raw: bytes) -> tuple[str, float]:
    text, score = "", 0.0
    for one in _fields(raw):
        if one.number == 1:
            text = one.raw.decode("utf-8")
        elif one.number == 2:
            (score,) = struct.unpack("<f", one.raw)
    return text, score


def _fields(raw: bytes) -> Iterator[_Field]:
    """Give the fields of a protobuf message (protobuf.dev, "Encoding")."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        wire, value, size = key & 7, 0, 0
        if wire == _VARINT:
            value, at = _varint(raw, at)
        elif wire == _BYTES:
            size, at = _varint(raw, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError("no such wire type")
        if at + size > len(raw):
            raise ValueError("cut short")
        yield _Field(key >> 3, wire, value, raw[at : at + size])
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
