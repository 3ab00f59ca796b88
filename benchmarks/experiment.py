"""The published experiment in miniature, on one core: `python -m benchmarks.experiment`.

A Llama made here reads medical text in full training, then learns dialogues with LoRA, and is
compared with what it was before on 84 dialogues that it never saw: each step is the command that a
user types. The published run had a 7B chat model; this one has a few million parameters and has
read a few megabytes, so it shows that the road works and nothing about any real model.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.command import Options, main, read_report
from benchmarks.experiment_road import Sizes, go
from benchmarks.report import Measured, Row, Section, Table, from_interval
from medllm.data.sft_files import load_records, write_lines
from medllm.evaluate.statistics import mean_interval, paired_interval

N_HELD_OUT = 84
"""As many dialogues as the published run was evaluated on."""
LEVEL = 0.05
_LOSSES = (0.0, 100.0)
"""No mean loss of an answer lies outside."""
FULL, QUICK = Sizes(9_000_000, N_HELD_OUT, 1.0, 0), Sizes(200_000, 12, 1.0, 20)


def measure(options: Options) -> Section:
    """Go the whole road and report what it came to."""
    section = Section(name="experiment")
    dialogues = (options.data or Path()) / "genmedgpt" / "genmedgpt-first-90.json"
    if options.data is None or not dialogues.is_file():
        note = "needs the dialogues and texts of ../shared/data"
        section.rows = [Row(what="the published experiment in miniature", measured=None, note=note)]
        return section
    work = (options.cache / "experiment").absolute()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    sizes = QUICK if options.quick else FULL
    section.notes += go(work, options.data, dialogues, sizes)
    losses = _losses(work)
    section.rows += _loss_rows(losses, options)
    facts = read_report(work / "evaluated" / "report.json")
    swapped = read_report(work / "swapped" / "report.json")
    section.rows.append(_track_a_row(facts, options))
    section.tables += [
        _table("After LoRA against before, paired by dialogue", facts),
        _table("Each answer against the same answers given to other questions", swapped),
    ]
    section.data = {"losses": losses, "comparisons": facts["comparisons"]}
    section.notes += _notes(facts)
    return section


def _losses(work: Path) -> dict[str, dict[str, float]]:
    """Give the mean loss of the answer of each held-out dialogue, before and after.

    `another question` is the loss after, of each answer under the question of another dialogue.
    """
    test = work / "prepared" / "test.jsonl"
    records = list(load_records(test))
    half = len(records) // 2
    asked = [record.messages[:-1] for record in [*records[half:], *records[:half]]]
    with write_lines(work / "another.jsonl") as handle:
        for record, turns in zip(records, asked, strict=True):
            handle.write_record(replace(record, messages=(*turns, record.messages[-1])))
    return {
        "base": _losses_of(work, "read/model", test),
        "tuned": _losses_of(work, "tune", test),
        "another question": _losses_of(work, "tune", work / "another.jsonl"),
    }


def _losses_of(work: Path, model: str, records: Path) -> dict[str, float]:
    from medllm.models.hf import load_parts
    from medllm.models.hf_parts import find_parts
    from medllm.tune.config import load_train_config
    from medllm.tune.measure import record_losses
    from medllm.tune.train import prepare

    prepared = prepare(load_train_config(work / "tune.toml", [f'data.train=["{records}"]']))
    alone = [[n] for n in range(len(prepared.train))]
    loaded, _ = load_parts(find_parts(str(work / model)))
    losses = record_losses(loaded, prepared.train, alone, pad=prepared.tokenizer.pad_token_id)
    return dict(zip(prepared.train.names, losses.tolist(), strict=True))


def _loss_rows(losses: Mapping[str, Mapping[str, float]], options: Options) -> list[Row]:
    whats = {
        "base": "loss of a held-out dialogue's answer, after LoRA minus before",
        "another question": "the same after LoRA, under its own question minus under another's",
    }
    rows = []
    for name, what in whats.items():
        before, after = losses[name], losses["tuned"]
        fall = paired_interval(before, after, bounds=_LOSSES)
        n_lower = sum(after[key] < loss for key, loss in before.items())
        rows.append(
            Row(
                what=what,
                measured=from_interval("medllm", fall),
                wanted="falls" if name == "base" else "",
                reached=fall.high < 0 if name == "base" and options.is_full else None,
                references=[
                    from_interval(one, mean_interval(list(losses[one].values()), bounds=_LOSSES))
                    for one in (name, "tuned")
                ],
                note=f"lower on {n_lower} of {fall.n}",
            )
        )
    return rows


def _track_a_row(facts: Mapping[str, Any], options: Options) -> Row:
    found = facts["comparisons"]
    better = [one for one in found if one["difference"]["low"] > 0 and one["p_holm"] < LEVEL]
    return Row(
        what=f"Track A: measures of {len(found)} that rise, p < .05 after Holm's correction",
        measured=Measured(system="medllm", value=len(better), n=facts["items"]["n"], digits=0),
        wanted=f"p < .05 on {N_HELD_OUT} dialogues",
        reached=len(better) == len(found) if options.is_full else None,
    )


def _table(title: str, facts: Mapping[str, Any]) -> Table:
    header = [
        "measure",
        "before",
        "after",
        "difference",
        "p, paired",
        "after Holm",
        "p, U test",
        "n",
    ]
    lines = []
    for one in facts["comparisons"]:
        d = one["difference"]
        ps = [one[name] for name in ("p", "p_holm", "p_mann_whitney")]
        lines.append(
            [
                one["metric"],
                f"{one['baseline_mean']:.4f}",
                f"{one['system_mean']:.4f}",
                f"{d['mean']:+.4f} [{d['low']:+.4f}, {d['high']:+.4f}]",
                *map(_p_value, ps),
                str(one["n"]),
            ]
        )
    return Table(title=title, header=header, lines=lines)


def _p_value(p: float | None) -> str:
    if p is None:
        return "-"
    if p < 1e-12:
        return "<1e-12"
    return f"{p:.1e}" if p < 1e-3 else f"{p:.3f}"


def _notes(facts: Mapping[str, Any]) -> list[str]:
    fates = [
        f"{one['name']}: " + ", ".join(f"{n} {fate}" for fate, n in one["fates"].items() if n)
        for one in facts["systems"]
    ]
    return [
        f"answers at temperature 0, of at most 256 tokens; {'; '.join(fates)}",
        "the base never saw a dialogue, so much of the rise is the form of an answer; the second "
        "table takes the form away: what is left there is what answers have to do with questions",
        "one run with one seed: the intervals are over dialogues, not over trainings",
    ]


if __name__ == "__main__":
    raise SystemExit(main(measure))
