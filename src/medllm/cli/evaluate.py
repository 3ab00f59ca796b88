"""`medllm evaluate`: a whole evaluation from a configuration, and measures over judged data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medllm.cli.evaluate_experts import app as experts
from medllm.cli.evaluate_judge import judge
from medllm.cli.evaluate_run import ConfigFirst, run
from medllm.cli.evaluate_summaries import summaries
from medllm.cli.options import (
    ConfigOption,
    IndexOption,
    JsonOption,
    KindOption,
    ModeOption,
    SetOption,
    TopOption,
    check_place,
    choose_mode,
    opened,
    read_config,
)
from medllm.cli.terminal import print_json, progress

app = typer.Typer(cls=ConfigFirst)
app.command("run")(run)
app.add_typer(experts, name="experts")
app.command("judge")(judge)
app.command("summaries")(summaries)

QueriesOption = Annotated[
    Path, typer.Option("--queries", metavar="FILE", help='JSON Lines: {"_id", "text"}.')
]
QrelsOption = Annotated[
    Path,
    typer.Option(
        "--qrels", metavar="FILE", help="Judgements, by tabs: query-id, corpus-id, score."
    ),
]
RunOption = Annotated[
    Path | None,
    typer.Option("--run-out", metavar="FILE", help="Also write what was found, as JSON."),
]
ShapeOption = Annotated[
    bool,
    typer.Option(
        "--shape/--whole",
        help="Rank what `search` and `ask` show: search for a query's findings, without what it "
        "negates, and put the documents shown in order by the findings they share; or search for "
        "its text as it stands.",
    ),
]


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Evaluate models, and measure on judged data, with intervals.

    `medllm evaluate CONFIG.toml` is short for `medllm evaluate run CONFIG.toml`.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def retrieval(
    index: IndexOption,
    queries: QueriesOption,
    qrels: QrelsOption,
    kind: KindOption = None,
    mode: ModeOption = None,
    top: TopOption = None,
    run_out: RunOption = None,
    shape: ShapeOption = True,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a search against judgements, as trec_eval does.

    Prints MRR, P@10, nDCG@10, R@100 and R@1000, each with its 95 % interval over the queries.
    Queries that find nothing count 0; a document whose id is the query's is left out.

    \b
    Example:
      medllm evaluate retrieval --index idx --queries queries.jsonl --qrels qrels.tsv
    """
    from medllm.cli.show_report import report_facts, show_report
    from medllm.evaluate.retrieval import evaluate_retrieval, read_qrels, read_queries, write_run
    from medllm.evaluate.searching import Searcher

    settings = read_config(config, overrides)
    check_place(run_out, "--run-out")
    texts, judged = read_queries(queries), read_qrels(qrels)
    with opened(index) as opened_index, progress("searching", "queries", len(judged)) as advance:
        used, encoder = choose_mode(opened_index, settings.search, mode)
        n_shown = (top or settings.search.top) if shape else None
        search = Searcher(opened_index, kind=kind, mode=used, encoder=encoder, n_shown=n_shown)
        done = evaluate_retrieval(
            search, texts, judged, mode=used, progress=lambda n_done, n_all: advance(n_done)
        )
    if run_out is not None:
        write_run(run_out, done.run)
    if as_json:
        print_json(report_facts(done.report))
    else:
        typer.echo(show_report(done.report))


@app.command()
def findings(
    annotated: Annotated[
        Path, typer.Argument(metavar="FILE", help="Annotated notes, JSON Lines as E3C's.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Measure the findings against expert annotation.

    Prints F1 of entities, polarity and results with intervals, precision and recall.

    \b
    Example:
      medllm evaluate findings annotated.jsonl
    """
    from dataclasses import asdict

    from medllm.cli.show_report import show_findings_scores
    from medllm.evaluate.findings import evaluate_findings

    scores = evaluate_findings(annotated)
    if as_json:
        print_json([asdict(score) for score in scores])
    else:
        typer.echo(show_findings_scores(scores))
