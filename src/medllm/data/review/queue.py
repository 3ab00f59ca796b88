"""The human check of records: two reviewers, an adjudicator where they differ, and a history.

A queue is a folder: `queue.jsonl` holds the records, `decisions.jsonl` what was decided, one line
each, never changed. What an item's state is follows from its decisions: who decided again changed
their mind, as long as the item is not settled.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from medllm.data.reading import Reading
from medllm.data.review.agreement import Agreement, cohens_kappa
from medllm.data.review.store import append_lines, read_entries
from medllm.data.sft_files import read_records, to_line, write_lines
from medllm.errors import ConfigError, DataError
from medllm.files import read_json, sha256_text, write_json
from medllm.records import SftRecord, Turn

Verdict = Literal["accept", "edit", "reject"]
VERDICTS: tuple[str, ...] = get_args(Verdict)
Status = Literal["open", "disputed", "accepted", "rejected"]

PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a reviewer decided about an item."""

    item: str
    digest: str
    """Of the question and the answer that were seen: a decision counts for them only."""
    reviewer: str
    """A pseudonym, never a name or an address."""
    verdict: Verdict
    reason: str = ""
    """Needed to reject."""
    answer: str = ""
    """The better answer, where the verdict is `edit`."""
    when: str
    """ISO 8601."""
    adjudicates: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A record in the queue with what has been decided about it."""

    key: str
    record: SftRecord
    digest: str
    decisions: tuple[Decision, ...]
    """The last of each reviewer, in the order they were made."""
    n_reviewers: int

    @property
    def ruling(self) -> Decision | None:
        """The adjudicator's decision, if there is one."""
        return next((d for d in self.decisions if d.adjudicates), None)

    @property
    def final(self) -> Decision | None:
        """What holds: the adjudicator's decision, or that of reviewers who agree; else None."""
        if ruling := self.ruling:
            return ruling
        if len(self.decisions) < self.n_reviewers:
            return None
        first, *others = self.decisions
        same = all((d.verdict, d.answer) == (first.verdict, first.answer) for d in others)
        return first if same else None

    @property
    def status(self) -> Status:
        """Whether reviewers are still needed, or an adjudicator, or neither."""
        if final := self.final:
            return "rejected" if final.verdict == "reject" else "accepted"
        return "open" if len(self.decisions) < self.n_reviewers else "disputed"


class ReviewQueue:
    """A queue on disk; several processes may decide in it at once."""

    def __init__(self, folder: Path) -> None:
        """Open it; raise `DataError` where the folder holds none or it is damaged."""
        self.folder = folder
        settings = read_json(folder / "queue.json")
        if settings.get("format") != FORMAT:
            hint = "use the medllm that made it"
            raise DataError(f"{folder} holds a queue of another version", hint=hint)
        self.n_reviewers = int(settings["n_reviewers"])
        reading = Reading()
        records = read_records(folder / "queue.jsonl", reading)
        self._records = {key_of(record): (record, digest_of(record)) for record in records}
        if reading.problems:
            raise DataError(str(reading.problems[0]), hint="restore the queue from a copy")

    def items(self) -> list[Item]:
        """Give all items, with the decisions that are on disk now."""
        latest: dict[str, dict[str, Decision]] = defaultdict(dict)
        for entry in read_entries(self.folder / "decisions.jsonl"):
            decision = Decision(**entry)
            latest[decision.item].pop(decision.reviewer, None)
            latest[decision.item][decision.reviewer] = decision
        return [
            Item(key, record, digest, tuple(latest[key].values()), self.n_reviewers)
            for key, (record, digest) in self._records.items()
        ]

    def waiting_for(self, reviewer: str, *, adjudicate: bool = False) -> list[Item]:
        """Give the items that this reviewer can decide and has not decided."""
        check_pseudonym(reviewer)
        wanted: Status = "disputed" if adjudicate else "open"
        return [
            item
            for item in self.items()
            if item.status == wanted and all(d.reviewer != reviewer for d in item.decisions)
        ]

    def decide(self, decisions: Sequence[Decision]) -> None:
        """Add decisions, all or none; raise `ConfigError` for one that cannot be made."""
        items = {item.key: item for item in self.items()}
        for decision in decisions:
            item = items.get(decision.item)
            if item is None:
                raise ConfigError(
                    f"{decision.item} is not in the queue", hint="export the queue again"
                )
            check_decision(decision, item)
            others = tuple(d for d in item.decisions if d.reviewer != decision.reviewer)
            items[item.key] = replace(item, decisions=(*others, decision))
        lines = [to_line(asdict(decision)) for decision in decisions]
        append_lines(self.folder / "decisions.jsonl", lines)

    def agreement(self) -> list[Agreement]:
        """Give Cohen's kappa for each pair of reviewers over the items that both decided."""
        pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for item in self.items():
            judged = sorted((d.reviewer, d.verdict) for d in item.decisions if not d.adjudicates)
            for at, (first, verdict) in enumerate(judged):
                for second, other in judged[at + 1 :]:
                    pairs[first, second].append((verdict, other))
        found = (cohens_kappa(names, pairs[names]) for names in sorted(pairs))
        return [agreement for agreement in found if agreement]

    def counts(self) -> dict[str, int]:
        """Give how many items have each status."""
        counts = dict.fromkeys(get_args(Status), 0)
        for item in self.items():
            counts[item.status] += 1
        return counts

    def verified(self) -> list[SftRecord]:
        """Give the accepted records, edited where they were, each with its history."""
        return [
            _verified(item, item.final)
            for item in self.items()
            if item.status == "accepted" and item.final
        ]


