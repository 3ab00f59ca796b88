"""Vectors without the cost of a model: known beforehand, or hashed from the words of a text."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from medllm.files import sha256_text
from medllm.retrieve.index import Vector
from medllm.retrieve.passages import cut_passages

DIMENSION = 384  # as all-MiniLM-L6-v2
_BUCKETS = 1 << 15
_WORD = re.compile(r"\w+")


class HashedEncoder:
    """Sums a seeded random vector for each word: texts that share words are near each other.

    It stands for a model where only time and memory are measured: an exact search takes as long for
    any numbers, and what it finds lies, as with a model, close together in few documents.
    """

    spec = "hashed words, no model"
    digest = f"hashed-{DIMENSION}-{_BUCKETS}"
    dimension = DIMENSION

    def __init__(self, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        self._words = generator.standard_normal((_BUCKETS, DIMENSION), dtype=np.float32)

    def describe(self) -> dict[str, Any]:
        """Give what an index remembers of its encoder."""
        return {"spec": self.spec, "digest": self.digest, "dimension": self.dimension}

    def encode(self, texts: Sequence[str]) -> Vector:
        """Give one vector of length 1 for each text, [n, dimension]."""
        sums = [self._words[_buckets(text)].sum(axis=0) for text in texts]
        if not sums:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        vectors = np.asarray(sums, dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)


class CachedEncoder:
    """A real encoder that keeps what it encoded in a file, so that a later run need not again."""

    def __init__(self, encoder: Any, folder: Path) -> None:
        self._encoder = encoder
        self._path = folder / f"vectors-{encoder.digest[:12]}.npz"
        self._known: dict[str, Vector] = {}
        self._is_changed = False
        if self._path.exists():
            with np.load(self._path) as arrays:
                self._known = dict(zip(arrays["keys"].tolist(), arrays["vectors"], strict=True))
        self.spec, self.digest, self.dimension = encoder.spec, encoder.digest, encoder.dimension

    def describe(self) -> dict[str, Any]:
        """Give what an index remembers of its encoder."""
        found: dict[str, Any] = self._encoder.describe()
        return found

    def encode(self, texts: Sequence[str]) -> Vector:
        """Give one vector of length 1 for each text, [n, dimension]."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        keys = [sha256_text(text) for text in texts]
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if missing:
            fresh = self._encoder.encode(list(missing.values()))
            self._known.update(zip(missing, fresh, strict=True))
            self._is_changed = True
        return np.stack([self._known[key] for key in keys])

    def save(self) -> None:
        """Write everything that was encoded."""
        if self._is_changed:
            part = self._path.with_suffix(".part")
            with part.open("wb") as handle:
                vectors = np.stack(list(self._known.values()))
                np.savez(handle, keys=np.asarray(list(self._known)), vectors=vectors)
            part.rename(self._path)
            self._is_changed = False


class KnownVectors:
    """Gives vectors that were made before, so that a search can be timed without the encoding."""

    def __init__(self, encoder: Any, queries: Iterable[str]) -> None:
        texts = [text[a:b] for text in queries for a, b in cut_passages(text)]
        texts = list(dict.fromkeys(texts))
        self._known: Mapping[str, Vector] = dict(zip(texts, encoder.encode(texts), strict=True))

    def encode(self, texts: Sequence[str]) -> Vector:
        """Give the known vectors [n, dimension]; a text that was not announced is an error."""
        return np.stack([self._known[text] for text in texts])


def _buckets(text: str) -> list[int]:
    return [_bucket(word) for word in set(_WORD.findall(text.lower()))]


@cache
def _bucket(word: str) -> int:
    return zlib.crc32(word.encode()) % _BUCKETS
