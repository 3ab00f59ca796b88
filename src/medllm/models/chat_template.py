"""Chat templates in Jinja, rendered as transformers does it, without transformers.

Settings of the environment: transformers' `apply_chat_template`
(https://huggingface.co/docs/transformers/chat_templating_writing).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from medllm.errors import ModelError, extra
from medllm.models.chat import Message, as_wire


def render(template: str, messages: Sequence[Message], tokens: Mapping[str, str]) -> str:
    """Give the prompt, up to where the answer begins.

    `tokens` holds what the template may write: `bos_token`, `eos_token` and so on. Raises
    `ModelError` for a template that is broken or that refuses these turns; its words are not
    repeated, since it has read the prompt.
    """
    with extra("export"):  # llama-cpp-python, of the extra gguf, brings it too
        from jinja2 import TemplateError
    try:
        compiled = _environment().from_string(template)
        return str(
            compiled.render(
                messages=as_wire(messages),
                tools=None,
                documents=None,
                add_generation_prompt=True,
                **tokens,
            )
        )
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError):
        # Not "from exc": the exception may hold the prompt, and a traceback would show it.
        raise ModelError(
            "the model's chat template cannot write these turns",
            hint="it may know no system prompt; export the model again with another template",
        ) from None


def _environment() -> Any:
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what is trained; it writes nothing."""

        tags = {"generation"}

        def parse(self, parser: Parser) -> list[nodes.Node]:
            """Give what stands between the marks."""
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _to_json(value: Any, indent: int | None = None) -> str:
    """Write JSON as it is: Jinja's own filter would write < and > in escapes."""
    return json.dumps(value, ensure_ascii=False, indent=indent)
