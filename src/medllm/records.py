"""The nouns that travel between the stages: frozen dataclasses, standard library only.

Offsets are character offsets into the original text, end not included:
`note.text[f.start:f.end] == f.text` and `document.text[p.start:p.end] == p.text` always hold.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

DocumentKind = Literal["patients", "articles"]
Sex = Literal["F", "M"]
FindingKind = Literal[
    "symptom",
    "disorder",
    "vital",
    "result",
    "medication",
    "procedure",
    "allergy",
    "social",
    "age",
    "sex",
    "pregnancy",
]
Experiencer = Literal["patient", "family", "other"]
Temporality = Literal["present", "past", "resolved", "hypothetical"]
Certainty = Literal["certain", "uncertain"]
Flag = Literal["", "low", "high", "implausible"]
Verdict = Literal[
    "quoted",
    "supported",
    "unsupported",
    "number not in source",
    "negation differs",
    "unknown source",
    "uncited",
]
Role = Literal["system", "user", "assistant"]
Task = Literal[
    "dialogue", "question", "choice", "yes-no-maybe", "cloze", "summary", "report", "reasoning"
]
Section = Literal["presentation", "work-up", "treatment", "outcome", "articles", "summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A patient description as somebody entered it."""

    text: str
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something the note says about a patient, at an exact place."""

    text: str
    start: int
    end: int
    kind: FindingKind
    normalised: str
    """The preferred name, lower case: "dyspnoea" for "SOB", "body temperature" for "T"."""
    negated: bool = False
    experiencer: Experiencer = "patient"
    temporality: Temporality = "present"
    certainty: Certainty = "certain"
    value: float | None = None
    unit: str = ""
    flag: Flag = ""
    site: str = ""
    """The anatomical site where it belongs to the finding, as written."""
    source: str = "rules"
    """Which reader found it: "rules", "lexicon", or the name of a model."""

    @property
    def is_own(self) -> bool:
        """Whether it is the patient's own, affirmed, and not over or merely imagined."""
        return (
            not self.negated
            and self.experiencer == "patient"
            and self.temporality in ("present", "past")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A published patient or an article, as it stands in an index."""

    id: str
    kind: DocumentKind
    text: str
    title: str = ""
    year: int | None = None
    source: str = ""
    """Journal or collection."""
    url: str = ""
    licence: str = ""
    sex: Sex | None = None
    age_years: float | None = None
    mesh: tuple[str, ...] = ()
    publication_types: tuple[str, ...] = ()
    retracted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A run of whole sentences of a document."""

    document_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document that a search found, by its best passage."""

    document: Document
    passage: Passage
    score: float
    rank: int
    """From 1."""
    why: tuple[str, ...] = ()
    """What the passage or the title shares with the query, in words, the weightiest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Which evidence a claim rests on: `number` from 1, and the sentence within its document.

    `start == end == 0` where the claim names a source but no sentence of it could be located.
    """

    number: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of a summary with what it rests on and what the check made of it."""

    text: str
    citations: tuple[Citation, ...]
    verdict: Verdict
    section: Section = "summary"
    reason: str = ""
    """In words, where the verdict is not quoted or supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Claims in reading order; or, in `abstained`, why there are none."""

    claims: tuple[Claim, ...]
    model: str
    """The model spec that wrote it."""
    prompt: str = ""
    """Name and version of the prompt, empty for `extractive`."""
    abstained: str = ""
    incomplete: str = ""
    """Why it broke off, empty where it is whole."""
    hint: str = ""
    """What to do about that, where it is known."""
    not_found: tuple[str, ...] = ()
    """The patient's own findings that no cited passage mentions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What `ask` gives back: everything that was found, and on what basis."""

    note: Note
    findings: tuple[Finding, ...]
    patients: tuple[Hit, ...]
    articles: tuple[Hit, ...]
    evidence: tuple[Hit, ...]
    """What citations count from 1."""
    summary: Summary
    basis: dict[str, Any] = field(default_factory=dict)
    """Versions, settings, counts and times, for the reader who asks how this came about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a training conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SftRecord:
    """What a model is trained or judged on: a conversation whose last turn is the answer."""

    id: str
    """Unique within its source; with the source unique everywhere."""
    source: str
    """The name of the data set."""
    group: str
    """What must not be split: a patient, an article, a question that is asked in several ways."""
    task: Task
    messages: tuple[Turn, ...]
    licence: str = ""
    reasoning: str = ""
    """The thinking that leads to the answer, where the data set gives it; not part of a turn."""
    label: str = ""
    """The short gold answer of a choice, a yes-no-maybe or a cloze."""
    meta: dict[str, Any] = field(default_factory=dict)
    """What else the data set says: choices, image paths, qualities, the history of a review."""


def to_json(record: Any) -> Any:
    """Give a record as plain dicts and lists, ready for `json.dumps`."""
    return asdict(record)
