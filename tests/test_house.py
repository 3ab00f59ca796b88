"""The house: small files and functions, whole imports, no printing, versions that agree."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from medllm import __version__
from tests.conftest import REPOSITORY

SRC = REPOSITORY / "src" / "medllm"
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
"""The outer limits; the aim is 300 and 40, and most functions have about ten lines."""

PATHS = sorted(SRC.rglob("*.py"))
IDS = [str(path.relative_to(SRC)) for path in PATHS]
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "core"}


def complaints(source: str, *, is_cli: bool) -> list[str]:
    """What a file does that the house does not."""
    found = []
    n_lines = len(source.splitlines())
    if n_lines > LONGEST_FILE:
        found.append(f"{n_lines} lines")
    tree = ast.parse(source)
    if ast.get_docstring(tree) is None:
        found.append("no docstring")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{node.name} has {length} lines")
        if isinstance(node, ast.ImportFrom) and node.level:
            found.append(f"a relative import in line {node.lineno}")
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            found.append(f"a bare except in line {node.lineno}")
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if is_call and node.func.id == "print" and not is_cli:
            found.append(f"print in line {node.lineno}")
    return found


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_a_file_keeps_to_the_house(path: Path) -> None:
    is_cli = path.relative_to(SRC).parts[0] == "cli"
    assert not complaints(path.read_text(encoding="utf-8"), is_cli=is_cli)
    assert path.stem not in FORBIDDEN_NAMES


def test_what_breaks_the_house_is_seen() -> None:
    long = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION
    assert complaints(f'"""A."""\n{long}', is_cli=False) == [f"f has {LONGEST_FUNCTION + 1} lines"]
    assert complaints('"""A."""\n' * (LONGEST_FILE + 1), is_cli=False) == ["401 lines"]
    assert complaints("print(1)\n", is_cli=False) == ["no docstring", "print in line 1"]
    assert complaints('"""A."""\nprint(1)\n', is_cli=True) == []
    broken = '"""A."""\nfrom . import b\ntry:\n    pass\nexcept:\n    pass\n'
    assert len(complaints(broken, is_cli=False)) == 2


def test_one_version_everywhere() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    changelog = REPOSITORY / "CHANGELOG.md"
    if not changelog.exists():
        pytest.skip("there is no CHANGELOG.md yet")
    headings = re.findall(r"^## (\S+)", changelog.read_text(encoding="utf-8"), re.MULTILINE)
    newest = next(heading for heading in headings if heading != "Unreleased")
    assert newest == project["version"]


def test_every_pinned_dependency_of_the_project_is_pinned_in_the_constraints() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {
        name.lower().replace("_", "-"): version
        for name, _, version in (line.partition("==") for line in lines)
    }
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(line for lines in extras for line in lines)]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name is not None
        key = name[0].lower().replace("_", "-")
        if key == "medllm":
            continue
        assert key in pinned, f"{key} is not in constraints.txt"
        if "==" in requirement:
            assert requirement.partition("==")[2].partition(" ")[0] == pinned[key]
