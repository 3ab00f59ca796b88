"""The Modelfile: how an Ollama is to ask the model so that it reads what it was trained to read.

Ollama writes prompts with Go templates. Each of ours gives, for system, user and assistant turns,
the text that the training template gives, but for the token that begins it: Ollama adds that itself
because the GGUF says so, and a model that reads it twice answers otherwise.
Go: https://pkg.go.dev/text/template. Modelfile: https://docs.ollama.com/modelfile.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError
from medllm.export.facts import ExportFacts
from medllm.files import write_atomically

MODELFILE, LICENCE = "Modelfile", "LICENSE"
NUM_CTX = 8192
"""What Ollama reserves memory for at most, unless its user asks for more: 1 GB for an 8B model."""

_FILES = {
    "llama2": "llama2",
    "llama3": "llama3",
    "llama3.2": "llama3-dated",
    "llama3.3": "llama3-dated",
    "deepseek-r1": "deepseek-r1",
}
_NO_THOUGHT = r'{{ "<think>\n\n</think>\n\n" }}'


def has_go_template(template: str) -> bool:
    """Tell whether a training template, by its name, has a form for Ollama."""
    return template in _FILES


def go_template(facts: ExportFacts) -> str:
    """Give the template for Ollama; raise `ConfigError` for one that a user wrote in Jinja."""
    if not has_go_template(facts.template):
        raise ConfigError(
            f"the template {facts.template} has no form for Ollama, which does not read Jinja",
            hint="serve the model with llama.cpp or vLLM: docs/deploy.md",
        )
    # Go cannot cut white space off a text as Jinja's trim does, so this does it step by step.
    trim = _trim("trim", result="{{- . -}}", empty="")
    if facts.template == "deepseek-r1":
        trim += _trim("trim to answer", result='{{- template "answer" . -}}', empty=_NO_THOUGHT)
    body = _read(_FILES[facts.template])
    return trim + body.replace("BOS", facts.bos_token).replace("EOS", facts.eos_token)


def _trim(name: str, *, result: str, empty: str) -> str:
    text = _read("trim").replace("TRIM", name)
    return text.replace("RESULT", result).replace("EMPTY", empty)


def _read(name: str) -> str:
    path = resources.files("medllm.export") / "go_templates" / f"{name}.gotmpl"
    return path.read_text(encoding="utf-8")


def parameters(facts: ExportFacts) -> dict[str, Any]:
    """Give Ollama's parameters: what ends an answer, and no choice of words that was not ours.

    Ollama by itself punishes repetition, also at temperature 0, and keeps 40 tokens to choose from.
    """
    return {
        "stop": list(facts.stop_tokens),
        "num_ctx": min(facts.context_tokens, NUM_CTX),
        "temperature": facts.temperature,
        "repeat_penalty": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
    }


def modelfile_text(facts: ExportFacts, gguf: str, licence: str) -> str:
    """Give the Modelfile for the GGUF of this name, which lies beside it."""
    lines = [f"FROM ./{gguf}", f"TEMPLATE {_quoted(go_template(facts))}"]
    for name, value in parameters(facts).items():
        for one in value if isinstance(value, list) else [value]:
            lines.append(f"PARAMETER {name} {json.dumps(one, ensure_ascii=False)}")
    if facts.system:
        lines.append(f"SYSTEM {_quoted(facts.system)}")
    if licence:
        lines.append(f"LICENSE {_quoted(licence)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    if '"""' in text:
        raise ConfigError(
            "a Modelfile cannot hold three quotation marks in a row",
            hint="take them out of the system prompt or the licence",
        )
    return f'"""{text}"""'


def write_modelfile(folder: Path, facts: ExportFacts, gguf: str) -> None:
    """Write the Modelfile, with the LICENSE that lies in the folder.

    Raises `ConfigError` where the training template has no form for Ollama.
    """
    path = folder / LICENCE
    licence = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_atomically(folder / MODELFILE, modelfile_text(facts, gguf, licence))
