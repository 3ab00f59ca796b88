"""`medllm evaluate judge`: track B by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medllm.cli.evaluate_run import run_and_show
from medllm.cli.options import JsonOption, SetOption
from medllm.errors import ConfigError


def judge(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file with [evaluate].")],
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="SPEC", help="The judge, if not the configuration's."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="DIR", help="The run's folder; without it out/NAME-OF-CONFIG-judge."
        ),
    ] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a model judge the answers, and try the judge.

    The same as `medllm evaluate CONFIG` without the comparison of words and what else the file asks
    for: for trying judges. Answers that an earlier run left in the folder are used again.

    \b
    Example:
      medllm evaluate judge base-and-tuned.toml --model ollama:qwen3 --to out/judged-by-qwen3
    """
    from medllm.evaluate.settings import load_settings

    more = ["evaluate.lexical.on=false"]
    if model is not None:
        more.append(f"evaluate.judge.model={model}")
    settings = load_settings(config, [*(overrides or []), *more])
    if not settings.evaluate.judge.model:
        raise ConfigError("no judge is named", hint="--model SPEC, or model in [evaluate.judge]")
    if not settings.evaluate.systems:
        raise ConfigError("there are no answers to judge", hint="give records and systems")
    settings = settings.model_copy(update={"evaluate": settings.evaluate.without_sections()})
    run_and_show(settings, to or Path("out") / f"{config.stem}-judge", as_json=as_json)
