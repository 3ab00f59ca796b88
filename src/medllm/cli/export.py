"""`medllm export`: the arguments, the bar, and a table of what was proved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medllm.cli.options import JsonOption
from medllm.cli.terminal import bold, is_watched, notice, print_json

if TYPE_CHECKING:
    from medllm.export.facts import ExportFacts, Proof
    from medllm.export.run import Exported


Types = Annotated[
    list[str] | None,
    typer.Option(
        "--quantize",
        "--quantise",
        metavar="TYPE",
        help="f32, f16, bf16, q8_0 (the default), or one that llama.cpp makes, such as q4_K_M; "
        "may be repeated, the first is the one for Ollama.",
    ),
]
Verify = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify",
        help="Prove that the files are the model that was evaluated; without either where "
        "llama.cpp is installed.",
    ),
]
Evaluation = Annotated[
    Path | None,
    typer.Option(
        "--evaluation",
        metavar="DIR",
        help="The folder of an evaluation, whose results go into the model card.",
    ),
]


def export(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="A run folder, a model folder, or BASE+ADAPTER.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write.")],
    quantise: Types = None,
    adapter: Annotated[
        bool,
        typer.Option("--adapter", help="Also the adapter by itself, to lay on the base's GGUF."),
    ] = False,
    verify: Verify = None,
    name: Annotated[
        str, typer.Option("--name", help="What the files are called; without it the run's name.")
    ] = "",
    evaluation: Evaluation = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model for other programs, and prove it there.

    The folder gets hf/ (merged, for transformers and vLLM), a GGUF for each --quantize (llama.cpp,
    Ollama), a Modelfile, a model card and the proof. A file that is not the model that was
    evaluated is removed, and the export fails. One that was stopped goes on. See docs/export.md.

    Example: medllm export out/first --to out/first-export --quantize q8_0 --quantize q4_K_M
    """
    from medllm.export.quantise import name_quantisation
    from medllm.export.run import Wanted
    from medllm.export.run import export as run

    wanted = Wanted(
        quantisations=tuple(name_quantisation(one) for one in quantise or ["q8_0"]),
        adapter=adapter,
        verify=verify,
        name=name,
        evaluation=evaluation,
    )
    with _shown() as tell:
        done = run(model, to, wanted, tell=tell)
    if done.proof is None:
        reason = "it was not wanted" if verify is False else "llama.cpp is not installed"
        notice(f"not proved to be the model that was evaluated: {reason}")
    if as_json:
        print_json(_as_json(to, done))
    else:
        typer.echo(_outcome(to, done))


def _as_json(to: Path, done: Exported) -> dict[str, Any]:
    from dataclasses import asdict

    proof = asdict(done.proof) if done.proof else None
    return {"folder": str(to), "export": asdict(done.facts), "proof": proof}


def _outcome(to: Path, done: Exported) -> str:
    lines = [bold(f"EXPORTED {to}")]
    lines += [f"  {one.name:<40} {_bytes(one.size_bytes):>9}" for one in done.facts.files]
    if done.proof is not None:
        lines += ["", *_proof(done.facts, done.proof)]
    return "\n".join(lines)


def _proof(facts: ExportFacts, proof: Proof) -> list[str]:
    n = proof.files[0]
    head = f"{'':<10} {'size':>9} {'mean KL':>9} {'same first':>10} {'answers':>8} "
    lines = [
        bold("PROVED") + f" beside {proof.reference}",
        f"  {n.n_texts_equal:,} of {n.n_texts:,} awkward texts cut alike, {n.n_prompts_equal} of "
        f"{n.n_prompts} prompts alike",
        "  " + head + f"{'perplexity':>10} {'tokens/s':>8}",
        f"  {'evaluated':<10} {'':>9} {'':>9} {'':>10} {'':>8} {proof.reference_perplexity:>10.4g}",
    ]
    for one in proof.files:
        label = "adapter" if "adapter" in one.file else one.quantisation
        answers = f"{one.n_answers_equal}/{one.n_answers}"
        lines.append(
            f"  {label:<10} {_bytes(one.size_bytes):>9} {one.mean_kl:>9.1e} {one.top1:>10.1%} "
            f"{answers:>8} {one.perplexity:>10.4g} {one.tokens_per_s:>8.3g}"
        )
    text = f"perplexity over {proof.n_tokens:,} tokens of {proof.text}; KL in nats over "
    lines.append(f"  {text}{n.n_positions:,} positions")
    if n_even := sum(one.n_answers_even for one in proof.files):
        lines.append(f"  {n_even} answers part where two words were nearly as likely")
    return lines


def _bytes(n: float) -> str:
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:,.2f} GB"


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows the step and how far it is, on standard error where somebody watches."""
    if not is_watched():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [
        *(TextColumn("{task.description}"), BarColumn(bar_width=20)),
        *(TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn()),
        *(TextColumn("done,"), TimeRemainingColumn(), TextColumn("to go")),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking", total=None)
        current = "looking"

        def tell(what: str, done: int, total: int) -> None:
            nonlocal current
            if what != current:
                current = what
                bar.reset(task, description=what)
            bar.update(task, completed=done, total=total if done else None)

        yield tell
