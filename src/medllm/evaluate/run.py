"""The whole evaluation: answers, scores, tests, report; each step reads files and writes files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.evaluate.concord import concord, concord_tables
from medllm.evaluate.experts.ratings import Rating, expert_measures, read_ratings
from medllm.evaluate.experts.reliability import reliability, reliability_table
from medllm.evaluate.held_out import HeldOut, read_held_out
from medllm.evaluate.journal import journalled, write_results
from medllm.evaluate.judge.track import judge
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.lexical.bertscore import measure_bertscore
from medllm.evaluate.lexical.measure import measure_lexical
from medllm.evaluate.lexical.score import LexicalRules, Scorer
from medllm.evaluate.measured import Measured, compare_all
from medllm.evaluate.paired.compare import correct
from medllm.evaluate.report import facts as of
from medllm.evaluate.report.card import as_card
from medllm.evaluate.report.limits import limits
from medllm.evaluate.report.markdown import as_markdown
from medllm.evaluate.report.page import as_page
from medllm.evaluate.report.words import summarise
from medllm.evaluate.sections.all import measure_sections
from medllm.evaluate.sections.section import Section, section_facts
from medllm.evaluate.settings import EvaluateConfig, Settings, to_toml
from medllm.evaluate.systems import Answers, Shown, answer_all
from medllm.evaluate.tasks.gold import GOLD_TASKS, measure_tasks
from medllm.evaluate.tasks.likelihood import TASKS, measure_likelihood, weigh_all
from medllm.files import disk_errors, write_atomically, write_json
from medllm.manifest import append_entry, describe_run, now

REPORT, SCORES, PAGE = "report.json", "scores.json", "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Where the report is, and what it says."""

    folder: Path
    facts: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Found:
    """What the tracks found, before it is tested."""

    measures: list[Measured] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    """Further facts by their name in the report."""


