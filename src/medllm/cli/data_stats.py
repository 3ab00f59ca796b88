"""`medllm data stats`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from medllm.cli.data_progress import steps_shown
from medllm.cli.options import JsonOption, check_place
from medllm.cli.terminal import bold, notice, print_json, wrap

_TITLES = {
    "prompt_characters": "before the answer, characters",
    "answer_characters": "answer, characters",
    "record_tokens": "record, {unit}",
    "answer_tokens": "answer, {unit}",
}
_SHOWN = ("q50", "q90", "q99", "q100")
_N_TOPICS = 5


def stats(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files of records (JSON Lines).")
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="PATH",
            help="Count its tokens: a tokenizer.json or a model's folder. Without it words.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write a page with pictures."),
    ] = None,
    near: Annotated[
        bool, typer.Option("--near/--exact", help="Look for near duplicates too, or only exact.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Say what records are like, in numbers and pictures.

    Lengths, what a cutoff would cost, topics, duplicates, and where the records come from. With
    --html as a self-contained page; it and the JSON hold counts, no text of a record.

    \b
    Examples:
      medllm data stats out/train.jsonl --tokenizer models/llama --html stats.html
      medllm data stats out/train.jsonl out/test.jsonl --json
    """
    from medllm.data.statistics.describe import describe_records
    from medllm.data.statistics.tokens import open_counter

    check_place(html, "--html")
    counter = open_counter(tokenizer) if tokenizer else None
    with steps_shown() as tell:
        report = describe_records(files, counter=counter, near=near, progress=tell)
    if html is not None:
        from medllm.data.statistics.page import write_page
        from medllm.files import write_atomically

        write_atomically(html, write_page(report))
        notice(f"the page is {html}")
    if as_json:
        print_json(report)
    else:
        typer.echo(_show(report))


def _show(report: dict[str, Any]) -> str:
    lines = [bold(f"{report['records']:,} records; {report['counted_in']}")]
    for source in report["sources"]:
        told = [f"{source['groups']:,} groups"]
        told += [f"{n:,} {task}" for task, n in source["tasks"].items()]
        told += [f"{source[key]:,} {key}" for key in ("augmented", "verified") if source[key]]
        first = f"  {source['records']:>9,}  {source['source']}: "
        lines.append(wrap(", ".join(told), indent=" " * 13, first=first))
    lines.append(bold(f"{'LENGTHS':<31}{'median':>9}{'90 %':>9}{'99 %':>9}{'greatest':>10}"))
    for name, title in _TITLES.items():
        values = report["lengths"][name]
        cells = "".join(f"{values[q]:>9,}" for q in _SHOWN[:-1]) + f"{values[_SHOWN[-1]]:>10,}"
        lines.append(f"  {title.format(unit=report['unit']):<29}{cells}")
    lines.append(
        bold(f"{'CUTOFF, ' + report['unit']:<16}{'whole':>9}{'answers cut':>13}{'lost':>9}")
    )
    lines += [
        f"  {row['cutoff']:<14,}{row['records']:>9.2%}{row['answers_cut']:>13,}"
        f"{row['answer_tokens_lost']:>9.2%}"
        for row in report["coverage"]
    ]
    lines += [_show_duplicates(report["duplicates"]), *_show_topics(report["topics"])]
    return "\n".join(lines)


def _show_duplicates(found: dict[str, int | None]) -> str:
    if found["near"] is None:
        return f"{bold('DUPLICATES')} {found['exact']:,} exact"
    copies = f", {found['near_and_augmented']:,} of these augmented copies"
    near = f"{found['near']:,} near" + (copies if found["near_and_augmented"] else "")
    return f"{bold('DUPLICATES')} {found['exact']:,} exact, {near}"


def _show_topics(topics: dict[str, Any]) -> list[str]:
    lines = [bold(f"TOPICS in {topics['sample']:,} records")]
    for kind, counts in topics["kinds"].items():
        if counts:
            named = ", ".join(f"{name} {n:,}" for name, n in list(counts.items())[:_N_TOPICS])
            lines.append(wrap(named, indent=" " * 15, first=f"  {kind:<12} "))
    return lines
