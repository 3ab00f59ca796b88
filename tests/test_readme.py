"""What README, the docs and the Makefile tell a reader to type exists and works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from medllm.cli.main import app
from tests.conftest import REPOSITORY

PAGES = ["README.md", *sorted(f"docs/{page.name}" for page in (REPOSITORY / "docs").glob("*.md"))]


def code_lines(page: str) -> list[str]:
    """Give the lines of a page's indented and fenced code, continuation lines joined."""
    text = (REPOSITORY / page).read_text(encoding="utf-8").replace("\\\n", " ")
    lines, is_fenced = [], False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or line.startswith("    "):
            lines.append(line.strip().removeprefix("$ "))
    return lines


def commands(page: str) -> list[str]:
    """Give the medllm commands among them, without what a shell does after them."""
    typed = [line for line in code_lines(page) if line.startswith("medllm ")]
    return [re.split(r"\s+(?:#|>|\||&&)\s*", line)[0] for line in typed]


def test_the_first_command_stands_within_25_lines() -> None:
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("    make demo") for line in lines[:25])


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_that_a_page_shows_exists(page: str) -> None:
    root = typer.main.get_command(app)
    for line in commands(page):
        if "..." in line or "|" in line or "COMMAND" in line:
            continue  # a pattern, not a command
        command, words = root, shlex.split(line)[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        inner = getattr(command, "commands", {})
        if "run" in inner and words and words[0].endswith(".toml"):
            command = inner["run"]  # `evaluate CONFIG.toml` is short for `evaluate run CONFIG.toml`
        assert not getattr(command, "commands", {}) or words[:1] in ([], ["--help"]), line
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        known |= {name for parameter in command.params for name in parameter.secondary_opts}
        for word in words:
            if word.startswith("--"):
                assert word.split("=")[0] in known, f"{page}: {line}: no option {word}"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_is_linked_exists(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((REPOSITORY / page).parent / target).exists(), f"{page} links to {target}"


def test_every_folder_and_module_of_readmes_tree_exists() -> None:
    tree = (REPOSITORY / "README.md").read_text(encoding="utf-8").split("## The tree")[1]
    inside = re.findall(r"^      (\S+)  .*?(?:\s{2,}(\w+\.py) |$)", tree, re.MULTILINE)
    names = [name for pair in inside for name in pair if name]
    assert len(names) >= 12
    for name in names:
        assert (REPOSITORY / "src" / "medllm" / name).exists(), name


def test_the_demo_of_the_makefile_runs_and_writes_its_page(tmp_path: Path) -> None:
    recipe = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    steps = [line.strip() for line in recipe.splitlines() if line.startswith("\t$(BIN)/medllm")]
    assert len(steps) == 3
    printed = ""
    for step in steps:
        words = shlex.split(step.replace("$(DEMO)", str(tmp_path)))[1:]
        done = subprocess.run(
            [sys.executable, "-m", "medllm", *words],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    for heading in ("FINDINGS", "SIMILAR PATIENTS", "ARTICLES", "SUMMARY", "SOURCES"):
        assert heading in printed
    assert (tmp_path / "answer.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
