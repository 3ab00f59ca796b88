"""Chat templates for training: what is trained is marked, the date is pinned, the turn ends.

The text that a template makes for serving is, up to the answer, the text that it made in training:
a model saved by medllm carries the same template without the marks. Formats as the models' makers
published them; where the stock templates of Llama 3.1 and later write today's date, a fixed one
stands, and where that of DeepSeek-R1 deletes the reasoning of an answer, ours keeps it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from medllm.errors import ConfigError, DataError

ReasoningFormat = Literal["headings", "think"]

_MARK = re.compile(r"[ \t]*\{%-?\s*(?:end)?generation\s*-?%\}\n?")
_PAD_OF_LLAMA_3 = ("<|finetune_right_pad_id|>", "<|reserved_special_token_0|>")
_DATE = "Cutting Knowledge Date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A chat template with what belongs to it; `text` is Jinja with `{% generation %}` marks."""

    name: str
    text: str
    pad_tokens: tuple[str, ...]
    """The first of these that the tokenizer knows pads; none of them ever ends a turn."""
    end_of_turn: str
    """The last token that is trained in each answer; empty: the tokenizer's end of text."""
    stop_tokens: tuple[str, ...] = ()
    """What else ends an answer when the model is asked."""
    reasoning: ReasoningFormat = "headings"
    """How a record's reasoning is written: under headings, or in the model's own think tags."""

    @property
    def serving_text(self) -> str:
        """The same template without the marks, as other programs read it."""
        return _MARK.sub("", self.text)


def _shipped(name: str, file: str = "", **rest: Any) -> Template:
    path = resources.files("medllm.tune") / "chat_templates" / f"{file or name}.jinja"
    return Template(name=name, text=path.read_text(encoding="utf-8").strip(), **rest)


def shipped_templates() -> dict[str, Template]:
    """Give the templates that come with medllm, by name."""
    llama3: dict[str, Any] = {
        "pad_tokens": _PAD_OF_LLAMA_3,
        "end_of_turn": "<|eot_id|>",
        "stop_tokens": ("<|end_of_text|>", "<|eom_id|>"),
    }
    found = [
        _shipped("llama2", pad_tokens=("<unk>",), end_of_turn="</s>"),
        _shipped("llama3", **llama3),
        _shipped("llama3.2", "llama3-dated", **llama3),
        _shipped("llama3.3", "llama3-dated", **llama3),
        _shipped(
            "deepseek-r1",
            pad_tokens=_PAD_OF_LLAMA_3,
            end_of_turn="<｜end▁of▁sentence｜>",
            reasoning="think",
        ),
    ]
    return {template.name: template for template in found}


def choose_template(wanted: str, tokenizer: Any) -> Template:
    """Give the template that a config names, or with `auto` the one that fits the tokenizer.

    Raises `ConfigError` where none is known: a base model must be given one, and a chat model of
    another family needs one with marks.
    """
    shipped = shipped_templates()
    if wanted in shipped:
        return shipped[wanted]
    if wanted.endswith(".jinja"):
        return _own_template(Path(wanted))
    names = ", ".join(shipped)
    if wanted != "auto":
        raise ConfigError(
            f"model.template: there is no template {wanted!r}",
            hint=f"one of {names}, or the path of a .jinja file",
        )
    name = _name_of(str(tokenizer.chat_template or ""))
    if not name:
        state = "an unknown" if tokenizer.chat_template else "no"
        raise ConfigError(
            f"this base has {state} chat template, so medllm cannot tell how turns are written",
            hint=f"set model.template to one of {names}, or to the path of a .jinja file with "
            "{% generation %} marks",
        )
    return shipped[name]


def _name_of(stock: str) -> str:
    """Tell which shipped template stands for the one a model came with; empty for none."""
    if "<｜Assistant｜>" in stock and "think" in stock:
        return "deepseek-r1"
    if "<|start_header_id|>" in stock and "<|eot_id|>" in stock:
        return "llama3.3" if _DATE in stock else "llama3"
    return "llama2" if "[INST]" in stock and "<<SYS>>" in stock else ""


def _own_template(path: Path) -> Template:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise DataError(f"model.template: {path} cannot be read", hint="give a text file") from exc
    if len(_MARK.findall(text)) < 2:
        raise ConfigError(
            f"model.template: {path} does not mark what is trained",
            hint="put {% generation %} and {% endgeneration %} around the answer and its end",
        )
    if "strftime_now" in text:
        raise ConfigError(
            f"model.template: {path} writes today's date into the prompt",
            hint="write a fixed date: training and serving must read the same text",
        )
    return Template(name=str(path), text=text, pad_tokens=_PAD_OF_LLAMA_3, end_of_turn="")


def control_tokens(template: Template) -> list[str]:
    """Give the tokens that a template writes around turns, in their order."""
    written = re.findall(r"<[|｜][^'<>]+[|｜]>", template.text)
    end = [template.end_of_turn] if template.end_of_turn else []
    return list(dict.fromkeys([*written, *end]))


def prepare_tokenizer(tokenizer: Any, template: Template) -> None:
    """Give the tokenizer the template, a padding token that ends nothing, and its end of turn.

    Raises `ConfigError` where the tokenizer does not know the template's tokens.
    """
    vocabulary = tokenizer.get_vocab()
    absent = sorted({token for token in control_tokens(template) if token not in vocabulary})
    if absent:
        raise ConfigError(
            f"the tokenizer does not match the template {template.name}: it has no {absent[0]}",
            hint="set model.template to the one that the base was made with",
        )
    if template.end_of_turn:
        tokenizer.eos_token = template.end_of_turn
    if tokenizer.eos_token is None:
        raise ConfigError("the tokenizer has no end-of-text token", hint="choose another base")
    tokenizer.pad_token = _pad_token(tokenizer, template, vocabulary)
    tokenizer.padding_side = "right"
    tokenizer.chat_template = template.text


def _pad_token(tokenizer: Any, template: Template, vocabulary: dict[str, int]) -> str:
    """Give a token for padding that is not the end of a turn: such a model would never stop."""
    ends = {tokenizer.eos_token, *template.stop_tokens}
    candidates = [*template.pad_tokens, tokenizer.pad_token, tokenizer.unk_token]
    for token in candidates:
        if token and token in vocabulary and token not in ends:
            return str(token)
    raise ConfigError(
        "the tokenizer has no token to pad with but the end of the text",
        hint="choose a base with an unknown or a reserved token",
    )


def stop_ids(tokenizer: Any, template: Template) -> tuple[int, ...]:
    """Give the ids of the tokens that end an answer, the end of turn first."""
    vocabulary = tokenizer.get_vocab()
    tokens = dict.fromkeys([tokenizer.eos_token, *template.stop_tokens])
    return tuple(vocabulary[token] for token in tokens if token in vocabulary)
