"""The door: the groups of commands, and what becomes of an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from medllm import __version__
from medllm.cli import (
    accounts,
    ask,
    audit,
    compare,
    complaints,
    data,
    doctor,
    evaluate,
    explain,
    export,
    findings,
    index,
    model,
    publish,
    search,
    serve,
    train,
)

app = typer.Typer(
    name="medllm",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: for a screen reader, a pipe and a narrow terminal alike
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(index.app, name="index")
app.command("search")(search.search)
app.command("ask")(ask.ask)
app.command("findings")(findings.findings)
app.command("serve")(serve.serve)
app.add_typer(accounts.app, name="accounts")
app.add_typer(audit.app, name="audit")
app.command("train")(train.train)
app.command("explain")(explain.explain)
app.add_typer(evaluate.app, name="evaluate")
app.command("compare")(compare.compare)
app.command("publish")(publish.publish)
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def common(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and stop."),
    debug: bool = typer.Option(
        False,
        "--debug",
        help="Show a failure's whole traceback, which may hold patient text.",
    ),
) -> None:
    """Private clinical decision support: from a patient description to a cited summary.

    It shows literature and its basis, never a directive, and is no medical device. No patient
    text leaves this machine, unless you name a model on another one.

    \b
    Examples:
      medllm index build PMC-Patients.csv --kind patients --to idx
      medllm index add idx pubmed.xml.gz --kind articles
      medllm search "itchy rash in pregnancy" --index idx
      medllm ask note.txt --index idx --html answer.html
      medllm COMMAND --help
    """
    if version:
        typer.echo(f"medllm {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give 0, 2 for what the user can mend, 130 for a stop, 1 for our bug."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # they would see what pydantic checks
    _make_streams_safe()
    try:
        code = app(args=arguments, prog_name="medllm", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as exc:  # completion ends so, and a pipe whose reader went away
        code = exc.code
        if isinstance(exc.__context__, BrokenPipeError):
            return _let_pipe_go()
    except BrokenPipeError:
        return _let_pipe_go()
    except (Exception, KeyboardInterrupt) as exc:
        return complaints.complain(exc, arguments)
    if code == complaints.STOPPED:
        typer.echo("stopped", err=True)
    return code if isinstance(code, int) else 0


def _make_streams_safe() -> None:
    """Let nothing depend on what a shell closed, nor "°" on what an output can bear."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _let_pipe_go() -> int:
    """End quietly where the reader of a pipe went away, as `head` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 0
