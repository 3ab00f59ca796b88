"""A model card from a report: what was measured, in the form that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from medllm.evaluate.report.markdown import table_lines
from medllm.evaluate.report.tables import differences, means
from medllm.evaluate.systems import model_name

Facts = Mapping[str, Any]


def as_card(facts: Facts, system: str) -> str:
    """Give the card of one of the report's systems, with metadata on top."""
    return "\n".join([*_metadata(facts, system), "", *_body(facts, system)]).rstrip() + "\n"


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
    for table in (means(facts), differences(facts)):
        if table.rows:
            yield f"\n## {table.title}\n"
            yield f"{table.note}\n"
            yield from table_lines(table)