@contextmanager
def hidden(what: str, unit: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda n_done: None


def evaluate(settings: Settings, folder: Path, *, shown: Shown = hidden) -> Evaluated:
    """Run what the settings say, and leave the report in `folder`.

    What an earlier run left there is used again: answers and verdicts are asked for once. Raises
    `DataError`, `ConfigError` and `ModelError`; what was asked by then stays.
    """
    started = now()
    told = settings.evaluate
    held_out = HeldOut([], 0, 0, 0)
    if told.records:
        held_out = read_held_out(
            told.records, limit=told.items, seed=told.seed, system_prompt=told.system_prompt
        )
    check_inputs(told.inputs())
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    _keep_settings(settings, folder)
    shown = journalled(shown, folder)
    answers = answer_all(told, settings.models, held_out.items, folder / "predictions", shown)
    found = measure(settings, held_out, answers, folder, shown)
    sections = measure_sections(settings, held_out.items, answers, folder, shown=shown)
    facts = conclude(told, held_out, answers, found, sections, title=folder.resolve().name)
    options = {"config": "config.toml"}
    results = {"items": len(held_out.items), "hypotheses": facts["n_hypotheses"]}
    entry = describe_run(
        "evaluate", options=options, inputs=told.inputs(), started=started, results=results
    )
    facts["manifest"] = entry
    write_report(folder, facts)
    write_results(folder, facts)
    write_atomically(
        folder / SCORES,
        json.dumps(of.score_table(held_out.items, found.measures), separators=(",", ":")),
    )
    append_entry(folder, entry)
    return Evaluated(folder=folder, facts=facts)


def check_inputs(paths: Sequence[Path]) -> None:
    """Raise `DataError` where a file is not there, before hours are spent on the others."""
    for path in paths:
        if not path.exists():
            hint = "check the path: it starts at the folder of the configuration"
            raise DataError(f"cannot read {path}: no such file or directory", hint=hint)


def measure(
    settings: Settings, held_out: HeldOut, answers: list[Answers], folder: Path, shown: Shown
) -> Found:
    """Score the answers in every track that the settings ask for."""
    told = settings.evaluate
    found = Found()
    predictions = {one.name: one.predictions for one in answers}
    in_words = [item for item in held_out.items if item.task not in GOLD_TASKS]
    if told.lexical.on and any(item.reference for item in in_words):
        rules = LexicalRules(**told.lexical.model_dump(exclude={"on", "encoder"}))
        scorer = Scorer(rules)
        with shown("comparing words", "systems", len(answers)):
            lexical = measure_lexical(in_words, predictions, scorer, seed=told.seed)
        found.measures += lexical.measures
        found.ratios = lexical.length_ratios
        if told.lexical.encoder:
            from medllm.retrieve.encoders import load_encoder

            encoder = load_encoder(told.lexical.encoder)
            with shown("comparing vectors", "systems", len(answers)):
                found.measures.append(measure_bertscore(in_words, predictions, encoder))
    tasks = measure_tasks(held_out.items, predictions)
    found.measures += tasks.measures
    found.measures += _by_likelihood(told, held_out, folder / "predictions", shown)
    if tasks.facts:
        found.more["classes"] = tasks.facts
        found.more.setdefault("tables", []).extend(tasks.tables)
    if told.judge.model:
        judged = judge(settings, held_out.items, answers, folder / "judge", shown)
        found.measures += judged.measures
        found.more["judge"] = judged.facts
        found.more.setdefault("tables", []).extend(judged.tables)
    if told.ratings:
        ratings = read_ratings(told.ratings)
        _check_ratings(ratings, predictions)
        found.measures += expert_measures(ratings, list(predictions))
        found.more["experts"] = reliability(ratings)
        table = reliability_table(found.more["experts"])
        found.more.setdefault("tables", []).append(table)
    if agreement := concord(found.measures, seed=told.seed):
        found.more["agreement"] = agreement
        found.more.setdefault("tables", []).extend(concord_tables(agreement))
    if held_out.items and not found.measures and not told.robustness.is_on:
        raise DataError(
            f"none of the {len(held_out.items)} items can be scored: they have no reference",
            hint="give records whose last turn is the answer, or set a judge in [evaluate.judge]",
        )
    return found


def _by_likelihood(
    told: EvaluateConfig, held_out: HeldOut, folder: Path, shown: Shown
) -> list[Measured]:
    """Score choices by the probabilities of their options, for the systems that ask for it."""
    items = [item for item in held_out.items if item.task in TASKS and item.label]
    weighed = {}
    for system in told.systems if items else ():
        if system.likelihood:
            with (
                Ledger(folder / f"{system.name}.likelihood.jsonl") as ledger,
                shown(f"weighing options, {system.name}", "items", len(items)) as advance,
            ):
                weighed[system.name] = weigh_all(system.model, items, ledger, progress=advance)
    return measure_likelihood(items, weighed)


def _check_ratings(ratings: list[Rating], predictions: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `DataError` where experts rated other systems or other items."""
    known = sum(r.system in predictions and r.item in predictions[r.system] for r in ratings)
    if not known:
        raise DataError(
            f"the {len(ratings)} expert ratings are for other systems or records",
            hint="export the sheets from this run: medllm evaluate experts export RUN",
        )


def conclude(
    told: EvaluateConfig,
    held_out: HeldOut,
    answers: list[Answers],
    found: Found,
    sections: Sequence[Section] = (),
    *,
    title: str,
) -> dict[str, Any]:
    """Test what was found and give everything that the report says, but for the manifest.

    The hypotheses of all sections are corrected together with those about the records.
    """
    items = held_out.items
    clusters = of.clusters_of(items)
    baseline = told.compared_with
    own = compare_all(found.measures, baseline=baseline, clusters=clusters, seed=told.seed)
    comparisons = correct([*own, *(one for part in sections for one in part.comparisons)])
    titles = [""] * len(own) + [part.title for part in sections for _ in part.comparisons]
    facts: dict[str, Any] = {
        "format": of.FORMAT,
        "title": title,
        "baseline": baseline,
        "seed": told.seed,
        "paper_compat": told.lexical.paper_compat,
        "items": of.item_facts(held_out),
        "systems": of.system_facts(answers, found.ratios),
        "measures": [of.measure_facts(m, clusters, seed=told.seed) for m in found.measures],
        "comparisons": of.comparison_facts(comparisons, titles),
        "sections": [section_facts(part, seed=told.seed) for part in sections],
        "n_hypotheses": sum(one.p is not None for one in comparisons),
        "subgroups": of.subgroup_facts(
            items,
            found.measures,
            baseline=baseline,
            names=told.subgroups,
            fewest=told.subgroup_n,
            seed=told.seed,
        ),
        "distributions": _distributions(found.measures),
        "training": of.training_curve(told.training) if told.training else [],
        **found.more,
    }
    facts["summary"] = summarise(facts)
    facts["limits"] = limits(facts)
    return facts


def _distributions(measures: list[Measured]) -> dict[str, Any]:
    rows = {m.name: of.distribution_facts(m) for m in measures if m.is_tested}
    return {name: row for name, row in rows.items() if row}


def write_report(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the report in its forms, and the model card of the last system."""
    write_json(folder / REPORT, facts)
    write_atomically(folder / "report.md", as_markdown(facts))
    write_atomically(folder / PAGE, as_page(facts))
    others = [s["name"] for s in facts["systems"] if s["name"] != facts["baseline"]]
    if facts["systems"]:
        card = as_card(facts, others[-1] if others else facts["baseline"])
        write_atomically(folder / "README.md", card)


def _keep_settings(settings: Settings, folder: Path) -> None:
    """Write the settings as they were resolved; the place of a key is nobody's business."""
    write_atomically(folder / "config.toml", to_toml(settings))
