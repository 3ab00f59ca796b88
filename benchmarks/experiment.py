"""The published experiment in miniature, on one core: `python -m benchmarks.experiment`.

A Llama made here reads medical text in full training, then learns dialogues with LoRA, and is
compared with what it was before on 84 dialogues that it never saw: each step is the command that a
user types. The published run had a 7B chat model; this one has a few million parameters and has
read a few megabytes, so it shows that the road works and nothing about any real model.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.command import Options, main, read_report
from benchmarks.experiment_road import Sizes, go
from benchmarks.report import Measured, Row, Section, Table, from_interval
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
    section.rows.append(_loss_row(losses, options))
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
    """Give the mean loss of the answer of each held-out dialogue, before and after."""
    from medllm.models.hf import load_parts
    from medllm.models.hf_parts import find_parts
    from medllm.tune.config import load_train_config
    from medllm.tune.measure import record_losses
    from medllm.tune.train import prepare

    found: dict[str, dict[str, float]] = {}
    override = f'data.train=["{work}/prepared/test.jsonl"]'
    prepared = prepare(load_train_config(work / "tune.toml", [override]))
    alone = [[n] for n in range(len(prepared.train))]
    pad = prepared.tokenizer.pad_token_id
    for name, folder in (("base", "read/model"), ("tuned", "tune")):
        model, _ = load_parts(find_parts(str(work / folder)))
        losses = record_losses(model, prepared.train, alone, pad=pad).tolist()
        found[name] = dict(zip(prepared.train.names, losses, strict=True))
    return found


def _loss_row(losses: Mapping[str, Mapping[str, float]], options: Options) -> Row:
    before, after = losses["base"], losses["tuned"]
    fall = paired_interval(before, after, bounds=_LOSSES)
    n_lower = sum(after[name] < loss for name, loss in before.items())
    return Row(
        what="loss of a held-out dialogue's answer, after LoRA minus before",
        measured=from_interval("medllm", fall),
        wanted="falls",
        reached=fall.high < 0 if options.is_full else None,
        references=[
            from_interval(name, mean_interval(list(values.values()), bounds=_LOSSES))
            for name, values in losses.items()
        ],
        note=f"lower on {n_lower} of {fall.n}",
    )


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
                *("-" if p is None else f"{p:.1e}" if p < 1e-3 else f"{p:.3f}" for p in ps),
                str(one["n"]),
            ]
        )
    return Table(title=title, header=header, lines=lines)


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
