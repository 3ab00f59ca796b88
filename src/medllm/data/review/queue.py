"""The human check of records: two reviewers, an adjudicator where they differ, and a history.

A queue is a folder: `queue.jsonl` holds the records, `decisions.jsonl` what was decided, one line
each, never changed, `queue.json` that it is whole. What an item's state is follows from its
decisions: who decided again changed their mind, as long as the item is not settled.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from medllm.data.reading import Reading
from medllm.data.review.agreement import Agreement, cohens_kappa, krippendorffs_alpha
from medllm.data.review.decisions import STATUSES, Decision, Item, check_pseudonym, fault_of
from medllm.data.review.release import released
from medllm.data.review.store import DecisionLog
from medllm.data.sft_files import read_records, write_lines
from medllm.errors import ConfigError, DataError
from medllm.files import disk_errors, read_json, sha256_text, write_json
from medllm.records import SftRecord

FORMAT = 1
MOST_REVIEWERS = 5


class ReviewQueue:
    """A queue on disk; several processes may decide in it at once."""

    def __init__(self, folder: Path) -> None:
        """Open it; raise `DataError` where the folder holds none or it is damaged."""
        self.folder = folder
        self.n_reviewers = _read_settings(folder)
        reading = Reading()
        records = read_records(folder / "queue.jsonl", reading)
        self._records = {key_of(record): (record, digest_of(record)) for record in records}
        if reading.problems:
            raise DataError(str(reading.problems[0]), hint="restore the queue from a copy")
        self._log = DecisionLog(folder / "decisions.jsonl")
        self._history: dict[str, list[Decision]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._records)

    def items(self) -> list[Item]:
        """Give all items, with the decisions that are on disk now."""
        self._take(self._log.read_new())
        return [self._item(key) for key in self._records]

    def item(self, key: str) -> Item | None:
        """Give one item as it stands on disk now, None where there is none of this name."""
        self._take(self._log.read_new())
        return self._item(key) if key in self._records else None

    def _take(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            self._history[decision.item].append(decision)

    def _item(self, key: str) -> Item:
        record, digest = self._records[key]
        history = self._history.get(key, ())
        latest: dict[str, Decision] = {}
        for decision in history:
            if decision.digest != digest:
                hint = "restore queue.jsonl from a copy"
                raise DataError(f"{key} was changed after it had been reviewed", hint=hint)
            latest.pop(decision.reviewer, None)
            latest[decision.reviewer] = decision
        return Item(key, record, digest, tuple(latest.values()), tuple(history), self.n_reviewers)

    def waiting_for(self, reviewer: str, *, adjudicate: bool = False) -> list[Item]:
        """Give the items that this reviewer can decide and has not decided."""
        check_pseudonym(reviewer)
        return [
            item
            for item in self.items()
            if item.is_turn_of(reviewer, adjudicates=adjudicate)
            and not item.was_decided_by(reviewer)
        ]

    def decide(self, decisions: Sequence[Decision]) -> None:
        """Add decisions, all or none; they are on disk when this returns.

        Raises `ConfigError` for one that cannot be made as things stand on disk.
        """

        def check(known: list[Decision]) -> None:
            self._take(known)
            self._check(decisions)

        added = self._log.add(decisions, check)
        self._take(added[len(added) - len(decisions) :])

    def _check(self, decisions: Sequence[Decision]) -> None:
        items: dict[str, Item] = {}
        for decision in decisions:
            name = decision.item
            check_pseudonym(decision.reviewer)
            if name not in self._records:
                raise ConfigError(f"{name} is not in the queue", hint="export the queue again")
            item = items.get(name) or self._item(name)
            fault, hint = fault_of(decision, item)
            if fault:
                raise ConfigError(f"{name}: {fault}", hint=hint)
            others = tuple(d for d in item.decisions if d.reviewer != decision.reviewer)
            items[name] = replace(item, decisions=(*others, decision))

    def decided_by(self) -> dict[str, int]:
        """Give how many items each reviewer has decided, adjudicators too."""
        counts = Counter(d.reviewer for item in self.items() for d in item.decisions)
        return dict(sorted(counts.items()))

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

    def alpha(self) -> float | None:
        """Give Krippendorff's alpha over all reviewers; None where they cannot be compared."""
        return krippendorffs_alpha(
            [d.verdict for d in item.decisions if not d.adjudicates] for item in self.items()
        )

    def counts(self) -> dict[str, int]:
        """Give how many items have each status."""
        counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
        for item in self.items():
            counts[item.status] += 1
        return counts

    def verified(self) -> list[SftRecord]:
        """Give the accepted records, edited where they were, each with its history."""
        return [
            released(item, item.final)
            for item in self.items()
            if item.status == "accepted" and item.final
        ]


def _read_settings(folder: Path) -> int:
    """Give how many reviewers a record needs."""
    path = folder / "queue.json"
    if not path.is_file():
        hint = "make one: medllm data build, or medllm data review DIR --queue RECORDS"
        raise DataError(f"{folder} holds no review queue", hint=hint)
    settings = read_json(path)
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise DataError(
            f"{folder} holds a queue of another version", hint="use the medllm that made it"
        )
    return int(settings["n_reviewers"])


def check_new(folder: Path, n_reviewers: int) -> None:
    """Raise `ConfigError` or `DataError` where no such queue can be made in this folder."""
    if not 1 <= n_reviewers <= MOST_REVIEWERS:
        raise ConfigError(
            f"a record needs 1 to {MOST_REVIEWERS} reviewers, got {n_reviewers}",
            hint="two, and an adjudicator where they differ, is the custom",
        )
    if (folder / "queue.json").exists():
        raise DataError(f"{folder} holds a queue already", hint="name another folder")


def make_queue(
    records: Iterable[SftRecord],
    folder: Path,
    *,
    n_reviewers: int = 2,
    finish: Callable[[], None] | None = None,
) -> ReviewQueue:
    """Make a queue; `finish` writes what shall stand beside it before it counts as whole.

    Raises `DataError` where the folder holds one, a record comes twice or has no answer, or there
    is none.
    """
    check_new(folder, n_reviewers)
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    with write_lines(folder / "queue.jsonl") as lines:
        for number, record in enumerate(records, start=1):
            key = key_of(record)
            if key in seen:
                hint = "leave one of the two out"
                raise DataError(f"record {number}: its id comes twice", hint=hint)
            if len(record.messages) < 2 or record.messages[-1].role != "assistant":
                hint = "let a model answer: medllm data build"
                raise DataError(f"record {number}: has no answer to review", hint=hint)
            seen.add(key)
            lines.write_record(record)
        if not seen:
            raise DataError("there is no record to review", hint="name a file that holds some")
    if finish:
        finish()
    write_json(folder / "queue.json", {"format": FORMAT, "n_reviewers": n_reviewers})
    return ReviewQueue(folder)


def key_of(record: SftRecord) -> str:
    """Give what an item is called: its source and id."""
    return f"{record.source}/{record.id}"


def digest_of(record: SftRecord) -> str:
    """Give a letter and 16 digits of what is judged: which record, and everything that is said.

    The letter keeps a spreadsheet from taking the digits for a number.
    """
    turns = [f"{turn.role}\x1e{turn.content}" for turn in record.messages]
    said = "\x1f".join([*turns, record.reasoning, record.label])
    return f"x{sha256_text(f'{key_of(record)}{chr(29)}{said}')[:16]}"
