"""What tests of the summary share: invented sources, claims about them, and how to cite them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from medllm.ask.check.verify import verify
from medllm.records import Claim, Document, DocumentKind, Hit, Passage

FOLDER = Path(__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"


class Pair(NamedTuple):
    """A claim about a passage, with the verdicts that a careful physician would agree with."""

    passage: str
    verdicts: tuple[str, ...]
    claim: str
    what: str

    @property
    def is_borne(self) -> bool:
        return self.verdicts[0] in ("quoted", "supported")


def hit(
    text: str,
    *,
    kind: DocumentKind = "patients",
    title: str = "",
    id: str = "one",
    score: float = 1.0,
) -> Hit:
    """A document that was found, all of it as its passage."""
    document = Document(id=id, kind=kind, text=text, title=title)
    passage = Passage(document_id=id, start=0, end=len(text), text=text)
    return Hit(document=document, passage=passage, score=score, rank=1)


def part(text: str, within: str) -> Hit:
    """A document of which only `within` was found."""
    start = text.index(within)
    whole = hit(text)
    return Hit(
        document=whole.document,
        passage=Passage(document_id="one", start=start, end=start + len(within), text=within),
        score=1.0,
        rank=1,
    )


def check(claim: str, *sources: str) -> Claim:
    """The claim with its verdict against all of the sources."""
    return verify(claim, range(1, len(sources) + 1), tuple(map(hit, sources)))


@lru_cache(maxsize=8)
def passages(name: str) -> dict[str, str]:
    rows = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return dict(row.split("\t") for row in rows)  # type: ignore[misc]


@lru_cache(maxsize=8)
def pairs(name: str) -> tuple[Pair, ...]:
    rows = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    cells = [row.split("\t") for row in rows]
    return tuple(Pair(c[0], tuple(c[1].split("|")), c[2], (c[3:] or [""])[0]) for c in cells)


@lru_cache(maxsize=1)
def _examples() -> dict[str, Hit]:
    found: dict[str, Hit] = {}
    kinds: tuple[DocumentKind, ...] = ("patients", "articles")
    for kind in kinds:
        for line in (EXAMPLES / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[row["id"]] = hit(row["text"], kind=kind, title=row["title"], id=row["id"])
    return found


def example(id: str) -> Hit:
    """A document of the example corpus, all of it as its passage."""
    return _examples()[id]


def example_ids() -> list[str]:
    return list(_examples())


def as_json(*sentences: tuple[str, Sequence[Any]]) -> str:
    items = [{"text": text, "sources": list(sources)} for text, sources in sentences]
    return json.dumps({"sentences": items}, ensure_ascii=False)
