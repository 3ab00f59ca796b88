"""`medllm data augment`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medllm.cli.data_progress import steps_shown
from medllm.cli.models import open_named
from medllm.cli.options import ConfigOption, JsonOption, SetOption, check_place, read_config
from medllm.cli.terminal import bold, notice, print_json
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.config import Config
    from medllm.data.augment.synonyms import Augmented
    from medllm.models.chat import Model

_OTHER = "copies already, or of a task whose questions must stay as they are"


RecordsArgument = Annotated[
    Path, typer.Argument(metavar="RECORDS", help="A file of records (JSON Lines).")
]
ToOption = Annotated[
    Path, typer.Option("--to", metavar="FILE", help="The file of records to write.")
]
WordnetOption = Annotated[
    Path | None,
    typer.Option(
        "--wordnet",
        metavar="DIR",
        help="Replace words by synonyms: the folder of an English WordNet.",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="SPEC",
        help="Word questions anew: ollama:NAME, openai:BASE_URL#MODEL.",
    ),
]
MethodOption = Annotated[
    Literal["paraphrase", "back-translation"],
    typer.Option("--method", help="What the model does."),
]
ThroughOption = Annotated[
    str, typer.Option("--through", metavar="LANGUAGE", help="Of a back-translation.")
]
ShareOption = Annotated[
    float,
    typer.Option(
        "--share", metavar="SHARE", min=0.0, max=1.0, help="How many of the records get a copy."
    ),
]
KeyOption = Annotated[
    str, typer.Option("--key", metavar="TEXT", help="Another key chooses other records.")
]


def augment(
    source: RecordsArgument,
    to: ToOption,
    wordnet: WordnetOption = None,
    model: ModelOption = None,
    method: MethodOption = "paraphrase",
    through: ThroughOption = "German",
    share: ShareOption = 1.0,
    key: KeyOption = "medllm",
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add copies of records that ask the same in other words.

    Originals and answers stay as they are; each copy says how it was made. A copy that loses a
    number, a unit, a denial or a drug name is dropped and counted. Augment the training split only.
    A run with a model that was stopped goes on when it is called again.

    \b
    Examples:
      medllm data augment train.jsonl --to more.jsonl --wordnet oewn --share 0.3
      medllm data augment train.jsonl --to more.jsonl --model ollama:llama3.1
    """
    from medllm.data.augment.files import augment_file_with_model, augment_file_with_synonyms

    settings = read_config(config, overrides)
    if (wordnet is None) == (model is None):
        hint = "synonyms: --wordnet DIR; rewriting by a model: --model SPEC"
        raise ConfigError("give either --wordnet or --model", hint=hint)
    check_place(to, "--to")
    with steps_shown() as tell:
        if wordnet is not None:
            counts = augment_file_with_synonyms(
                source, to, wordnet, share=share, key=key, progress=tell
            )
        else:
            opened = language_model(model or "", settings)
            counts = augment_file_with_model(
                source, to, opened, method=method, language=through, share=share, key=key,
                progress=tell,
            )  # fmt: skip
    _show(counts, to, "synonyms" if wordnet else method, as_json=as_json)


def language_model(spec: str, settings: Config) -> Model:
    """Open the model that writes texts; raise `ConfigError` where the spec names none."""
    model = open_named(spec, settings.models)
    if model is None:
        hint = "ollama:NAME, openai:BASE_URL#MODEL"
        raise ConfigError(f"--model {spec} names no language model", hint=hint)
    return model


def _show(counts: Augmented, to: Path, method: str, *, as_json: bool) -> None:
    without = {
        "not chosen": counts.not_chosen,
        _OTHER: counts.other,
        "no word to replace": counts.nothing_to_replace,
        "the model gave nothing": counts.failed,
    }
    if as_json:
        facts = {"file": str(to), "method": method, "records": counts.originals}
        facts |= {"copies": counts.copies, "without_copy": {k: n for k, n in without.items() if n}}
        print_json({**facts, "dropped_by_the_check": dict(counts.lost)})
        return
    n_written = counts.originals + counts.copies
    typer.echo(bold(f"{to}: {n_written:,} records"))
    typer.echo(f"  {counts.originals:>9,}  originals")
    typer.echo(f"  {counts.copies:>9,}  copies ({method})")
    for what, n in without.items():
        if n:
            typer.echo(f"  {n:>9,}  without a copy: {what}")
    for what, n in counts.lost.most_common():
        typer.echo(f"  {n:>9,}  copies dropped by the check: {what}")
    if counts.failed:
        notice("run the same command again to ask for what the model did not give")
