"""docs/cli.md and docs/config.md say what the program says, and all of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from medllm.config import Config
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "write_reference", REPOSITORY / "scripts" / "write_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli", "config"])
def test_a_page_is_as_the_program_is(page: str, writer: ModuleType) -> None:
    made = getattr(writer, f"{page}_page")()
    written = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert written == made, "run: python scripts/write_reference.py"


def test_every_setting_is_explained() -> None:
    page = (DOCS / "config.md").read_text(encoding="utf-8")
    for section, field in Config.model_fields.items():
        assert f"## [{section}]" in page
        for name, key in field.annotation.model_fields.items():  # type: ignore[union-attr]
            assert f"- **`{name}`** (" in page
            assert key.description, f"{section}.{name} has no docstring"


def test_every_command_of_the_design_is_there(writer: ModuleType) -> None:
    names = {name for name, _ in writer.commands()}
    index = {f"medllm index {name}" for name in ("build", "add", "delete", "status", "snapshot")}
    others = {"medllm search", "medllm ask", "medllm evaluate retrieval", "medllm doctor"}
    assert index | others <= names


def test_every_option_and_argument_is_explained(writer: ModuleType) -> None:
    import typer

    from medllm.cli.main import app

    def walk(command: object, name: str) -> None:
        for parameter in command.params:  # type: ignore[attr-defined]
            assert parameter.help, f"{name}: {parameter.name} has no help"
        for inner_name, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{name} {inner_name}")

    walk(typer.main.get_command(app), "medllm")


def test_the_script_writes_what_the_test_reads(
    writer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "DOCS", tmp_path / "docs")
    writer.main()
    assert (tmp_path / "docs" / "cli.md").read_text(encoding="utf-8") == writer.cli_page()
