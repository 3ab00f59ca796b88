"""The systems of a run: their answers are asked for, or read."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medllm.config import ModelsConfig
from medllm.errors import ConfigError
from medllm.evaluate.energy import machine_meter
from medllm.evaluate.given import read_given
from medllm.evaluate.held_out import Item
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.predict import Asking, Prediction, count_fates, predict, read_predictions
from medllm.evaluate.settings import EvaluateConfig, SystemConfig
from medllm.models.chat import Model, ModelSettings
from medllm.models.spec import open_model, parse_spec

Shown = Callable[[str, str, int], AbstractContextManager[Callable[[int], None]]]
"""What is done, the unit and how many of them -> a bar that is told how many are done by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a system answered, and what that took."""

    name: str
    spec: str
    family: str
    predictions: Mapping[str, Prediction]
    facts: dict[str, Any]
    """Fates, tokens, times and energy, for the report."""


def answer_all(
    settings: EvaluateConfig,
    models: ModelsConfig,
    items: Sequence[Item],
    folder: Path,
    shown: Shown,
) -> list[Answers]:
    """Give the answers of every system; those that are asked for are kept in `folder`."""
    return [
        _given(system, items)
        if system.predictions
        else _asked(system, settings, models, items, folder, shown)
        for system in settings.systems
    ]


def open_asked(spec: str, models: ModelsConfig) -> Model:
    """Open a model that can be asked anything; `ConfigError` for `extractive`, which cannot."""
    parsed = parse_spec(spec, ollama_url=models.ollama_url)
    if parsed.kind == "extractive":
        raise ConfigError(
            "extractive cannot be evaluated on records: it only picks sentences from evidence",
            hint="name a language model: ollama:NAME or openai:URL#NAME",
        )
    return open_model(parsed, ModelSettings(**models.model_dump()))


def family_of(spec: str) -> str:
    """Give the family that a model's name tells: its letters up to a digit, "llama" of llama3.2."""
    name = spec.rpartition("#")[2].rpartition(":")[2] if "#" in spec else spec.partition(":")[2]
    name = Path(name).stem.lower()
    known = ("llama", "qwen", "mistral", "mixtral", "gemma", "phi", "gpt", "claude", "deepseek")
    for family in known:
        if family in name:
            return "mistral" if family == "mixtral" else family
    return ""


def model_name(spec: str) -> str:
    """Give a model's own name out of its spec, without a server's address or a path."""
    kind, colon, name = spec.partition(":")
    if not colon or kind == "ollama":
        return name or spec
    if "#" in name:
        return name.rpartition("#")[2]
    return " + ".join(Path(part).name for part in name.split("+"))


def _given(system: SystemConfig, items: Sequence[Item]) -> Answers:
    path = system.predictions or Path()
    given = read_given(path, items)
    facts = {
        "answers": f"read from {path.name}",
        "fates": count_fates(given.predictions, len(items)),
        "for_other_records": given.n_other,
        "repeated": given.n_repeated,
        **_spent(given.predictions),
    }
    return Answers(
        name=system.name,
        spec=f"answers of {path.name}",
        family=system.family,
        predictions=given.predictions,
        facts=facts,
    )


def _asked(
    system: SystemConfig,
    settings: EvaluateConfig,
    models: ModelsConfig,
    items: Sequence[Item],
    folder: Path,
    shown: Shown,
) -> Answers:
    asker = Asker(system, settings, models)
    predictions = asker.ask(items, folder / f"{system.name}.jsonl", shown)
    spec = asker.model.spec
    facts = {
        "answers": "asked for",
        "is_local": spec.is_local,
        "settings": {**asker.asking.settings, "max_tokens": asker.asking.max_tokens},
        "fates": count_fates(predictions, len(items)),
        **_spent(predictions),
        "joules_of": list(machine_meter().sources),
    }
    return Answers(
        name=system.name,
        spec=str(spec),
        family=(system.family or family_of(str(spec))).lower(),
        predictions=predictions,
        facts=facts,
    )


class Asker:
    """A system that is asked, with the settings of the run."""

    def __init__(
        self, system: SystemConfig, settings: EvaluateConfig, models: ModelsConfig
    ) -> None:
        """Open the system's model."""
        self.name = system.name
        self.model = open_asked(system.model, models)
        self.asking = Asking(
            max_tokens=settings.max_tokens,
            concurrent=settings.concurrent,
            settings={
                "model": str(self.model.spec),
                "temperature": models.temperature,
                "sampling": models.sampling,
                "seed": models.seed,
                "context_tokens": models.context_tokens,
            },
        )

    def ask(
        self, items: Sequence[Item], path: Path, shown: Shown, *, what: str = ""
    ) -> dict[str, Prediction]:
        """Give the answers to these items; those that the file holds are not asked again."""
        title = f"asking {self.name}{f', {what}' if what else ''}"
        with Ledger(path) as ledger, shown(title, "answers", len(items)) as advance:
            predict(self.model, items, ledger, self.asking, progress=advance)
            return read_predictions(ledger.entries, items, source=str(path))


def _spent(predictions: Mapping[str, Prediction]) -> dict[str, Any]:
    """Give what an answer took: medians and sums, None where it was not measured."""
    rows = list(predictions.values())
    seconds = [row.seconds for row in rows if row.seconds is not None]
    tokens = [row.completion_tokens for row in rows if row.completion_tokens is not None]
    joules = [row.joules for row in rows if row.joules is not None]
    return {
        "seconds_median": statistics.median(seconds) if seconds else None,
        "seconds_total": sum(seconds) if seconds else None,
        "answer_tokens": sum(tokens) if tokens else None,
        "answer_tokens_median": statistics.median(tokens) if tokens else None,
        "joules_per_answer": statistics.mean(joules) if joules else None,
        "n_joules": len(joules),
        "n_answers": len(rows),
    }
