"""Choices by likelihood: which option a model finds most probable as the beginning of its answer.

Nothing is generated, so that nothing can be unreadable, and probabilities can be held against how
often they are right. Only a model in this process (`hf:`) gives them.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medllm.errors import ConfigError, extra
from medllm.evaluate.held_out import Item
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.measured import Measured
from medllm.evaluate.tasks.classification import calibration_error
from medllm.models.chat import as_wire
from medllm.models.spec import parse_spec

TASKS = ("choice", "yes-no-maybe")
_WORDS = ("yes", "no", "maybe")
Probabilities = dict[str, float]
"""Option -> probability; they add up to 1."""


def options_of(item: Item) -> list[str]:
    """Give the options that an item has: letters, or yes, no and maybe."""
    if item.task == "yes-no-maybe":
        return list(_WORDS)
    choices = item.meta.get("choices")
    if isinstance(choices, Mapping):
        return sorted(str(letter) for letter in choices)
    return list(string.ascii_uppercase[: len(choices) if isinstance(choices, list) else 4])


def weigh_all(
    spec: str,
    items: Sequence[Item],
    ledger: Ledger,
    *,
    progress: Callable[[int], None] = lambda n_done: None,
) -> dict[str, Probabilities]:
    """Give the probabilities of every item's options, by item; what the ledger holds is not asked.

    `ConfigError` for a model that is not in this process.
    """
    parsed = parse_spec(spec)
    if parsed.kind != "hf":
        raise ConfigError(
            f"{spec} gives no probabilities", hint="likelihood = true works with hf:PATH[+ADAPTER]"
        )
    todo = [i for i in items if ledger.entries.get(i.key, {}).get("digest") != _digest(spec, i)]
    done = len(items) - len(todo)
    progress(done)
    if todo:
        from medllm.models.hf import load_parts
        from medllm.models.hf_parts import find_parts

        model, tokenizer = load_parts(find_parts(parsed.name))
        for item in todo:
            found = weigh(model, tokenizer, item)
            ledger.add({"key": item.key, "digest": _digest(spec, item), "probabilities": found})
            done += 1
            progress(done)
    return {item.key: ledger.entries[item.key]["probabilities"] for item in items}


def _digest(spec: str, item: Item) -> str:
    return f"{spec} {item.prompt_digest} {' '.join(options_of(item))}"


def weigh(model: Any, tokenizer: Any, item: Item) -> Probabilities:
    """Give the probabilities of the item's options after its prompt.

    An option of several tokens has the product of theirs; then all are made to add up to 1.
    """
    with extra("train"):
        import torch
    text = tokenizer.apply_chat_template(
        as_wire(item.messages), add_generation_prompt=True, tokenize=False
    )
    prompt = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    device = next(model.parameters()).device
    logs = {}
    for option in options_of(item):
        ids = list(tokenizer(option, add_special_tokens=False)["input_ids"])
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([prompt + ids], device=device)).logits[0]
        steps = logits[len(prompt) - 1 : -1].float().log_softmax(-1)
        logs[option] = sum(float(steps[at, token]) for at, token in enumerate(ids))
    most = max(logs.values())
    weights = {option: math.exp(value - most) for option, value in logs.items()}
    total = sum(weights.values())
    return {option: weight / total for option, weight in weights.items()}


def measure_likelihood(
    items: Sequence[Item], weighed: Mapping[str, Mapping[str, Probabilities]]
) -> list[Measured]:
    """Give the accuracy by likelihood of each system, by task, with the calibration error."""
    measures = []
    for task in TASKS:
        mine = [item for item in items if item.task == task and item.label]
        if not mine or not weighed:
            continue
        scores: dict[str, dict[str, float]] = {}
        errors: dict[str, float] = {}
        for system, by_item in weighed.items():
            picks = {
                item.key: max(by_item[item.key].items(), key=lambda pair: pair[1]) for item in mine
            }
            right = {i.key: picks[i.key][0].lower() == i.label.strip().lower() for i in mine}
            scores[system] = {key: float(is_right) for key, is_right in right.items()}
            sure = [picks[item.key][1] for item in mine]
            error = calibration_error(sure, [right[item.key] for item in mine])
            if error is not None:
                errors[system] = error
        chance = sum(1 / len(options_of(item)) for item in mine) / len(mine)
        measures.append(
            Measured(
                name=f"accuracy by likelihood ({task})",
                track="task",
                definition="the share of items whose right option is the most probable one after "
                "the prompt; options of several tokens by the product of theirs",
                scores=scores,
                floors=dict.fromkeys(scores, chance),
                floor_meaning="guessing",
                totals={f"calibration error ({task}, 10 bins)": errors},
            )
        )
    return measures
