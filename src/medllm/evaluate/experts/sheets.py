"""Blinded rating sheets: which answer came from whom is in a sealed key, and nowhere in a sheet.

Every rater gets the answers in an order of their own, with some of them twice, to see whether they
agree with themselves. Answers have random codes; nothing of models, paths, ids or record keys is on
a sheet. The key has a digest over its content, and each sheet carries the digest of its own items.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError, DataError
from medllm.evaluate.held_out import Item
from medllm.evaluate.judge import rubric
from medllm.files import disk_errors, read_json, sha256_text, write_atomically, write_json

FORMAT = 1
REPEATS = 0.1
KEY = "key.json"


_KNOWN = (
    *("llama", "alpaca", "vicuna", "qwen", "mistral", "mixtral", "gemma", "gemini", "phi-3"),
    *("chatgpt", "gpt-4", "gpt-3", "openai", "claude", "anthropic", "deepseek", "med42"),
    *("meditron", "huatuogpt", "chatdoctor", "meta ai", "deepmind"),
)
HIDDEN = "[name]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answer on a sheet, under a code that says nothing."""

    code: str
    question: str = field(repr=False)
    reference: str = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    folder: Path
    sheets: tuple[str, ...]
    n_entries: int
    n_repeated: int
    seal: str
    """The digest of the key: write it down before the ratings come back."""


def export_sheets(
    items: Sequence[Item],
    answers: Mapping[str, Mapping[str, str]],
    folder: Path,
    *,
    raters: int,
    seed: int,
    specs: Sequence[str] = (),
    with_reference: bool = True,
) -> Exported:
    """Write a page and a CSV for each rater, and the key.

    Only items that every system answered are shown, so that all are rated on the same. The codes
    come from the seed and are not to be guessed without it. `DataError` where the folder is in use.
    """
    if raters < 1:
        raise ConfigError("there must be a rater", hint="--raters 3")
    if (folder / KEY).exists():
        hint = "name another folder: this one's key must stay what it is"
        raise DataError(f"{folder} holds rating sheets already", hint=hint)
    shared = [item for item in items if all(item.key in given for given in answers.values())]
    if not shared:
        raise DataError("no item has an answer of every system", hint="evaluate them first")
    generator = random.Random(f"medllm experts {seed}")
    key: dict[str, Any] = {"format": FORMAT, "rubric": rubric.VERSION, "raters": {}}
    names = [f"rater-{at + 1}" for at in range(raters)]
    hidden = names_to_hide([*answers, *specs])
    answers = {
        system: {item: hide_names(text, hidden) for item, text in given.items()}
        for system, given in answers.items()
    }
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    n_repeated = 0
    for name in names:
        entries, meanings = _entries(shared, answers, generator, with_reference=with_reference)
        n_repeated = sum(one["repeat"] for one in meanings.values())
        digest = digest_entries(entries)
        key["raters"][name] = {"sheet": digest, "codes": meanings}
        _write_sheet(folder, name, entries, digest)
    seal = seal_of(key)
    write_json(folder / KEY, {**key, "seal": seal})
    return Exported(
        folder=folder,
        sheets=tuple(names),
        n_entries=len(entries),
        n_repeated=n_repeated,
        seal=seal,
    )


