"""`medllm data build` and `medllm data review`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medllm.cli.data_augment import language_model
from medllm.cli.data_progress import steps_shown
from medllm.cli.options import ConfigOption, JsonOption, SetOption, check_place, read_config
from medllm.cli.show_review import desk, review_facts, show_built, show_review
from medllm.cli.terminal import notice, print_json
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.data.review.queue import ReviewQueue

ReviewersOption = Annotated[
    int,
    typer.Option(
        "--reviewers",
        metavar="N",
        min=1,
        max=5,
        help="How many must decide on each record; set when the queue is made.",
    ),
]


def build(
    questions: Annotated[
        Path,
        typer.Argument(metavar="QUESTIONS", help="Records, or a .txt with one question a line."),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The queue's folder, made anew.")],
    model: Annotated[
        str, typer.Option("--model", metavar="SPEC", help="Answers: ollama:NAME or the like.")
    ],
    judge: Annotated[
        str, typer.Option("--judge", metavar="SPEC", help="Judges the answers; best another model.")
    ],
    reviewers: ReviewersOption = 2,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have questions answered and judged by models, for review.

    Answers that pass the checks and the judge are queued for people. What falls out on the way is
    named with its reason in left_out.jsonl. Nothing is released that people have not accepted: see
    `medllm data review`. A run that was stopped goes on when it is called again.

    \b
    Example:
      medllm data build questions.txt --to queue --model ollama:med --judge ollama:llama3.1
    """
    from medllm.data.review.files import build_queue

    settings = read_config(config, overrides)
    if model == judge:
        notice("the judge is the model that answers, and tends to like what it wrote")
    answering, judging = (language_model(spec, settings) for spec in (model, judge))
    with steps_shown() as tell:
        made = build_queue(questions, to, answering, judging, n_reviewers=reviewers, progress=tell)
    show_built(made.built, to, as_json=as_json)


FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the queue.")]
ReviewerOption = Annotated[
    str | None,
    typer.Option("--reviewer", metavar="NAME", help="Who decides: a pseudonym, as r1."),
]
AdjudicateOption = Annotated[
    bool, typer.Option("--adjudicate", help="Decide where reviewers differ.")
]
QueueOption = Annotated[
    Path | None,
    typer.Option("--queue", metavar="RECORDS", help="Make the queue, of a file of records."),
]
ExportOption = Annotated[
    Path | None,
    typer.Option("--export", metavar="CSV", help="Write what waits for the reviewer."),
]
SemicolonOption = Annotated[
    bool, typer.Option("--semicolon", help="Part the cells by ; as Excel does in Europe.")
]
ImportOption = Annotated[
    Path | None,
    typer.Option("--import", metavar="CSV", help="Take the decisions of a table in."),
]
ReleaseOption = Annotated[
    Path | None,
    typer.Option("--release", metavar="FILE", help="Write the verified records, no others."),
]


def review(
    folder: FolderArgument,
    reviewer: ReviewerOption = None,
    adjudicate: AdjudicateOption = False,
    queue: QueueOption = None,
    reviewers: ReviewersOption = 2,
    export: ExportOption = None,
    semicolon: SemicolonOption = False,
    imported: ImportOption = None,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Review records in the terminal or in a spreadsheet.

    Two reviewers accept, edit or reject each record, without seeing what the other said; where
    they differ a third one adjudicates. Every decision is on disk before the next record is shown.
    Without an option: how far the queue is, and how far reviewers agree.

    \b
    Examples:
      medllm data review queue --reviewer r1
      medllm data review queue --reviewer r2 --export r2.csv
      medllm data review queue --reviewer r2 --import r2.csv
      medllm data review queue --reviewer r3 --adjudicate
      medllm data review queue --release verified.jsonl
    """
    from medllm.data.review.queue import ReviewQueue

    _check_options(reviewer, adjudicate, [queue, export, imported, release])
    if queue is not None:
        _make(queue, folder, reviewers)
    elif release is not None:
        _release(folder, release)
    opened = ReviewQueue(folder)
    if export is not None:
        _export(opened, str(reviewer), export, adjudicate=adjudicate, semicolon=semicolon)
    elif imported is not None:
        _import(opened, str(reviewer), imported, adjudicate=adjudicate)
    elif reviewer is not None:
        from medllm.data.review.terminal import review_items

        n_decided = review_items(opened, reviewer, desk(), adjudicate=adjudicate)
        notice(f"decided by {reviewer}: {n_decided:,}")
    if as_json:
        print_json(review_facts(opened))
    else:
        typer.echo(show_review(opened))


def _make(source: Path, folder: Path, n_reviewers: int) -> None:
    from medllm.data.review.files import queue_records

    with steps_shown() as tell:
        queue_records(source, folder, n_reviewers=n_reviewers, progress=tell)


def _release(folder: Path, to: Path) -> None:
    from medllm.data.review.files import release_queue

    check_place(to, "--release")
    notice(f"verified records written to {to}: {release_queue(folder, to):,}")


def _check_options(reviewer: str | None, adjudicate: bool, actions: list[Path | None]) -> None:
    """Raise `ConfigError` for options that do not go together."""
    queue, export, imported, release = actions
    if sum(action is not None for action in actions) > 1:
        hint = "give one of --queue, --export, --import, --release"
        raise ConfigError("these options do not go together", hint=hint)
    if reviewer is None and (export or imported or adjudicate):
        raise ConfigError("this needs to know who reviews", hint="--reviewer r1, a pseudonym")
    if reviewer is not None and (queue or release):
        hint = "leave --reviewer out, and review with a second command"
        raise ConfigError("--reviewer does not go with --queue or --release", hint=hint)


def _export(
    queue: ReviewQueue, reviewer: str, path: Path, *, adjudicate: bool, semicolon: bool
) -> None:
    from medllm.data.review.table import export_csv

    check_place(path, "--export")
    done = export_csv(
        queue, reviewer, path, adjudicate=adjudicate, separator=";" if semicolon else ","
    )
    notice(f"rows written to {path}: {done.rows:,}")
    if done.too_long:
        notice(f"too long for a cell, to be reviewed in the terminal: {done.too_long:,}")


def _import(queue: ReviewQueue, reviewer: str, path: Path, *, adjudicate: bool) -> None:
    from medllm.data.review.table_import import import_csv
    from medllm.manifest import now

    done = import_csv(queue, reviewer, path, when=now(), adjudicate=adjudicate)
    notice(f"decisions taken in from {path}: {done.decisions:,}")
    facts = {
        "rows that were taken in before": done.known,
        "rows that others settled meanwhile": done.settled,
        "rows without a decision yet": done.undecided,
    }
    for what, n in facts.items():
        if n:
            notice(f"{what}: {n:,}")
    if done.other_columns:
        notice(f"columns not looked at: {', '.join(done.other_columns)}")