def make_queue(records: Iterable[SftRecord], folder: Path, *, n_reviewers: int = 2) -> ReviewQueue:
    """Make a queue; raise `DataError` where the folder holds one or a record comes twice."""
    if not 1 <= n_reviewers <= 5:
        raise ConfigError(f"a record needs 1 to 5 reviewers, got {n_reviewers}")
    if (folder / "queue.json").exists():
        raise DataError(f"{folder} holds a queue already", hint="name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    with write_lines(folder / "queue.jsonl") as lines:
        for record in records:
            key = key_of(record)
            if key in seen:
                raise DataError(f"{key} comes twice", hint="leave duplicates out first")
            seen.add(key)
            lines.write_record(record)
    if not seen:
        raise DataError("there is no record to review")
    write_json(folder / "queue.json", {"format": FORMAT, "n_reviewers": n_reviewers})
    return ReviewQueue(folder)


def key_of(record: SftRecord) -> str:
    """Give what an item is called: its source and id."""
    return f"{record.source}/{record.id}"


def digest_of(record: SftRecord) -> str:
    """Give 16 digits of what is judged: everything that is said."""
    said = "\x1f".join(f"{turn.role}\x1e{turn.content}" for turn in record.messages)
    return sha256_text(said)[:16]


def check_pseudonym(reviewer: str) -> None:
    """Raise `ConfigError` for what is no pseudonym."""
    if not PSEUDONYM.fullmatch(reviewer):
        raise ConfigError(
            "a reviewer is named by a pseudonym of letters, digits, - and _",
            hint="for example: --reviewer r1",
        )


def check_decision(decision: Decision, item: Item) -> None:
    """Raise `ConfigError` for a decision that cannot be made about an item as it stands."""
    check_pseudonym(decision.reviewer)
    name = decision.item
    if decision.verdict not in VERDICTS:
        raise ConfigError(f"{name}: the decision is none of {', '.join(VERDICTS)}")
    if decision.digest != item.digest:
        hint = "export the queue again"
        raise ConfigError(f"{name}: the record is not the one that was reviewed", hint=hint)
    if decision.verdict == "reject" and not decision.reason.strip():
        raise ConfigError(f"{name}: to reject needs a reason")
    if decision.verdict == "edit":
        if not decision.answer.strip():
            raise ConfigError(f"{name}: to edit needs the edited answer")
        if decision.answer.strip() == item.record.messages[-1].content.strip():
            raise ConfigError(f"{name}: the edited answer is the same", hint="accept it instead")
    elif decision.answer:
        hint = "decide `edit`, or leave it empty"
        raise ConfigError(f"{name}: an edited answer does not go with this decision", hint=hint)
    _check_turn(decision, item)


def _check_turn(decision: Decision, item: Item) -> None:
    """Check that it is this reviewer's turn."""
    name = decision.item
    known = any(d.reviewer == decision.reviewer for d in item.decisions)
    if decision.adjudicates:
        if item.status != "disputed":
            raise ConfigError(f"{name}: reviewers do not differ, there is nothing to adjudicate")
        if known:
            hint = "let somebody else adjudicate"
            raise ConfigError(f"{name}: {decision.reviewer} reviewed it already", hint=hint)
    elif item.status != "open" and not (known and item.status == "disputed"):
        raise ConfigError(f"{name}: it is settled", hint="export the queue again")


def _verified(item: Item, final: Decision) -> SftRecord:
    """Give the record as it is released: the answer that holds, and who decided what and when."""
    *before, last = item.record.messages
    history = list(item.record.meta.get("history", []))
    history += [_history_entry(decision) for decision in item.decisions]
    answer = last.content
    if final.verdict == "edit":
        history.append({"step": "edited", "by": final.reviewer, "was": last.content})
        answer = final.answer
    verified: dict[str, Any] = {
        "by": [decision.reviewer for decision in item.decisions],
        "when": max(decision.when for decision in item.decisions),
        "how": "adjudicated" if item.ruling else "agreed",
    }
    return replace(
        item.record,
        messages=(*before, Turn(role="assistant", content=answer)),
        meta={**item.record.meta, "verified": verified, "history": history},
    )


def _history_entry(decision: Decision) -> dict[str, str]:
    step = "adjudicated" if decision.adjudicates else "reviewed"
    entry = {"step": step, "by": decision.reviewer, "when": decision.when}
    entry["decision"] = decision.verdict
    return entry | ({"reason": decision.reason} if decision.reason else {})
