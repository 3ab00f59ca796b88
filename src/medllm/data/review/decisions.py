"""What reviewers decide about a record, and what follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from medllm.errors import ConfigError
from medllm.records import SftRecord

Verdict = Literal["accept", "edit", "reject"]
VERDICTS: tuple[str, ...] = get_args(Verdict)
Status = Literal["open", "disputed", "accepted", "rejected"]
STATUSES: tuple[Status, ...] = get_args(Status)

PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a reviewer decided about an item."""

    item: str
    digest: str
    """Of the conversation that was seen: a decision counts for that only."""
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
    history: tuple[Decision, ...]
    """All of them, in that order, also those that were thought better of."""
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

    def was_decided_by(self, reviewer: str) -> bool:
        """Whether this reviewer has decided."""
        return any(decision.reviewer == reviewer for decision in self.decisions)

    def is_turn_of(self, reviewer: str, *, adjudicates: bool) -> bool:
        """Whether this reviewer may decide as things stand: anew too, until it is settled."""
        if adjudicates:
            return self.status == "disputed" and not self.was_decided_by(reviewer)
        if self.status == "open":
            return True
        return self.status == "disputed" and self.was_decided_by(reviewer)


def check_pseudonym(reviewer: str) -> None:
    """Raise `ConfigError` for what is no pseudonym."""
    if not PSEUDONYM.fullmatch(reviewer):
        raise ConfigError(
            "a reviewer is named by a pseudonym of letters, digits, - and _",
            hint="for example: --reviewer r1",
        )


def fault_of(decision: Decision, item: Item) -> tuple[str, str]:
    """Give what is wrong with a decision about an item as it stands, and a hint; "" if nothing."""
    if decision.verdict not in VERDICTS:
        return f"the decision is none of {', '.join(VERDICTS)}", "decide one of them"
    if decision.digest != item.digest:
        return "the record is not the one that was reviewed", "export the queue again"
    if decision.verdict == "reject" and not decision.reason.strip():
        return "to reject needs a reason", "give it in a few words"
    if decision.verdict == "edit":
        if not decision.answer.strip():
            return "to edit needs the edited answer", "give the whole answer as it shall be"
        if decision.answer.strip() == item.record.messages[-1].content.strip():
            return "the edited answer is the same", "accept it instead"
    elif decision.answer:
        return "an edited answer does not go with this decision", "decide `edit`, or leave it empty"
    return _fault_of_turn(decision, item)


def _fault_of_turn(decision: Decision, item: Item) -> tuple[str, str]:
    if item.is_turn_of(decision.reviewer, adjudicates=decision.adjudicates):
        return "", ""
    if item.status in ("accepted", "rejected"):
        return "it is settled", "export the queue again"
    if not decision.adjudicates:
        return "enough others have reviewed it", "let somebody adjudicate it"
    if item.status == "open":
        return "reviewers are still needed, there is nothing to adjudicate", "review it instead"
    return f"{decision.reviewer} reviewed it already", "let somebody else adjudicate"
