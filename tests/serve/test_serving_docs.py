"""The examples of docs/serving.md, run one after another as a reader would."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.serve.running import Running

PAGE = REPOSITORY / "docs" / "serving.md"


def test_the_examples_run(serve: Callable[..., Running], tmp_path: Path) -> None:
    running = serve("--data", tmp_path / "data")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 7
    names = {"url": running.url, "token": running.token}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)


def test_every_setting_that_the_page_names_exists() -> None:
    from medllm.config import ServeConfig

    named = set(re.findall(r"`serve\.([a-z_]+)", PAGE.read_text(encoding="utf-8")))
    assert named <= set(ServeConfig.model_fields)
    assert len(named) >= 6
