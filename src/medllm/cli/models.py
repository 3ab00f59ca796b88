"""Opening the model that a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medllm.cli.terminal import notice

if TYPE_CHECKING:
    from medllm.config import ModelsConfig
    from medllm.models.chat import Model


def open_named(spec: str, settings: ModelsConfig) -> Model | None:
    """Open the model that a spec names; None for `extractive`, which needs none."""
    from medllm.models.chat import ModelSettings
    from medllm.models.spec import open_model, parse_spec

    parsed = parse_spec(spec, ollama_url=settings.ollama_url)
    if parsed.kind == "extractive":
        return None
    model = open_model(parsed, ModelSettings(**settings.model_dump()))
    if not model.spec.is_local:
        notice(
            "this model is on another machine: what goes there of the note has names, dates and "
            "other identifiers removed by rules, which miss some"
        )
    return model
