"""A model card from a report: what was measured, in the form that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from medllm.evaluate.report.limits import limits
from medllm.evaluate.report.markdown import table_lines
from medllm.evaluate.report.tables import Table, differences, means
from medllm.evaluate.report.words import summarise
from medllm.evaluate.systems import model_name

Facts = Mapping[str, Any]


def as_card(facts: Facts, system: str) -> str:
    """Give the card of one of the report's systems, with metadata on top.

    It leaves out what the report holds of other things, such as searches.
    """
    facts = _of_systems(facts)
    return "\n".join([*_metadata(facts, system), "", *_body(facts, system)]).rstrip() + "\n"


def _of_systems(facts: Facts) -> dict[str, Any]:
    """Give what is about the systems, with the words that belong to it."""
    sections = [part for part in facts.get("sections", []) if part["is_about_systems"]]
    titles = {"", *(part["title"] for part in sections)}
    rows = [one for one in facts["comparisons"] if one.get("section", "") in titles]
    kept = {**facts, "sections": sections, "comparisons": rows}
    return {**kept, "summary": summarise(kept), "limits": limits(kept)}


def _metadata(facts: Facts, system: str) -> Iterator[str]:
    """Give YAML, every string in JSON's quotation marks, which YAML reads as they are."""
    yield "---"
    yield "library_name: medllm"
    yield "tags: [medical, evaluation]"
    yield "model-index:"
    yield f"- name: {json.dumps(system)}"
    yield "  results:"
    yield "  - task:"
    yield "      type: text-generation"
    yield "    dataset:"
    yield f"      name: {json.dumps(', '.join(facts['items']['sources']))}"
    yield f"      type: {json.dumps('sha256-' + facts['items']['digest'][:16])}"
    yield "    metrics:"
    for measure in facts["measures"]:
        if row := measure["systems"].get(system):
            kind = measure["name"].lower().replace(" ", "-")
            yield f"    - type: {json.dumps(kind)}"
            said = f"{measure['name']}: {measure['definition']}; n = {row['n']:,}"
            yield f"      name: {json.dumps(said)}"
            yield f"      value: {row['mean']:.6f}"
    yield "---"


def _body(facts: Facts, system: str) -> Iterator[str]:
    spec = next(one["spec"] for one in facts["systems"] if one["name"] == system)
    yield f"# {system}\n"
    n = facts["items"]["n"]
    yield f"Evaluated with medllm as `{model_name(spec)}` on {n:,} held-out items.\n"
    yield "Not a medical device. It must not be used to decide about patients.\n"
    yield "## What the evaluation says\n"
    yield from (f"- {sentence}" for sentence in facts["summary"])
    yield "\n## What it does not show\n"
    yield from (f"- {sentence}" for sentence in facts["limits"])
    of_sections = [Table(**table) for part in facts["sections"] for table in part["tables"]]
    for table in (means(facts), differences(facts), *of_sections):
        if table.rows and not table.is_detail:
            yield f"\n## {table.title}\n"
            yield f"{table.note}\n"
            yield from table_lines(table)
