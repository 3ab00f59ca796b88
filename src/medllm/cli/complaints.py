"""What is said of an error: one line, a hint, an exit code, and never a patient's text.

Neither the arguments that a shell handed over nor the message of an unexpected exception are
known to be free of it: a note may stand where a file was expected.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from medllm.errors import MedllmError

BUG, MENDABLE, STOPPED = 1, 2, 130

_IS_TEXT = 3
"""An argument with so many spaces that names no place is taken for a text, and not repeated."""
_LONGEST_PATH = 4096  # bytes, on Linux
_VALUE = re.compile(r"(': )(?:Value error, )?(\w)")
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)


def complain(exc: BaseException, arguments: Sequence[str]) -> int:
    """Say on standard error what is wrong and what to do; give the exit code."""
    if isinstance(exc, MedllmError):
        return _say(str(exc), exc.hint, arguments)
    if isinstance(exc, typer.TyperException):
        return _say(_usage(exc), _usage_hint(exc), arguments)
    if isinstance(exc, (typer.Abort, KeyboardInterrupt)):
        typer.echo("stopped", err=True)
        return STOPPED
    if isinstance(exc, OSError) and exc.errno in _DISK:
        reason = os.strerror(exc.errno).lower()
        return _say(f"cannot write: {reason}", "free some space, or write elsewhere", arguments)
    if isinstance(exc, MemoryError):
        return _say("there is not enough memory", "see `medllm doctor`", arguments)
    return _admit(exc, arguments)


def _say(message: str, hint: str, arguments: Sequence[str]) -> int:
    typer.echo(f"error: {_without_texts(message, arguments)}", err=True)
    if hint:
        typer.echo(f"  try: {_without_texts(hint, arguments)}", err=True)
    return MENDABLE


def _usage(exc: typer.TyperException) -> str:
    """Give a usage error in one line, in the words of this house."""
    message = " ".join(exc.format_message().split()).rstrip(".")
    if "unexpected extra argument" in message:  # it names them: the words of an unquoted text
        return "there are more arguments than the command takes"
    message = _VALUE.sub(lambda match: match[1] + match[2].lower(), message)
    return message[:1].lower() + message[1:]


def _usage_hint(exc: typer.TyperException) -> str:
    context = getattr(exc, "ctx", None)
    command = context.command_path if context else "medllm"
    if "unexpected extra argument" in exc.format_message():
        return f"put a text of several words in quotes; {command} --help"
    return f"{command} --help"


def _without_texts(message: str, arguments: Sequence[str]) -> str:
    """Take out arguments that are texts rather than names."""
    for argument in sorted(arguments, key=len, reverse=True):
        if _is_text(argument):
            for form in (argument, repr(argument)[1:-1], argument.strip()):
                message = message.replace(form, "the given text")
    return " ".join(message.split())


def _is_text(argument: str) -> bool:
    value = argument.partition("=")[2] if re.match(r"--[a-z-]+=", argument) else argument
    if value.startswith(("/", "./", "../", "~")) or len(value.split()) <= _IS_TEXT:
        return len(value.encode("utf-8", "replace")) > _LONGEST_PATH
    try:
        path = Path(value)
        is_place = path.exists() or (path.parent != Path() and path.parent.is_dir())
    except (OSError, ValueError):  # too long for a path, or with a null byte in it
        return True
    return not is_place


def _admit(exc: BaseException, arguments: Sequence[str]) -> int:
    """Say that this is our bug, and where it is; its message only where it was asked for."""
    if "--debug" in _before_command(arguments):
        traceback.print_exception(exc)
        return BUG
    for one in _chain(exc):
        typer.echo("Traceback (most recent call last):", err=True)
        typer.echo("".join(traceback.format_tb(one.__traceback__)).rstrip("\n"), err=True)
        typer.echo(f"{type(one).__module__}.{type(one).__qualname__}\n", err=True)
    python = ".".join(map(str, sys.version_info[:3]))
    typer.echo(f"error: this is a bug in medllm (Python {python})", err=True)
    typer.echo(
        "  try: report the lines above; they hold no patient text, which the message of the error "
        "may, so it is shown only by `medllm --debug ...`",
        err=True,
    )
    return BUG


def _before_command(arguments: Sequence[str]) -> Iterator[str]:
    for argument in arguments:
        if not argument.startswith("-"):
            return
        yield argument


def _chain(exc: BaseException) -> list[BaseException]:
    """Give the exceptions that led to this one, the first one first, this one last."""
    chain: list[BaseException] = []
    one: BaseException | None = exc
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return chain[::-1]
