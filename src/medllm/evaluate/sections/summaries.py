"""Cited summaries of several summarisers on the same evidence, as a section of a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from medllm.ask.road import Road
from medllm.errors import ConfigError
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.measured import Measured
from medllm.evaluate.searching import open_modes
from medllm.evaluate.sections.section import Section, share_with_interval
from medllm.evaluate.settings import Settings
from medllm.evaluate.systems import Shown, model_name
from medllm.evaluate.tasks.cited import SummaryScores, compare_summaries, read_cases
from medllm.files import sha256_file
from medllm.models.chat import Model, ModelSettings
from medllm.models.spec import open_model, parse_spec
from medllm.retrieve.embedded import EmbeddedIndex

_LIMITS = (
    "Verdicts on the sentences of summaries compare words, numbers and negation with the cited "
    "source. They cannot tell whether the source was understood, nor whether it was the right one. "
    "What only quotes is supported by the way it is made.",
)


def summaries_section(settings: Settings, folder: Path, *, shown: Shown) -> Section:
    """Let each summariser summarise each note; what an earlier run scored is not asked again."""
    told, seed = settings.evaluate.summaries, settings.evaluate.seed
    if told.notes is None or told.index is None:  # the settings were checked when they were read
        raise ConfigError("summaries need notes and an index")
    cases = read_cases(told.notes)
    short = [model_name(spec) for spec in told.models]
    names = short if len(set(short)) == len(short) else told.models
    writers = {name: _open(spec, settings) for name, spec in zip(names, told.models, strict=True)}
    wanted = [] if settings.search.mode == "auto" else [settings.search.mode]
    with EmbeddedIndex.open(told.index) as index:
        made_from = sha256_file(told.index / "index.json")
        (mode,), encoder = open_modes(index, [*wanted], settings.search.encoder)
        roads = {
            name: Road(
                index=index,
                settings=settings.ask,
                mode=mode,
                top=settings.search.top,
                encoder=encoder,
                model=writer,
            )
            for name, writer in writers.items()
        }
        n = len(cases) * len(roads)
        with (
            Ledger(folder / "scores.jsonl") as ledger,
            shown("summarising", "summaries", n) as advance,
        ):
            found = compare_summaries(
                roads,
                cases,
                seed=seed,
                ledger=ledger,
                made_with=f"{made_from} {told.models} {settings.ask} {settings.search} {mode} "
                f"{settings.models.temperature} {settings.models.seed}",
                progress=advance,
            )
    return as_section(found)


def _open(spec: str, settings: Settings) -> Model | None:
    """Open a summariser; None for `extractive`, which needs no model."""
    parsed = parse_spec(spec, ollama_url=settings.models.ollama_url)
    if parsed.kind == "extractive":
        return None
    return open_model(parsed, ModelSettings(**settings.models.model_dump()))


def as_section(found: SummaryScores) -> Section:
    """Give the scores as a section."""
    measures = [replace(measure, track="summaries") for measure in found.measures]
    failed = [
        f"{n:,} summaries of {system} failed: they have no score, and comparisons leave those "
        "notes out."
        for system, n in found.n_failed.items()
        if n
    ]
    notes = ["Shares of sentences are of the notes with a summary."]
    if found.n_other_evidence:
        notes.append(f"{found.n_other_evidence:,} notes are left out, as their evidence differed.")
    return Section(
        title="Cited summaries",
        called="cited summaries",
        n=found.n_notes,
        unit="notes",
        measures=measures,
        comparisons=found.comparisons,
        said=[*_sentences(measures, found.n_notes), *failed],
        limits=_LIMITS,
        note=" ".join(notes),
    )


def _sentences(measures: list[Measured], n_notes: int) -> list[str]:
    """Say of each summariser how much of its sentences holds, and whether it was rightly silent."""
    means = {measure.name: measure.means() for measure in measures}
    said = []
    for system in next(iter(means.values()), {}):
        answered = means["answered"].get(system) if "answered" in means else None
        n_written = round(answered.mean * answered.n) if answered else 0
        parts = [f"{system} wrote a summary for {n_written:,} of {n_notes:,} notes"]
        for name, words in (
            ("support", "of its sentences are borne by a source that they cite"),
            ("contradiction", "differ from it in a number or a negation"),
            ("coverage", "of the patient's own findings are named"),
            ("abstention", "of notes with known evidence were rightly answered or left alone"),
        ):
            if one := means.get(name, {}).get(system):
                parts.append(f"{share_with_interval(one)} {words} (n = {one.n:,} notes)")
        said.append(f"{'; '.join(parts)}.")
    return said
