"""Edited copies planted as near duplicates and as leaks, and how many of them are found.

Into the real sets where they are there, else into invented dialogues. Every copy has at least one
word changed in its question and one in its answer, so short questions are edited harder than the
name of the edit says.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence

from benchmarks.command import Options
from benchmarks.data_records import CUTS, EDITS, Inventor, all_words, edited
from benchmarks.report import Measured, Row, Section, Table
from medllm.data.prepare.clean import CleanRules, clean_record
from medllm.data.prepare.duplicates import find_duplicates
from medllm.data.prepare.overlap import find_overlap
from medllm.data.reading import Reading
from medllm.data.review.agreement import wilson_interval
from medllm.data.sets.catalogue import read_set
from medllm.records import SftRecord, Turn

LIGHT = ("re-cased", "words change places, 5 %", "words replaced, 5 %", "answer cut by 30 %")
"""The edits that the targets speak of; the table has them all."""
SETS = {
    "genmedgpt-5k": "genmedgpt/genmedgpt-first-90.json",
    "medquad": "medquad/medquad_answered.jsonl.gz",
}


def load(options: Options, name: str) -> list[SftRecord]:
    """Give the cleaned records of a real set, or as many invented ones."""
    if options.data is None:
        return invented(2000)
    records = read_set(name, options.data / SETS[name], reading=Reading())
    cleaned = (clean_record(record, CleanRules()) for record in records)
    kept = [record for record in cleaned if not isinstance(record, str)]
    return kept[:2000] if options.quick else kept


def invented(n: int) -> list[SftRecord]:
    """Give n invented dialogues."""
    inventor = Inventor(5000)
    return [_record(str(number), *inventor.dialogue()) for number in range(n)]


def _record(name: str, question: str, answer: str) -> SftRecord:
    turns = (Turn(role="user", content=question), Turn(role="assistant", content=answer))
    return SftRecord(id=name, source="invented", group=name, task="dialogue", messages=turns)


def near_duplicates(
    options: Options, section: Section, name: str, records: Sequence[SftRecord]
) -> None:
    """Plant edited copies and count how many are found; count what is merged without them."""
    began = time.process_time()
    native = find_duplicates(records)
    seconds = time.process_time() - began
    kept = [record for record, of in zip(records, native.of, strict=True) if of < 0]
    draw, others = random.Random(11), all_words(records)
    per_kind = 50 if options.quick else 300
    table = Table(title=f"Near duplicates planted in {name}", header=["edit", "found", "n"])
    planted: list[SftRecord] = []
    kinds: list[str] = []
    for kind in (*EDITS, *CUTS):
        for record in draw.sample(kept, min(per_kind, len(kept))):
            planted.append(edited(record, kind, draw, others))
            kinds.append(kind)
    found = find_duplicates([*records, *planted]).of[len(records) :] >= 0
    shares = {kind: float(found[[k == kind for k in kinds]].mean()) for kind in (*EDITS, *CUTS)}
    table.lines += [
        [kind, f"{share:.1%}", str(kinds.count(kind))] for kind, share in shares.items()
    ]
    section.tables.append(table)
    light = [bool(hit) for hit, kind in zip(found, kinds, strict=True) if kind in LIGHT]
    section.rows.append(
        _share_row(options, f"near duplicates planted in {name}, found", light, 0.95)
    )
    section.rows.append(
        Row(
            what=f"near duplicates that {name} itself holds, of all records",
            measured=Measured(
                system="medllm", value=100 * native.n_near / len(records), unit="%", n=len(records)
            ),
            note=f"{native.n_near} merged, {native.n_exact} exact; {len(records) / seconds:,.0f} "
            "records/s of CPU time",
        )
    )
    pairs = [
        (records[of], records[at])
        for at, of in enumerate(native.of.tolist())
        if of >= 0 and native.near[at]
    ]
    section.data[f"merged in {name}"] = [[first.id, second.id] for first, second in pairs]
    if name == "medquad" and options.data:
        section.rows.append(_false_merges(options, pairs, len(records)))


def _false_merges(options: Options, pairs: Sequence[tuple[SftRecord, SftRecord]], n: int) -> Row:
    """Count merged pairs that MedQuAD itself puts under another focus or another question type.

    An upper bound: some of them have the very same answer under two names of one disease.
    """
    false = [pair for pair in pairs if _topic(pair[0]) != _topic(pair[1])]
    low, high = wilson_interval(len(false), n)
    n_same = sum(first.messages[-1] == second.messages[-1] for first, second in false)
    return Row(
        what="near duplicates merged in medquad though focus or question type differ, of all",
        measured=Measured(
            system="medllm",
            value=100 * len(false) / n,
            unit="%",
            low=100 * low,
            high=100 * high,
            n=n,
        ),
        wanted="under 0.1%",
        reached=len(false) / n < 0.001 if options.is_full else None,
        note=f"{len(false)} pairs, {n_same} of them with the same answer to the letter",
    )


def _topic(record: SftRecord) -> tuple[str, str]:
    """Give focus and question type; GHR's "genetic changes" are what GARD calls causes."""
    focus = re.sub("[^a-z0-9]", "", str(record.meta.get("focus", "")).lower())
    kind = str(record.meta.get("question_type", ""))
    return focus, {"genetic changes": "causes"}.get(kind, kind)


def _share_row(options: Options, what: str, hits: Sequence[bool], wanted: float) -> Row:
    value = sum(hits) / len(hits)
    low, high = wilson_interval(sum(hits), len(hits))
    return Row(
        what=what,
        measured=Measured(
            system="medllm",
            value=100 * value,
            unit="%",
            low=100 * low,
            high=100 * high,
            n=len(hits),
            digits=1,
        ),
        wanted=f"{wanted:.0%}",
        reached=value >= wanted if options.is_full else None,
    )


def leaks(options: Options, section: Section, name: str, records: Sequence[SftRecord]) -> None:
    """Plant evaluation records in training data, as they are and edited; count what is found."""
    draw, others = random.Random(13), all_words(records)
    shuffled = draw.sample(list(records), len(records))
    n = 100 if options.quick else 400
    evaluation, train = shuffled[:n], shuffled[n : n + 5000]
    before = find_overlap(train, evaluation)
    known = {match.evaluation.id for match in before.matches if match.is_leak}
    unseen = [record for record in evaluation if record.id not in known]
    table = Table(
        title=f"Leaks planted in {name}", header=["edit", "found as leaks", "named at all", "n"]
    )
    hits: dict[str, list[bool]] = {"as it is": [], "edited": []}
    for kind in ("as it is", *EDITS, *CUTS):
        planted = [
            record if kind == "as it is" else edited(record, kind, draw, others)
            for record in unseen
        ]
        found = find_overlap([*train, *planted], unseen)
        leaked = {match.evaluation.id for match in found.matches if match.is_leak}
        shares = [len(leaked) / len(unseen), found.n_touched / len(unseen)]
        table.lines.append([kind, *(f"{share:.1%}" for share in shares), str(len(unseen))])
        if kind == "as it is" or kind in LIGHT:
            which = "as it is" if kind == "as it is" else "edited"
            hits[which] += [record.id in leaked for record in unseen]
    section.tables.append(table)
    section.rows += [
        _share_row(options, f"leaks planted in {name} word for word, found", hits["as it is"], 1.0),
        _share_row(
            options, f"leaks planted in {name}, lightly edited, found", hits["edited"], 0.95
        ),
    ]
    section.notes.append(
        f"{name}: before anything was planted, {before.n_leaked} of {len(evaluation)} evaluation "
        f"records had a leak and {before.n_touched} a match; those with a leak were set aside"
    )
