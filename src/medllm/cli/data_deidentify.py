"""`medllm data deidentify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medllm.cli.data_progress import steps_shown
from medllm.cli.options import JsonOption
from medllm.cli.terminal import bold, notice, print_json

if TYPE_CHECKING:
    from medllm.data.deidentify import Report

_LIMITS = "rules miss some identifiers: read a sample before the texts leave the house"


SourcesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILE_OR_FOLDER...", help="Text, JSON Lines or CSV; folders whole."),
]
ToOption = Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write into.")]
NamesOption = Annotated[
    Path | None,
    typer.Option("--names", metavar="FILE", help="Names that always go, one a line."),
]
SecretOption = Annotated[
    Path | None,
    typer.Option(
        "--secret-file",
        metavar="FILE",
        help="A secret: with it the same names and dates are replaced the same in every run. "
        "Without it one is drawn and forgotten.",
    ),
]
FieldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="NAME",
        help="Of JSON Lines and CSV: only this field; may be repeated. Without it all.",
    ),
]
PatientOption = Annotated[
    str,
    typer.Option(
        "--patient-field",
        metavar="NAME",
        help="The field that tells patients apart: rows of one patient share replacements and "
        "the shift of dates. Without it each row, and each file of text, is its own.",
    ),
]
StyleOption = Annotated[
    Literal["surrogates", "placeholders"],
    typer.Option("--style", help="Invented names and shifted dates, or words in brackets."),
]


def deidentify(
    sources: SourcesArgument,
    to: ToOption,
    names: NamesOption = None,
    secret_file: SecretOption = None,
    field: FieldOption = None,
    patient_field: PatientOption = "",
    style: StyleOption = "surrogates",
    as_json: JsonOption = False,
) -> None:
    """Write texts without names, dates, numbers and places that say who somebody is.

    Finds the 18 identifiers of HIPAA's safe harbour by rules and replaces them: a name by the same
    invented one throughout, dates by others the same number of days apart, ages over 89 by 90+.
    Eponyms such as Parkinson's disease stay. The inputs stay as they are.

    \b
    Examples:
      medllm data deidentify note.txt --to out --names names.txt
      medllm data deidentify notes.jsonl --to out --field text --patient-field patient_id
    """
    from medllm.data.deidentify import Plan, deidentify_files, read_names, read_secret

    plan = Plan(
        secret=read_secret(secret_file) if secret_file else "",
        known_names=read_names(names) if names else (),
        style=style,
        fields=field or (),
        patient_field=patient_field,
    )
    with steps_shown() as tell:
        report = deidentify_files(sources, to, plan, progress=tell)
    _show(report, to, as_json=as_json)
    if report.renamed:
        notice(f"{report.renamed} files were renamed: their own names held an identifier")
    notice(_LIMITS)


def _show(report: Report, to: Path, *, as_json: bool) -> None:
    counts = dict(report.identifiers.most_common())
    if as_json:
        files = [written for _, written in report.files]
        print_json({"files": files, "texts": report.texts, "identifiers": counts})
        return
    what = f"{_counted(len(report.files), 'file')}, {_counted(report.texts, 'text')}"
    typer.echo(bold(f"{to}: {what}, {sum(counts.values()):,} replaced"))
    for category, n in counts.items():
        typer.echo(f"  {n:>9,}  {category.replace('_', ' ')}")


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" + "s" * (n != 1)
