"""Writes docs/cli.md and docs/config.md: `python scripts/write_reference.py`.

Both are made from what the program itself says, and tests/test_reference.py checks that they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import GenericAlias
from typing import Any, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from medllm.cli.main import app
from medllm.config import Config
from medllm.data.prepare.config import PrepareConfig
from medllm.evaluate.settings import EvaluateConfig
from medllm.tune.config import TrainConfig

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE = "<!-- Made by scripts/write_reference.py: change the source and run it again. -->\n"

CLI_HEAD = f"""# Commands

{MADE}
Results go to standard output; progress, notes and errors to standard error. `--json` prints a
result for a program. Exit codes: 0 done; 2 something that you can mend, said in one line with a
hint; 130 stopped with Ctrl-C; 1 a bug in medllm. `medllm --install-completion` lets the shell
complete commands and options.
"""

CONFIG_HEAD = f"""# Settings

{MADE}
Every setting has a default that works, so no file is needed. A TOML file is named with `--config
FILE`; without it `config.toml` is read from the folder that the environment variable `MEDLLM_HOME`
names, if it is there. `--set section.key=value` changes one setting for a single call, for example
`--set ask.sentences=8`. An unknown key is an error that names the nearest one. What is left out
keeps its default.
"""


EVALUATE_HEAD = """# Settings of an evaluation

These stand in the file that is named to `medllm evaluate CONFIG.toml`; paths in it start at the
folder of that file, and [models] may stand beside them. `--set evaluate.judge.repeats=5` changes
one setting. What they do: docs/evaluation.md.
"""

PREPARE_HEAD = """# Settings of data preparation

These stand in the file that is named to `medllm data prepare CONFIG.toml`. Paths in it are relative
to the file. `--set prepare.split.test=0.1` changes one setting; examples are in `examples/prepare`.
"""

TRAIN_HEAD = """# Settings of training

These stand in the file that is named to `medllm train CONFIG.toml`; paths in it start at the folder
that the command runs in. `--set train.lr=1e-4` changes one setting. What they do: docs/training.md.
"""


def cli_page() -> str:
    """Give docs/cli.md: the help of every command, 80 characters wide."""
    parts = [CLI_HEAD]
    for name, help_text in commands():
        parts.append(f"## {name}\n\n```\n{help_text.rstrip()}\n```\n")
    return "\n".join(parts)


def commands() -> list[tuple[str, str]]:
    """Give (command line, its help) of every command, in the order of the groups."""
    return list(_commands(typer.main.get_command(app), "medllm", None))


def _commands(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    # Typer's own context class differs between its versions; the command knows its own.
    context = command.context_class(
        command, info_name=name.split()[-1], parent=parent, terminal_width=80, max_content_width=80
    )
    context.help_option_names = ["-h", "--help"]
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    yield name, "\n".join(lines)
    for inner_name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{name} {inner_name}", context)


def config_page() -> str:
    """Give docs/config.md: every section with its keys, defaults and meanings, as TOML."""
    parts = [CONFIG_HEAD]
    for section, field in Config.model_fields.items():
        parts += _sections(section, field)
    evaluate = FieldInfo.from_annotation(EvaluateConfig)
    parts += [EVALUATE_HEAD, *_sections("evaluate", evaluate)]
    prepare = FieldInfo.from_annotation(PrepareConfig)
    parts += [PREPARE_HEAD, *_sections("prepare", prepare), TRAIN_HEAD]
    for section, field in TrainConfig.model_fields.items():
        parts += _sections(section, field)
    return "\n".join(parts)


def _sections(name: str, field: FieldInfo) -> Iterator[str]:
    """Give a section with its keys, then the sections within it; of a list, that of its items."""
    model = _model_of(field)
    if model is None:
        raise TypeError(f"{name} is not a section")
    title = " ".join((model.__doc__ or "").split())
    heading = f"[[{name}]]" if field.annotation is not model else f"[{name}]"
    keys = "\n".join(
        _key(key, inner) for key, inner in model.model_fields.items() if not _model_of(inner)
    )
    yield f"## {heading}\n\n{title}\n\n{keys}\n"
    for key, inner in model.model_fields.items():
        if _model_of(inner):
            yield from _sections(f"{name}.{key}", inner)


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    """Give the model of a section, or of the items of a list of sections."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _key(name: str, field: FieldInfo) -> str:
    """Give a key, its default as TOML, its type with bounds, and its meaning."""
    default = field.default
    written = "default not set" if default is None else f"default `{_toml(default)}`"
    if field.is_required():
        written = "must be given"
    meaning = " ".join((field.description or "").split())
    return f"- **`{name}`** ({_type(field)}; {written}): {meaning}"


NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false"}


def _type(field: FieldInfo) -> str:
    choices = [one for kind in _flat(field.annotation) for one in get_args(kind) or (kind,)]
    if choices and all(isinstance(choice, str) for choice in choices):
        return "one of " + _choices(choices)
    items = get_args(field.annotation) if get_origin(field.annotation) is list else ()
    if items:
        allowed = get_args(items[0])
        if allowed and all(isinstance(choice, str) for choice in allowed):
            return "list of " + _choices(allowed)
        return f"list of {NAMES.get(items[0], 'path')}s"
    return " ".join([NAMES.get(field.annotation, "path"), *_bounds(field)])


def _choices(choices: Iterable[str]) -> str:
    return ", ".join(f"`{choice}`" if choice else "empty" for choice in choices)


def _flat(kind: Any) -> tuple[Any, ...]:
    """Give the parts of a union, or of a choice; none of any other type."""
    return get_args(kind) if not isinstance(kind, GenericAlias) else ()


def _bounds(field: FieldInfo) -> list[str]:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = []
    for bound in field.metadata:
        for name, word in words.items():
            value = getattr(bound, name, None)
            if value is not None:
                found.append(f"{word} {value:,}")
    return [" and ".join(found)] if found else []


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def main() -> None:
    """Write both pages."""
    DOCS.mkdir(exist_ok=True)
    (DOCS / "cli.md").write_text(cli_page(), encoding="utf-8")
    (DOCS / "config.md").write_text(config_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
