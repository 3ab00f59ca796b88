"""`medllm publish`: an export into an Ollama, and from there onto its hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medllm.cli.options import ConfigOption, JsonOption, SetOption, read_config
from medllm.cli.terminal import bold, notice, print_json, progress
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.publish.run import Plan


NameOption = Annotated[
    str, typer.Option("--name", metavar="USER/MODEL[:TAG]", help="What it shall be called.")
]
PushOption = Annotated[
    bool, typer.Option("--push", help="Also send it to the hub, for everybody to see.")
]
FileOption = Annotated[
    str,
    typer.Option(
        "--file",
        metavar="NAME",
        help="Which GGUF, by its name or quantisation; without it the one that the tag names, "
        "else the first.",
    ),
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Let another model of this name on the Ollama go.")
]
WordsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--even-though",
        metavar="WORDS",
        help="Publish although it was trained on 'gated data', may hold 'patient text', or has "
        "an 'unknown licence'; may be repeated.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")
]
HubFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--to-hub-folder",
        metavar="DEST",
        help="Instead write a folder for Hugging Face; nothing is sent.",
    ),
]


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `medllm export` wrote.")],
    name: NameOption = "",
    push: PushOption = False,
    file: FileOption = "",
    replace: ReplaceOption = False,
    even_though: WordsOption = None,
    dry_run: DryRunOption = False,
    to_hub_folder: HubFolderOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring an export into an Ollama, checked, and push it.

    It gets its name only when the prompts that Ollama renders are those that it was trained with
    and it answers. What was not proved is refused, and so is, until you say so in words, what was
    trained on gated records or on what may be patient text.

    \b
    Examples:
      medllm publish out/export --name me/llama-clinic --dry-run
      medllm publish out/export --name me/llama-clinic --push
      medllm publish out/export --to-hub-folder out/for-hugging-face
    """
    words = even_though or []
    if to_hub_folder is not None:
        _write_folder(folder, to_hub_folder, words, as_json=as_json)
        return
    if not name:
        raise ConfigError("it needs a name", hint="--name USER/MODEL, or --to-hub-folder DEST")
    from medllm.publish import run

    url = read_config(config, overrides).models.ollama_url
    planned = run.plan(folder, name, url=url, file=file, push=push, even_though=words)
    if dry_run:
        print_json(planned.as_facts()) if as_json else typer.echo(show_plan(planned))
        run.refuse(planned.refusals)
        return
    if words:
        notice(f"publishing even though: {', '.join(words)}")
    done = run.publish(planned, replace=replace, shown=progress)
    print_json(done) if as_json else typer.echo(show_done(done))


def _write_folder(folder: Path, to: Path, words: list[str], *, as_json: bool) -> None:
    from medllm.publish.hub_folder import write_hub_folder

    files = write_hub_folder(folder, to, even_though=words)
    if as_json:
        print_json({"folder": str(to), "files": files})
        return
    typer.echo(f"{to}: {len(files)} files")
    typer.echo(f"to upload them: hf upload USER/MODEL {to}")


def show_plan(planned: Plan) -> str:
    """Give what would be sent, for a reader."""
    body, file = planned.body, planned.file
    lines = [
        bold(f"{planned.name}, to the Ollama at {planned.url}"),
        f"  file        {file.name}, {file.size_bytes:,} bytes, sha256:{file.sha256[:12]}…",
        f"  template    {planned.facts.template}, {len(body['template']):,} characters of Go",
        f"  parameters  {', '.join(f'{k} {v}' for k, v in body['parameters'].items())}",
        f"  system      {body.get('system') or 'none'}",
        f"  licence     {len(''.join(body.get('license', []))):,} characters",
        *(f"  check       {check}" for check in planned.as_facts()["checks"]),
        f"  push        {'yes, to the hub' if planned.is_pushed else 'no'}",
        "nothing was sent",
    ]
    return "\n".join(lines)


def show_done(done: dict[str, Any]) -> str:
    """Give what was done, for a reader."""
    counted = done["prompt_tokens"]
    tokens = f"{counted} tokens read" if counted else "tokens not compared: no tokenizer in hf/"
    lines = [
        bold(f"{done['name']}: {done['file']} on Ollama {done['ollama']}"),
        f"  prompts as in training: {done['prompts_equal']} of {done['prompts_equal']}; {tokens}",
    ]
    if done["was"]:
        lines.append(f"  the name stood for {done['was']} before")
    lines.append("  pushed" if done["pushed"] else "  not pushed: --push sends it to the hub")
    lines.append(f"  medllm ask note.txt --index idx --model ollama:{done['name']}")
    return "\n".join(lines)
