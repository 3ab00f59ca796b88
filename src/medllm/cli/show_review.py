"""What `medllm data build` and `medllm data review` show, and how a reviewer types."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from medllm.cli.terminal import bold, flat, print_json, width
from medllm.errors import ConfigError, DataError

if TYPE_CHECKING:
    from medllm.data.review.agreement import Agreement
    from medllm.data.review.build import Built
    from medllm.data.review.queue import ReviewQueue
    from medllm.data.review.terminal import Desk

_END = "."


def show_built(built: Built, to: Path, *, as_json: bool) -> None:
    """Print what became of the questions."""
    if as_json:
        facts = {"folder": str(to), "questions": built.questions, "queued": built.queued}
        print_json({**facts, "unjudged": built.unjudged, "left_out": dict(built.reasons)})
        return
    typer.echo(bold(f"{to}: {built.queued:,} of {built.questions:,} answers wait for review"))
    if built.unjudged:
        typer.echo(f"  {built.unjudged:>7,}  of them without a verdict of the judge")
    for reason, n in built.reasons.most_common():
        typer.echo(f"  {n:>7,}  left out: {reason}")
    typer.echo(f"next: medllm data review {to} --reviewer r1")


def review_facts(queue: ReviewQueue) -> dict[str, Any]:
    """Give how far a queue is and how far reviewers agree, ready for JSON."""
    finals = [item.final for item in queue.items() if item.status == "accepted"]
    edited = sum(final is not None and final.verdict == "edit" for final in finals)
    return {
        "folder": str(queue.folder),
        "records": len(queue),
        "reviewers_needed": queue.n_reviewers,
        "status": queue.counts(),
        "accepted_with_an_edit": edited,
        "decisions_by_reviewer": queue.decided_by(),
        "agreement": [asdict(agreement) for agreement in queue.agreement()],
        "krippendorffs_alpha": queue.alpha(),
    }


def show_review(queue: ReviewQueue) -> str:
    """Give the same in words."""
    facts = review_facts(queue)
    counts = facts["status"]
    lines = [bold(f"{queue.folder}: {facts['records']:,} records")]
    told = {
        "open": f"wait for reviewers ({queue.n_reviewers} each)",
        "disputed": "wait for an adjudicator",
        "accepted": f"verified, {facts['accepted_with_an_edit']:,} of them edited",
        "rejected": "rejected",
    }
    lines += [f"  {counts[status]:>7,}  {text}" for status, text in told.items()]
    for reviewer, n in facts["decisions_by_reviewer"].items():
        lines.append(f"  {n:>7,}  decided by {reviewer}")
    lines += [_show_agreement(agreement) for agreement in queue.agreement()]
    if facts["krippendorffs_alpha"] is not None and len(facts["agreement"]) > 1:
        lines.append(f"  Krippendorff's alpha over all: {facts['krippendorffs_alpha']:.2f}")
    return "\n".join(lines)


def _show_agreement(found: Agreement) -> str:
    who = " and ".join(found.reviewers)
    same = f"  {who}: {found.observed:.0%} equal of {found.n:,}, by chance {found.expected:.0%}"
    if found.kappa is None or found.low is None or found.high is None:
        return f"{same}; no kappa, both always decided the same"
    return f"{same}; Cohen's kappa {found.kappa:.2f} (95 % {found.low:.2f} to {found.high:.2f})"


def desk() -> Desk:
    """Give where a reviewer sits: this terminal, and their editor for longer texts."""
    from medllm.data.review.terminal import Desk

    if sys.stdin is None:
        raise DataError("standard input is closed", hint="review in a terminal, or with --export")
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")  # a stray byte is no reason to stop
    return Desk(read_line=input, write=_write, edit=_edit)


def _write(text: str) -> None:
    """Print a text that may come from anywhere: wrapped, and without what steers a terminal."""
    for line in text.split("\n"):
        typer.echo(textwrap.fill(flat(line), width(), break_on_hyphens=False))


def _edit(text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    return _edit_in(editor, text) if editor else _type_anew()


def _type_anew() -> str:
    typer.echo(f"Type the whole answer; end with a line that holds only {_END!r}.")
    lines = []
    while (line := input()) != _END:
        lines.append(line)
    return "\n".join(lines)


def _edit_in(editor: str, text: str) -> str:
    """Let an editor change the text; what it leaves lying around goes with its folder."""
    with tempfile.TemporaryDirectory(prefix="medllm-") as folder:  # 0700: nobody else looks in
        path = Path(folder) / "answer.txt"
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(editor), str(path)], check=False)
        except (OSError, ValueError) as exc:
            raise ConfigError(
                "the editor cannot be started", hint="set EDITOR, or unset it"
            ) from exc
        if done.returncode:
            typer.echo("The editor ended with an error: the answer stays as it was.")
            return text
        return path.read_text(encoding="utf-8", errors="replace")
