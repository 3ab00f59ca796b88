"""Names of models on Ollama: USER/MODEL:TAG."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medllm.errors import ConfigError
from medllm.models.spec import is_cloud_name, refuse_cloud_name

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_MODEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_CHECKED_BY = "medllm-check"
"""The user under whose name a model lies while it is checked; nothing is ever pushed there."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name, in its parts; `user` is empty for a model that stays on one machine."""

    user: str
    model: str
    tag: str = "latest"

    def __str__(self) -> str:
        """Give it as Ollama takes it."""
        return f"{self.user}/{self.model}:{self.tag}" if self.user else f"{self.model}:{self.tag}"

    def while_checked(self, digest: str) -> Name:
        """Give the name under which the model lies until it has passed."""
        return Name(_CHECKED_BY, self.model, f"sha256-{digest[:12]}")


def parse_name(text: str) -> Name:
    """Read a name; raise `ConfigError` for what Ollama would not take.

    Rules: https://github.com/ollama/ollama/blob/main/types/model/name.go. Raises `PrivacyError` for
    a name of Ollama's cloud, whose models run elsewhere.
    """
    path, _, tag = text.partition(":")
    user, slash, model = path.rpartition("/")
    tag = tag or "latest"
    fits = _MODEL.fullmatch(model) and _MODEL.fullmatch(tag)
    if not fits or (slash and not _USER.fullmatch(user)) or text.endswith(":"):
        raise ConfigError(
            f"{text[:100]!r} is no name for a model",
            hint="give USER/MODEL or USER/MODEL:TAG, of letters, digits, -, _ and .",
        )
    if is_cloud_name(text):
        refuse_cloud_name(text)
    return Name(user, model, tag)
