"""What tests of publishing share: publishing at a fake Ollama, and what it says of a failure."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import MedllmError
from medllm.publish import run
from tests.publish.fake_ollama import FakeOllama

NAME = "me/llama-clinic"
FULL = "me/llama-clinic:latest"


def go(folder: Path, server: FakeOllama, name: str = NAME, **options: Any) -> dict[str, Any]:
    """Publish; nothing waits for a retry."""
    patience = options.pop("patience_s", 60.0)
    is_replaced = options.pop("replace", False)
    planned = run.plan(folder, name, url=server.url, push=options.pop("push", True), **options)
    return run.publish(planned, replace=is_replaced, patience_s=patience)


def failure(folder: Path, server: FakeOllama, **options: Any) -> str:
    """All that is said of a failure."""
    with pytest.raises(MedllmError) as caught:
        go(folder, server, **options)
    return "".join(traceback.format_exception(caught.value)) + caught.value.hint
