"""Text on a terminal: its width, its styles, wrapping, JSON, and a bar for what takes long.

Results go to standard output through `typer.echo`, which leaves styles out where that is no
terminal; the bar and every notice go to standard error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import typer

Advance = Callable[[int], None]
"""Takes how many are done by now."""

_NARROWEST, _WIDEST = 40, 100
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of writing: a text from outside must not
steer the terminal."""
_NO_BREAK = "\u00a0"


def width() -> int:
    """Give how wide lines may be: the terminal's width, 100 characters at most."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns))


def wrap(text: str, *, indent: str = "", first: str | None = None, tail: str = "") -> str:
    """Wrap a paragraph to the terminal; a short `tail` ends it, faint, and is not broken."""
    start = indent if first is None else first
    kept = flat(tail).replace(" ", _NO_BREAK)
    filled = textwrap.fill(
        f"{flat(text)} {kept}".strip(),
        width(),
        initial_indent=start,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
    return filled.removesuffix(kept) + faint(flat(tail)) if kept else filled


def flat(text: str) -> str:
    """Give a text as one line that a terminal can bear."""
    return " ".join(_FORBIDDEN.sub(" ", text).replace(_NO_BREAK, " ").split())


def shorten(text: str, n_characters: int) -> str:
    """Give at most so many characters, cut between words."""
    return textwrap.shorten(flat(text), n_characters, placeholder=" ...")


def bold(text: str) -> str:
    """Give the text in bold where there are styles."""
    return typer.style(text, bold=True) if _has_styles() else text


def faint(text: str) -> str:
    """Give the text fainter than the rest where there are styles."""
    return typer.style(text, dim=True) if _has_styles() else text


def warning(text: str) -> str:
    """Give the text in a colour that stands out where there are styles; words must say it too."""
    return typer.style(text, fg="yellow", bold=True) if _has_styles() else text


def mark_words(text: str, words: Collection[str]) -> str:
    """Give the text with these words in bold."""
    if not words or not _has_styles():
        return text
    any_word = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    found = re.compile(rf"(?<![^\W_])({any_word})(?![^\W_])", re.IGNORECASE)
    return found.sub(lambda match: bold(match.group()), text)


def print_json(value: Any) -> None:
    """Print a value as JSON, in a form that the output can bear."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    typer.echo(json.dumps(value, indent=2, ensure_ascii=encoding != "utf8"))


def notice(text: str) -> None:
    """Say something beside the result, on standard error."""
    typer.echo(f"note: {text}", err=True)


def is_watched() -> bool:
    """Whether somebody sees standard error while the command runs."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def progress(what: str, unit: str, total: int | None = None) -> Iterator[Advance]:
    """Show how many are done, how fast and, with a total, how long it will take.

    On standard error, and only where that is a terminal.
    """
    if not is_watched():
        yield lambda n_done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    of_total = f" of {total:,}" if total else ""
    columns = [
        TextColumn(what),
        BarColumn(bar_width=20),
        TextColumn(f"{{task.completed:,.0f}}{of_total} {unit}, {{task.fields[rate]}}/s,"),
        TimeElapsedColumn(),
        *([TextColumn("done,"), TimeLeft(), TextColumn("to go")] if total else []),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="0")

        def advance(n_done: int) -> None:
            bar.update(task, completed=n_done)
            rate = bar.tasks[0].speed or 0.0  # of the last half minute
            bar.update(task, rate=f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}")

        yield advance


def _has_styles() -> bool:
    """Whether styles are wanted: `NO_COLOR` (https://no-color.org) turns bold off as well."""
    return (
        sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") not in (None, "", "dumb")
    )


def n_bytes(n: float) -> str:
    """Give a size in the unit that suits it, three digits of it."""
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:,.1f} GB"


def time_in_words(seconds: float) -> str:
    """Give a time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
