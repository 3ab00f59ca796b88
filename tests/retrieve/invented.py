"""Documents made of a few invented sentences, and index entries cut out of them by hand."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from medllm.records import Document
from medllm.retrieve import words
from medllm.retrieve.index import Entry, Vector
from medllm.retrieve.passages import cut_passages

VOCABULARY = tuple(
    "fever cough wheeze rash jaundice ascites vertigo syncope tremor ataxia pruritus oedema "
    "anaemia diarrhoea dyspnoea haematuria palpitations headache nausea fatigue".split()
)
"""Words that are no stop words, and of which no two have the same stem."""

AVERAGES = {"patients": 4.0, "articles": 7.0}
"""Average passage lengths, in words."""

DIMENSION = 8


def make_entry(
    document_id: str,
    passages: Sequence[Sequence[str]],
    *,
    digest: str = "0",
    vectors: Vector | None = None,
    **fields: Any,
) -> Entry:
    """Give the entry of a document with these passages, each a list of words."""
    text, spans = "", []
    for passage in passages:
        start = len(text)
        text += " ".join(passage) + "."
        spans.append((start, len(text)))
        text += "\n\n"
    document = Document(id=document_id, text=text.rstrip(), **{"kind": "patients", **fields})
    weigher = words.weigher(AVERAGES[document.kind])
    return Entry(
        document=document,
        digest=digest,
        spans=tuple(spans),
        words=tuple(weigher.weigh(document.text[start:end]) for start, end in spans),
        vectors=vectors,
        encoded=tuple(f"{document_id}-{number}" for number in range(len(spans)))
        if vectors is not None
        else (),
    )


def random_entries(
    seed: int, n: int, *, with_vectors: bool = False, first: int = 0, max_passages: int = 4
) -> list[Entry]:
    """Give `n` entries of both kinds, some without year, sex or age, drawn from a seed."""
    rng = np.random.default_rng(seed)
    entries = []
    for number in range(first, first + n):
        passages = [
            list(rng.choice(VOCABULARY, size=rng.integers(1, 9)))
            for _ in range(rng.integers(1, max_passages + 1))
        ]
        fields: dict[str, Any] = {"kind": ("patients", "articles")[rng.integers(2)]}
        if rng.random() < 0.7:
            fields["year"] = int(rng.integers(1990, 2000))
        if rng.random() < 0.7:
            fields["sex"] = ("F", "M")[rng.integers(2)]
        if rng.random() < 0.7:
            fields["age_years"] = float(rng.integers(0, 90)) + (0.5 if rng.random() < 0.2 else 0)
        vectors = unit_vectors(rng, len(passages)) if with_vectors else None
        entries.append(make_entry(f"d{number}", passages, vectors=vectors, **fields))
    return entries


def unit_vectors(rng: np.random.Generator, n: int) -> Vector:
    """Give `n` random vectors of length 1, as exact as the index keeps them: 16 bits."""
    vectors = rng.normal(size=(n, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16).astype(np.float32)


def invented_documents(n: int, *, first: int = 0, **fields: Any) -> list[Document]:
    """Documents of one to four passages, each text different."""
    return [
        Document(id=f"d{k}", text=_text(k), **{"kind": "patients", **fields})
        for k in range(first, first + n)
    ]


def _text(k: int) -> str:
    chosen = itertools.islice(itertools.cycle(VOCABULARY), k % 7, None)
    sentences = [
        f"Case {k}, day {day}, with {next(chosen)}, then {next(chosen)} and no {next(chosen)}."
        for day in range(10 + 15 * (k % 4))
    ]
    return " ".join(sentences)


def short_documents(n: int, *, first: int = 0) -> list[Document]:
    """Documents of one short passage each, soon encoded."""
    return [
        Document(id=f"s{k}", kind="patients", text=f"Case {k} had {VOCABULARY[k % 20]}.")
        for k in range(first, first + n)
    ]


def n_passages(documents: list[Document]) -> int:
    return sum(len(cut_passages(document.text)) for document in documents)
