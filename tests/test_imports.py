"""Imports point down, `ask` and `tune` stay apart, heavy packages wait until they are needed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SRC = REPOSITORY / "src" / "medllm"
LAYERS = [  # a module imports from its own line and from the lines below it
    {"cli", "__main__"},
    {"serve"},
    {"publish"},
    {"export"},
    {"evaluate", "doctor"},
    {"ask", "tune"},
    {"retrieve"},
    {"data"},
    {"clinical"},
    {"models"},
    {"config", "manifest", "records", "errors", "files", "energy"},
]
HEIGHT = {name: -number for number, names in enumerate(LAYERS) for name in names}
APART = ({"ask", "tune"}, {"evaluate", "doctor"})
HEAVY = {
    "torch",
    "transformers",
    "sentence_transformers",
    "peft",
    "trl",
    "llama_cpp",
    "gguf",
    "datasets",
    "fastapi",
    "ray",
    "matplotlib",
    "numba",
    "scipy",
    "pandas",
    "sklearn",
}
NOT_FOR_HELP = HEAVY | {"numpy", "qdrant_edge", "httpx", "pydantic", "rich", "ijson", "psutil"}

PATHS = sorted(SRC.rglob("*.py"))
IDS = [str(path.relative_to(SRC)) for path in PATHS]


def layer_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported(source: str) -> set[str]:
    """The parts of medllm that a file imports, at any depth, even inside functions."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    parts = [name.split(".") for name in names]
    return {p[1] for p in parts if p[0] == "medllm" and len(p) > 1 and p[1] in HEIGHT}


def wrong_imports(here: str, source: str) -> list[str]:
    if here == "__init__":
        return sorted(imported(source))
    apart = [names for names in APART if here in names]
    return [
        there
        for there in sorted(imported(source))
        if HEIGHT[there] > HEIGHT[here] or (there != here and any(there in n for n in apart))
    ]


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_imports_point_down(path: Path) -> None:
    here = layer_of(path)
    assert here == "__init__" or here in HEIGHT, f"{here} has no place in the layers"
    assert not wrong_imports(here, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("ask", "from medllm.tune import train"),
        ("tune", "import medllm.ask.road"),
        ("retrieve", "def f():\n    from medllm.ask.road import ask"),
        ("records", "from medllm import clinical"),
        ("models", "from medllm.clinical.findings import find_findings"),
        ("doctor", "from medllm.evaluate import measures"),
        ("__init__", "from medllm import cli"),
    ],
)
def test_an_import_that_points_up_is_seen(here: str, source: str) -> None:
    assert wrong_imports(here, source)


def loaded_by(*arguments: str | Path, home: Path) -> set[str]:
    """The packages that a command loads, and its exit code is 0."""
    code = (
        "import sys\n"
        "from medllm.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "print('\\n'.join({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=home,
        env={name: value for name, value in os.environ.items() if name != "MEDLLM_HOME"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stderr.split())


def test_help_loads_next_to_nothing(tmp_path: Path) -> None:
    assert not loaded_by("--help", home=tmp_path) & NOT_FOR_HELP
    of_command = loaded_by("index", "build", "--help", home=tmp_path)
    assert not of_command & (NOT_FOR_HELP - {"pydantic"})  # typer reads arguments with it


def test_light_commands_stay_light(tmp_path: Path, examples: Path) -> None:
    build = ("index", "build", examples / "articles.jsonl", "--to", "idx")
    assert "numpy" in loaded_by(*build, home=tmp_path), "what is loaded is seen"
    commands: list[tuple[str | Path, ...]] = [
        ("index", "add", "idx", examples / "patients.jsonl", "--kind", "patients"),
        ("search", "fever", "--index", "idx"),
        ("ask", examples / "note.txt", "--index", "idx", "--model", "extractive"),
        ("findings", examples / "note.txt"),
        ("doctor", "--index", "idx"),
    ]
    for command in commands:
        heavy = loaded_by(*command, home=tmp_path) & HEAVY
        assert not heavy, f"{command[0]} loads {heavy}"
