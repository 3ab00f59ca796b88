"""`medllm compare`: evaluations side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medllm.cli.options import JsonOption
from medllm.cli.terminal import bold, notice, print_json
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.evaluate.across import SideBySide


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of `medllm evaluate`.")
    ],
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline", metavar="SYSTEM", help="Compare with this; else the first run's baseline."
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Set evaluations side by side on the items they share.

    Items that not all runs have, or that changed, are left out, and that is said. p-values are
    corrected by Holm for all differences shown.

    \b
    Example:
      medllm compare out/epoch-1 out/epoch-2 --baseline base
    """
    from dataclasses import asdict

    from medllm.evaluate.across import compare_runs, read_run
    from medllm.evaluate.paired.compare import as_facts

    if len(runs) < 2:
        raise ConfigError("two runs or more are needed", hint="medllm compare out/one out/other")
    found = compare_runs([read_run(run) for run in runs], baseline=baseline)
    if as_json:
        facts = asdict(found)
        facts["comparisons"] = [as_facts(one) for one in found.comparisons]
        print_json(facts)
        return
    for note in found.notes:
        notice(note)
    typer.echo(show_side_by_side(found))


def show_side_by_side(found: SideBySide) -> str:
    """Give a row for each measure and system: mean, difference with interval, corrected p."""
    lines = [bold(f"{found.n_common:,} items in common, compared with {found.baseline}")]
    rows = {(one.metric, one.system): one for one in found.comparisons}
    for measure, means in found.means.items():
        lines.append(f"  {measure}")
        for system, mean in means.items():
            line = f"    {system:<28} {mean:.4f}, n {found.n_scored[measure][system]:,}"
            if one := rows.get((measure, system)):
                d = one.difference
                said = "too few to test" if one.p_holm is None else f"p {one.p_holm:.4f}"
                line += f"  {d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]  {said}, n {one.n:,}"
            lines.append(line)
    return "\n".join(lines)
