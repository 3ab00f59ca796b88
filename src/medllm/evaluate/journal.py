"""`metrics.jsonl` of an evaluation: how far it is, what each step took, and what came of it.

One JSON object a line, only ever added to, as a training run's; no text of a record, and no number
where nothing was measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medllm.evaluate.energy import machine_meter
from medllm.evaluate.systems import Shown
from medllm.manifest import now
from medllm.tune.metrics import append_metrics, end_line

_LINES = 20
"""Of progress for each step."""


def journalled(shown: Shown, folder: Path) -> Shown:
    """Give a way to show progress that also writes it down in the folder."""
    end_line(folder)

    @contextmanager
    def step(what: str, unit: str, total: int) -> Iterator[Callable[[int], None]]:
        meter, started, last = machine_meter(), time.perf_counter(), 0

        def advance(n_done: int) -> None:
            nonlocal last
            if total and n_done * _LINES // total > last:
                last = n_done * _LINES // total
                append_metrics(folder, _line("progress", what, unit, n_done, total))
            tell(n_done)

        with shown(what, unit, total) as tell:
            yield advance
        done = _line("step", what, unit, total, total)
        done["seconds"] = round(time.perf_counter() - started, 3)
        if (joules := meter.lap()) is not None:
            done |= {"joules": round(joules, 3), "joules_of": list(meter.sources)}
        append_metrics(folder, done)

    return step


def _line(event: str, what: str, unit: str, n_done: int, total: int) -> dict[str, Any]:
    return {
        "event": event,
        "time": now(),
        "what": what,
        "unit": unit,
        "n_done": n_done,
        "n": total,
    }


def write_results(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add a line for every mean and every difference of a report."""
    parts = [{"title": "", "measures": facts["measures"]}, *facts["sections"]]
    for part in parts:
        for measure in part["measures"]:
            for system, row in measure["systems"].items():
                numbers = {name: row[name] for name in ("mean", "low", "high", "n")}
                append_metrics(
                    folder,
                    {
                        "event": "score",
                        "section": part["title"],
                        "measure": measure["name"],
                        "system": system,
                        **numbers,
                    },
                )
    for one in facts["comparisons"]:
        append_metrics(
            folder,
            {
                "event": "difference",
                "section": one["section"],
                "measure": one["metric"],
                "system": one["system"],
                "baseline": one["baseline"],
                **{name: one["difference"][name] for name in ("mean", "low", "high", "n")},
                "p_holm": one["p_holm"],
            },
        )