def _entries(
    items: Sequence[Item],
    answers: Mapping[str, Mapping[str, str]],
    generator: random.Random,
    *,
    with_reference: bool,
) -> tuple[list[Entry], dict[str, dict[str, Any]]]:
    """Give the entries of one rater in their order, and what each code means."""
    once = [(item, system) for item in items for system in answers]
    n_again = max(1, round(REPEATS * len(once))) if len(once) > 4 else 0
    again = generator.sample(once, n_again)
    generator.shuffle(once)
    # A repeat comes in the second half, and what is repeated in the first: not side by side.
    half = len(once) // 2
    first = [pair for pair in once if pair in again] + [pair for pair in once if pair not in again]
    early, late = first[: max(half, n_again)], first[max(half, n_again) :] + again
    generator.shuffle(early)
    generator.shuffle(late)
    entries, meanings = [], {}
    seen: set[tuple[str, str]] = set()
    for item, system in [*early, *late]:
        code = f"{generator.getrandbits(40):010x}"
        entries.append(
            Entry(
                code=code,
                question=item.question,
                reference=item.reference if with_reference else "",
                answer=answers[system][item.key],
            )
        )
        is_repeat = (item.key, system) in seen
        seen.add((item.key, system))
        meanings[code] = {"item": item.key, "system": system, "repeat": is_repeat}
    return entries, meanings


def digest_entries(entries: Sequence[Entry]) -> str:
    """Give the digest of what a rater sees, in the order that they see it."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(json.dumps(asdict(entry), sort_keys=True).encode())
    return digest.hexdigest()


def seal_of(key: Mapping[str, Any]) -> str:
    """Give the digest of a key without its seal."""
    content = {name: value for name, value in key.items() if name != "seal"}
    return sha256_text(json.dumps(content, sort_keys=True))


def _write_sheet(folder: Path, name: str, entries: Sequence[Entry], digest: str) -> None:
    from medllm.evaluate.experts.page import as_page

    write_atomically(folder / f"{name}.html", as_page(name, entries, digest))
    handle = io.StringIO()
    handle.write("\ufeff")  # spreadsheets read UTF-8 only with it
    columns = ["code", "question", "reference", "answer", *rating_columns(), "comment"]
    writer = csv.writer(handle)
    writer.writerow(columns)
    for entry in entries:
        cells = [entry.code, entry.question, entry.reference, entry.answer]
        writer.writerow([_safe(cell) for cell in cells] + [""] * (len(columns) - len(cells)))
    write_atomically(folder / f"{name}.csv", handle.getvalue())


def rating_columns() -> list[str]:
    """Give the names of what is rated, in the order of the sheet."""
    return [*(criterion.name for criterion in rubric.CRITERIA), "harm", "omission"]


def _safe(cell: str) -> str:
    """Give a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def read_key(folder: Path, *, seal: str = "") -> dict[str, Any]:
    """Read the key and check its seal; `DataError` where it was changed since.

    `seal` is what was noted down at the export: who changes a key can seal it again.
    """
    key = read_json(folder / KEY)
    hint = "restore it from a copy: ratings cannot be trusted to a key that was changed"
    if not isinstance(key, dict) or not isinstance(key.get("raters"), dict):
        raise DataError(f"{folder / KEY} is no key of rating sheets", hint=hint)
    if key.get("seal") != seal_of(key):
        raise DataError(f"{folder / KEY} was changed after it was sealed", hint=hint)
    if seal and key["seal"] != seal.strip().lower():
        raise DataError(f"{folder / KEY} has another seal than was noted down", hint=hint)
    return key


def names_to_hide(called: Sequence[str]) -> list[str]:
    """Give the names that may not stand in an answer, the longest first.

    Models name themselves. Of what systems are called, ordinary words such as "base" are kept: an
    answer may well speak of a base, and the word gives nobody away.
    """
    names = set(_KNOWN)
    for name in called:
        pieces = [name, *re.split(r"[:#+/\\]", name)]
        names.update(piece.lower() for piece in pieces if re.search(r"\d|[-_.:/]", piece))
    return sorted((name for name in names if len(name) > 2), key=len, reverse=True)


def hide_names(text: str, names: Sequence[str]) -> str:
    """Put "[name]" in the place of names, with what is joined to them such as a version."""
    any_name = "|".join(re.escape(name) for name in names)
    joined = rf"(?<!\w)(?:{any_name})(?:[\w.:-]*\w)?"
    return re.sub(joined, HIDDEN, text, flags=re.IGNORECASE)
