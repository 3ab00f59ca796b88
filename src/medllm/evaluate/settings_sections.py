"""Settings of what a report holds besides the answers to records: search, findings, summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SEARCHES = ("bm25", "dense", "hybrid")


class Checked(BaseModel):
    """A section of the file: an unknown key is an error, and so is a value of another type."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class RetrievalConfig(Checked):
    """A search that is measured against judgements, as `medllm evaluate retrieval` does."""

    name: str = Field(min_length=1, max_length=60)
    """What the report calls it."""
    index: Path = Field(strict=False)
    """The index folder."""
    queries: Path = Field(strict=False)
    """JSON Lines: `_id` and `text`."""
    qrels: Path = Field(strict=False)
    """Judgements, by tabs: query-id, corpus-id, score."""
    kind: Literal["", "patients", "articles"] = ""
    """Only patients, or only articles; empty is both."""
    modes: list[str] = []
    """Searches that are compared, of `bm25`, `dense` and `hybrid`, the first with the others; empty
    is by words and vectors where the index has them, else by words."""
    shape: bool = True
    """Rank what `search` and `ask` show; false searches for the text as it stands."""

    @model_validator(mode="after")
    def _known(self) -> RetrievalConfig:
        if set(self.modes) - set(SEARCHES) or len(set(self.modes)) < len(self.modes):
            raise ValueError(f"modes are each one of {', '.join(SEARCHES)}, once")
        return self


class FindingsConfig(Checked):
    """How findings are read, against expert annotation, as `medllm evaluate findings` does."""

    annotated: Path | None = Field(default=None, strict=False)
    """Annotated notes, JSON Lines as E3C's; without it nothing is measured."""


class SummariesConfig(Checked):
    """Cited summaries, paired by patient, as `medllm evaluate summaries` does.

    The sections [ask] and [search] may stand in the same file.
    """

    notes: Path | None = Field(default=None, strict=False)
    """JSON Lines: `id`, `text`, and if known `has_evidence`; without it nothing is measured."""
    index: Path | None = Field(default=None, strict=False)
    """The index folder."""
    models: list[str] = []
    """The summarisers' specs, the first of them what the others are compared with."""

    @model_validator(mode="after")
    def _whole(self) -> SummariesConfig:
        if self.notes is not None and (self.index is None or not self.models):
            raise ValueError("summaries need notes, index and models")
        if len(set(self.models)) < len(self.models):
            raise ValueError("a model is named twice")
        return self


class RobustnessConfig(Checked):
    """How the systems bear other words, and questions that are easily taken wrongly.

    Only systems that are asked, not those whose answers are read from a file. Where there are notes
    for summaries, typos and paraphrases also show what of their findings and documents is kept.
    """

    typos: bool = False
    """Ask the records' questions again with typing errors in them."""
    paraphrases: bool = False
    """Ask them again in other words: synonyms, abbreviations, units."""
    hard_prompts: bool = False
    """Ask benign questions that sound dangerous, and for each one that nobody can answer."""
    items: int = Field(default=0, ge=0)
    """Ask so many records again, drawn by the seed; 0 is all."""

    @property
    def is_on(self) -> bool:
        """Whether anything is asked."""
        return self.typos or self.paraphrases or self.hard_prompts

    @property
    def noises(self) -> tuple[str, ...]:
        """The ways in which questions are changed."""
        kinds = {"typos": self.typos, "paraphrases": self.paraphrases}
        return tuple(name for name, is_on in kinds.items() if is_on)
