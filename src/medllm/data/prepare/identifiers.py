"""De-identification of training records, through the one function of `clinical.deidentify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from medllm.errors import ConfigError
from medllm.records import SftRecord, Turn

Style = Literal["surrogates", "placeholders"]

_NOT_TEXT = ("id", "ids", "path", "paths", "split", "history")
"""Keys of `meta` with such a last word hold no text."""


def read_secret(path: Path | None) -> str:
    """Give the secret of a file; raise `ConfigError` where there is none."""
    hint = "write a long random text into a file and name it as prepare.deidentify.secret_file"
    if path is None:
        raise ConfigError("de-identification needs a secret", hint=hint)
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read the secret in {path}", hint=hint) from exc
    if not secret:
        raise ConfigError(f"the secret in {path} is empty", hint=hint)
    return secret


def deidentify_record(
    record: SftRecord, secret: str, *, style: Style = "surrogates"
) -> tuple[SftRecord, int]:
    """Give the record without the identifiers that are found, and how many were replaced.

    Records of one group keep the same replacements and the same shift of dates.
    """
    from medllm.clinical.deidentify.deidentifier import Deidentifier

    deidentifier = Deidentifier(secret, patient=record.group, style=style)
    n_replaced = 0

    def apply(text: str) -> str:
        nonlocal n_replaced
        done = deidentifier.apply(text)
        n_replaced += len(done.identifiers)
        return done.text

    changed = replace(
        record,
        messages=tuple(
            Turn(role=turn.role, content=apply(turn.content)) for turn in record.messages
        ),
        reasoning=apply(record.reasoning) if record.reasoning else "",
        meta=_apply_to_values(record.meta, apply),
    )
    return (changed, n_replaced) if n_replaced else (record, 0)


def _apply_to_values(value: Any, apply: Callable[[str], str]) -> Any:
    """Apply it to every text in `meta`: other answers, choices, notes."""
    if isinstance(value, str):
        return apply(value)
    if isinstance(value, list | tuple):
        return [_apply_to_values(item, apply) for item in value]
    if isinstance(value, dict):
        return {
            key: item if str(key).split("_")[-1] in _NOT_TEXT else _apply_to_values(item, apply)
            for key, item in value.items()
        }
    return value
