"""Is what an Ollama made of an export the model that was exported? Asked before it gets its name.

The prompt that it renders must be the training template's, letter for letter; it must read as many
tokens of it as the model's own tokenizer makes, so that none begins twice; and it must answer.
All that is sent here is invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError, DataError, ModelError
from medllm.export.facts import HF, ExportFacts
from medllm.export.modelfile import go_template, parameters
from medllm.models.chat import Message, ModelSettings
from medllm.models.chat_template import render
from medllm.models.ollama import OllamaModel
from medllm.models.spec import ModelSpec
from medllm.publish.ollama_api import OllamaApi

TALKS: tuple[tuple[Message, ...], ...] = (
    (Message("user", "What helps against a cough?"),),
    (Message("user", "  Temperature 38.5 °C, CRP 12 mg/l.\n\n"),),
    (Message("system", "Be brief.\n"), Message("user", 'Ceftriaxone 2 g {{ .System }} "i.v."?')),
    (
        Message("system", "Be brief."),
        Message("user", "e\u0301 µg 病 \u00a0"),
        Message("assistant", " Yes.\n"),
        Message("user", "And <b>then</b>?"),
    ),
)
_MAX_TOKENS = 16


def template_text(folder: Path, facts: ExportFacts) -> str:
    """Give the training template that the export ships; raise `DataError` where it has none."""
    path = folder / HF / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8").rstrip("\n")
    from medllm.tune.templates import shipped_templates

    shipped = shipped_templates().get(facts.template)
    if shipped is None:
        raise DataError(f"{path} is missing", hint=f"medllm export RUN --to {folder}")
    return shipped.serving_text


def expected_prompts(folder: Path, facts: ExportFacts) -> list[str]:
    """Give the prompts of `TALKS` as the model was trained to read them.

    Raises `MissingExtraError` where the package that reads the template is not installed.
    """
    template = template_text(folder, facts)
    return [expected_prompt(template, facts, talk) for talk in TALKS]


def expected_prompt(template: str, facts: ExportFacts, talk: Sequence[Message]) -> str:
    """Give the prompt as the model was trained to read it, its beginning token included."""
    if facts.system and talk[0].role != "system":
        talk = [Message("system", facts.system), *talk]
    tokens = {"bos_token": facts.bos_token, "eos_token": facts.eos_token}
    return render(template, talk, tokens)


def check_shown(api: OllamaApi, name: str, facts: ExportFacts) -> None:
    """Raise `ModelError` where Ollama did not keep the template, system prompt or parameters."""
    shown = api.show(name)
    for what, is_kept in _kept(shown, facts):
        if not is_kept:
            raise ModelError(
                f"{api.server} did not keep the {what} it was given", hint="update Ollama"
            )


def _kept(shown: dict[str, Any], facts: ExportFacts) -> Iterator[tuple[str, bool]]:
    yield "template", shown.get("template") == go_template(facts)
    yield "system prompt", (shown.get("system") or "") == facts.system
    said = str(shown.get("parameters") or "").splitlines()
    pairs = [line.split(maxsplit=1) for line in said if line.strip()]
    found = {(pair[0], _value(pair[-1])) for pair in pairs}
    for name, value in parameters(facts).items():
        for one in value if isinstance(value, list) else [value]:
            yield f"parameter {name}", (name, one) in found


def _value(text: str) -> Any:
    """Read a parameter as `ollama show` prints it: a number, or a text with or without marks."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.strip()
    return value if isinstance(value, str | int | float) else text.strip()


def check_prompts(api: OllamaApi, name: str, facts: ExportFacts, expected: Sequence[str]) -> int:
    """Compare the prompts that Ollama renders with the trained ones, and give how many.

    Raises `ModelError` at the first difference.
    """
    for number, (talk, prompt) in enumerate(zip(TALKS, expected, strict=True), 1):
        # The beginning token is not in the text: Ollama puts it there as the GGUF says.
        if api.rendered(name, talk) != prompt.removeprefix(facts.bos_token):
            raise ModelError(
                f"{api.server} asks otherwise than the model was trained: prompt {number} of "
                f"{len(TALKS)} differs",
                hint="update Ollama; if it stays so, serve the model with llama.cpp or vLLM "
                "(docs/deploy.md)",
            )
    return len(TALKS)


def check_answer(
    api: OllamaApi, name: str, facts: ExportFacts, tokenizer: Path, prompt: str
) -> int | None:
    """Ask what `prompt` asks, and give how many tokens it had where both counted as many.

    None where the model's own tokenizer is not at hand to count. Raises `ModelError` where no
    whole answer comes, or where the counts differ.
    """
    counted = _ask(api, name, facts)
    expected = _count(tokenizer, prompt)
    if counted is None or expected is None:
        return None
    if counted < expected:  # some versions leave out what they remember of an earlier question
        api.unload(name)
        counted = _ask(api, name, facts)
    if counted != expected:
        raise ModelError(
            f"{api.server} read {counted} tokens of a prompt that has {expected}: it begins twice "
            "or not at all, or is cut otherwise than in training",
            hint="update Ollama, or export the model again",
        )
    return counted


def _ask(api: OllamaApi, name: str, facts: ExportFacts) -> int | None:
    """Ask, look at the answer, and give how many tokens Ollama read, where it says so."""
    model = OllamaModel(ModelSpec("ollama", name, api.server.url), api.settings)
    chunks = list(model.stream(TALKS[0], schema=None, max_tokens=_MAX_TOKENS))
    answer = "".join(chunk.text for chunk in chunks)
    for stop in facts.stop_tokens:
        if stop in answer:
            raise ModelError(
                f"{api.server} writes on after {stop}, which ends an answer", hint="update Ollama"
            )
    return chunks[-1].prompt_tokens


def _count(path: Path, prompt: str) -> int | None:
    if not path.is_file():
        return None
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError:
        return None
    tokenizer: Any = Tokenizer.from_file(str(path))
    return len(tokenizer.encode(prompt, add_special_tokens=False).ids)


def settings_for(patience_s: float, facts: ExportFacts, url: str) -> ModelSettings:
    """Give how Ollama is called: loading a large model for the first time takes minutes."""
    context = int(parameters(facts)["num_ctx"])
    if context < 1:
        raise ConfigError("the export names no context length", hint="export the model again")
    return ModelSettings(
        ollama_url=url,
        first_byte_timeout_s=patience_s,
        stall_timeout_s=patience_s,
        context_tokens=context,
        temperature=facts.temperature,
    )
