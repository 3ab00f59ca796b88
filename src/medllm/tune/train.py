"""The road from a config to an adapter, in a run folder that explains itself.

config.toml      all settings            records/       what became of the records
manifest.json    versions and digests    checkpoints/   the newest and the best
metrics.jsonl    a line a step           adapter/       the result (model/ where all is trained)
report.json      the end of the run
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medllm.energy import EnergyMeter
from medllm.errors import extra
from medllm.files import write_json
from medllm.manifest import append_entry, describe_run, now
from medllm.models.hf_folder import find_model, load_tokenizer
from medllm.tune import checkpoints, energy_used, methods
from medllm.tune.checkpoints import Checkpoint, Found
from medllm.tune.config import TrainConfig
from medllm.tune.corpus import Corpus, describe
from medllm.tune.inputs import read_corpora
from medllm.tune.metrics import append_metrics, end_line
from medllm.tune.plan import Plan, Tell
from medllm.tune.processes import n_shards, process_number
from medllm.tune.results import ADAPTER, MODEL, save_result
from medllm.tune.run_folder import check_folder, open_folder
from medllm.tune.stopping import memory_errors, stoppable
from medllm.tune.templates import (
    Template,
    choose_template,
    control_tokens,
    prepare_tokenizer,
)
from medllm.tune.trackers import check_trackers

if TYPE_CHECKING:
    from medllm.tune.trainer import ExactTrainer


INITIAL = "initial-adapter"
"""What PiSSA begins with; its result is written as the difference to it."""


_DOUBTFUL = 0.1
"""Of the free memory: training with Adam takes up to eight times the weights' bytes and more."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is known before a weight is loaded."""

    settings: TrainConfig
    base: Path
    tokenizer: Any
    template: Template
    train: Corpus
    rows: list[list[int]]
    validation: Corpus | None
    validation_rows: list[list[int]]
    untrained: tuple[str, ...] = ()
    """Control tokens that the base was never trained on, and that this run leaves so."""

    @property
    def digest(self) -> str:
        """What tells whether a run that goes on reads what it read before."""
        digest = hashlib.sha256()
        for corpus in filter(None, (self.train, self.validation)):
            digest.update(corpus.ids.tobytes())
            digest.update(corpus.trained.tobytes())
        return digest.hexdigest()

    def counts(self) -> dict[str, Any]:
        """Give what became of the records, by split."""
        window = self.settings.data.window
        found = {"train": describe(self.train, self.rows, window)}
        if self.validation is not None:
            found["validation"] = describe(self.validation, self.validation_rows, window)
        return found


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run came to."""

    folder: Path
    report: dict[str, Any]


def prepare(settings: TrainConfig) -> Prepared:
    """Find the base, choose the template, encode and pack the records; load no weight."""
    check_trackers(settings.train.report_to)
    base = find_model(settings.model.base)
    tokenizer = load_tokenizer(base)
    template = choose_template(settings.model.template, tokenizer)
    untrained = _untrained_tokens(settings, tokenizer, template)
    prepare_tokenizer(tokenizer, template)
    train, validation = read_corpora(settings.data, tokenizer, template)
    window, packed = settings.data.window, settings.data.pack
    rows = train.rows(window, packed=packed)
    validation_rows = validation.rows(window, packed=packed) if validation else []
    return Prepared(
        settings, base, tokenizer, template, train, rows, validation, validation_rows, untrained
    )


def _untrained_tokens(settings: TrainConfig, tokenizer: Any, template: Template) -> tuple[str, ...]:
    """Give the control tokens that stay noise: a base without a chat template never saw them."""
    if tokenizer.chat_template or settings.train.method == "full" or not settings.data.train:
        return ()
    learnt = settings.lora.learn_tokens
    return tuple(token for token in control_tokens(template) if token not in learnt)


def train(
    settings: TrainConfig, folder: Path, *, resume: bool = False, tell: Tell | None = None
) -> Trained:
    """Train, and leave the adapter with everything that explains it in the run folder.

    With `resume` a run that was stopped or killed goes on where its last checkpoint is, to the
    same weights. Raises `DataError` where the folder holds another run, `ConfigError`, and
    `ModelError` where the loss is no number or grows.
    """
    started = now()
    if process_number() == 0:  # the others would see what the first has just begun
        check_folder(folder, settings, resume=resume)
    prepared = prepare(settings)
    if tell and prepared.untrained:
        tell({"event": "untrained_tokens", "tokens": list(prepared.untrained)})
    _refuse_what_cannot_fit(prepared)
    report = train_prepared(prepared, folder, resume=resume, tell=tell)
    if process_number() == 0:
        options = {"config": "config.toml", "seed": settings.train.seed, "resumed": resume}
        inputs = [prepared.base, *_input_files(settings)]
        entry = describe_run(
            "train", options=options, inputs=inputs, started=started, results=report
        )
        append_entry(folder, entry)
    return Trained(folder, report)


def train_prepared(
    prepared: Prepared, folder: Path, *, resume: bool = False, tell: Tell | None = None
) -> dict[str, Any]:
    """Train on what is encoded, and give the report; all of a run but its manifest."""
    settings = prepared.settings
    open_folder(folder, prepared, resume=resume)
    meter = energy_used.meter(settings)
    with meter.watching():
        trainer, checkpoint = _make_trainer(
            prepared, folder, tell or (lambda values: None), meter, resume=resume
        )
        with stoppable(trainer.plan), memory_errors():
            _go_through(trainer, checkpoint)
        return _finish(trainer, prepared, folder, meter)


def _go_through(trainer: ExactTrainer, checkpoint: Checkpoint | None) -> None:
    """Take all steps, or those after a checkpoint."""
    last = trainer.args.max_steps if trainer.args.max_steps > 0 else math.inf
    if checkpoint and checkpoints.step_of(checkpoint) >= last:
        trainer.take_up(checkpoint.folder)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint.folder) if checkpoint else None)


def _refuse_what_cannot_fit(prepared: Prepared) -> None:
    """Estimate the memory where the weights alone make that doubtful; raise `ModelError`."""
    from medllm.tune.estimate import estimate, free_bytes
    from medllm.tune.fitting import check_fit

    on_disk = sum(file.stat().st_size for file in prepared.base.glob("*.safetensors"))
    if on_disk > _DOUBTFUL * free_bytes(prepared.settings):
        check_fit(prepared, estimate(prepared))


def _make_trainer(
    prepared: Prepared, folder: Path, tell: Tell, meter: EnergyMeter, *, resume: bool
) -> tuple[ExactTrainer, Checkpoint | None]:
    """Load the base, add the adapter, and find the checkpoint to go on from."""
    with extra("train"):
        from medllm.tune.trainer import ExactTrainer
    settings = prepared.settings
    found = checkpoints.find_newest(folder / checkpoints.CHECKPOINTS) if resume else Found(None, ())
    counters: dict[str, Any] = {"tokens": 0, "trained_tokens": 0}
    plan = Plan(
        folder=folder,
        corpus=prepared.train,
        rows=prepared.rows,
        validation=prepared.validation,
        validation_rows=prepared.validation_rows,
        pad=prepared.tokenizer.pad_token_id,
        is_flat=settings.model.attention == "flash_attention_2",
        tell=tell,
        counters=dict(found.checkpoint.counters) if found.checkpoint else counters,
        meter=meter if energy_used.is_first_here() else None,
    )
    if meter.is_there:  # what a kill left untold is lost, but no whole step
        plan.counters["energy_wh"] = energy_used.before(folder) if resume else 0.0
    if found.checkpoint is not None:
        checkpoints.check_parts(found.checkpoint, n_shards())
    if resume and process_number() == 0:
        _tell_where(folder, found, tell)
    base = methods.load_base(prepared.base, settings, prepared.tokenizer)
    model = methods.add_adapter(base, settings, prepared.tokenizer)
    if settings.train.method == "pissa" and process_number() == 0:
        model.save_pretrained(folder / checkpoints.CHECKPOINTS / INITIAL)
    optimizer = methods.lora_plus_optimizer(model, settings)
    return ExactTrainer(model, prepared.tokenizer, settings, plan, optimizer), found.checkpoint


def _tell_where(folder: Path, found: Found, tell: Tell) -> None:
    """Write down where the run goes on, and which checkpoints could not be used."""
    end_line(folder)
    step = checkpoints.step_of(found.checkpoint)
    checkpoints.remove_newer(folder / checkpoints.CHECKPOINTS, step)
    values = {"event": "resumed", "step": step, "broken_checkpoints": list(found.broken)}
    append_metrics(folder, values)
    tell(values)


def _finish(
    trainer: ExactTrainer, prepared: Prepared, folder: Path, meter: EnergyMeter
) -> dict[str, Any]:
    """Take the best weights, save them, and report; a run that was stopped saves no result."""
    state, settings = trainer.state, prepared.settings
    stopped = trainer.plan.stops and state.global_step < state.max_steps
    n_trained, n_all = methods.count_parameters(trainer.model)
    best = state.best_model_checkpoint
    best_step = int(best.rpartition("-")[2]) if best else state.global_step
    report = {
        "state": "stopped" if stopped else "done",
        "steps": state.global_step,
        "best_step": best_step,
        **trainer.plan.counters,
        "trained_parameters": n_trained,
        "parameters": n_all,
        "records": prepared.counts(),
    }
    if not stopped:
        _save(trainer, prepared, folder, report)
    trainer.count_energy()
    report |= energy_used.describe(meter, trainer.plan.counters, settings)
    if trainer.is_world_process_zero() and not stopped:
        write_json(folder / "report.json", report)
    return report


def _save(trainer: ExactTrainer, prepared: Prepared, folder: Path, report: dict[str, Any]) -> None:
    """Take the best weights, score them into the report, and write them."""
    settings, best = prepared.settings, trainer.state.best_model_checkpoint
    if best and report["best_step"] != trainer.state.global_step:
        trainer._load_best_model()
    if prepared.validation is not None:
        scores = trainer.score_validation()
        report["validation"] = {
            "loss": scores.loss,
            "token_accuracy": scores.accuracy,
            "perplexity": scores.perplexity,
            "tokens": scores.n_tokens,
        }
    report["result"] = ADAPTER if settings.train.method != "full" else MODEL
    weights = trainer.whole_weights()
    if trainer.is_world_process_zero():
        initial = folder / checkpoints.CHECKPOINTS / INITIAL
        save_result(
            trainer.model,
            prepared.tokenizer,
            prepared.template,
            base=prepared.base,
            quantise=settings.model.quantise,
            initial=initial if settings.train.method == "pissa" else None,
            run=folder,
            weights=weights,
        )


def _input_files(settings: TrainConfig) -> list[Path]:
    data = settings.data
    return [*data.train, *data.text, *data.validation]
