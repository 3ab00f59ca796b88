"""`medllm train --search`: learning rate, rank and epochs, chosen by the validation loss.

Every trial is a run folder of its own under trials/. Optuna draws and prunes; what it knows lies in
search.db beside them, so that a search that was stopped or killed goes on, the trial that it was in
from its last checkpoint. The sampler of trial n is seeded with `search.seed` + n: a search that was
resumed draws what an uninterrupted one would have drawn.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError, DataError, ModelError, extra
from medllm.files import disk_errors, read_json, write_atomically, write_json
from medllm.manifest import append_entry, describe_run, now
from medllm.tune import checkpoints
from medllm.tune.config import SearchSection, TrainConfig, load_train_config, to_toml
from medllm.tune.plan import Tell
from medllm.tune.processes import n_processes
from medllm.tune.search_space import Draw, changed, draw
from medllm.tune.train import prepare, train

STORAGE, RESULT, TRIALS = "search.db", "search.json", "trials"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What became of one trial."""

    name: str
    state: str
    """`done`, `pruned`, `failed`, or `stopped` where it will be gone on with."""
    lr: float
    rank: int
    epochs: float
    loss: float | None
    """On the validation split, of its best checkpoint; None but for what is done."""
    reason: str
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search came to, in the order of the trials."""

    folder: Path
    trials: list[TrialResult]
    n_trials: int

    @property
    def best(self) -> TrialResult | None:
        """The one with the lowest loss; None while none is done."""
        done = [one for one in self.trials if one.loss is not None]
        return min(done, key=lambda one: one.loss or 0.0) if done else None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values, the best trial with its run folder and its config."""
        best = self.best
        named = None
        if best is not None:
            run = self.folder / TRIALS / best.name
            named = {**asdict(best), "folder": str(run), "config": str(run / "config.toml")}
        ended = sum(one.state != "stopped" for one in self.trials)
        return {
            "state": "done" if ended >= self.n_trials else "stopped",
            "n_trials": self.n_trials,
            "best": named,
            "trials": [asdict(one) for one in self.trials],
        }


class _Pruned(Exception):
    """Leaves a run whose loss is worse than that of the others."""


def search(
    settings: TrainConfig, folder: Path, *, resume: bool = False, tell: Tell | None = None
) -> Searched:
    """Train once for each trial; give all of them, and write them to search.json.

    Raises `ConfigError` where there is nothing to choose or to choose by, `DataError` where the
    folder holds something else, `ModelError` where every trial failed.
    """
    _check(settings)
    prepare(settings)  # what is wrong with the files is said before anything is written
    started = now()
    _open_folder(folder, settings, resume=resume)
    said = tell or (lambda values: None)
    study = _open_study(folder, settings.search)
    while True:
        trial = _next_trial(study, settings.search)
        if trial is None:
            break
        if not _run_trial(study, trial, settings, folder, said):
            break
    found = _write_result(study, settings, folder)
    entry = describe_run(
        "train --search",
        options={"config": "config.toml", "seed": settings.search.seed, "resumed": resume},
        inputs=[*settings.data.train, *settings.data.text, *settings.data.validation],
        started=started,
        results=found.to_json(),
    )
    append_entry(folder, entry)
    if found.best is None and all(one.state == "failed" for one in found.trials):
        raise ModelError(
            f"all {len(found.trials)} trials failed, the last one: {found.trials[-1].reason}",
            hint="try one run without --search first",
        )
    return found


def _check(settings: TrainConfig) -> None:
    if not settings.data.validation:
        raise ConfigError(
            "a search needs a validation split: it chooses by the loss on it",
            hint="name files of records in data.validation",
        )
    is_full = settings.train.method == "full"
    ranges = (settings.search.lr, settings.search.epochs, [] if is_full else settings.search.rank)
    if not any(ranges):
        raise ConfigError(
            "there is nothing to search: the ranges in [search] are empty",
            hint="for example: --set search.lr=[1e-5,1e-3]",
        )
    if settings.search.epochs and settings.train.max_steps:
        raise ConfigError(
            "search.epochs says nothing where train.max_steps ends each run",
            hint="set train.max_steps=0 or search.epochs=[]",
        )
    if n_processes() > 1:
        raise ConfigError(
            "a search trains in one process", hint="start it without accelerate launch"
        )


def _open_folder(folder: Path, settings: TrainConfig, *, resume: bool) -> None:
    """Raise `DataError` or `ConfigError` where this search would mix with another one."""
    path = folder / "config.toml"
    if not path.exists():
        if folder.exists() and any(folder.iterdir()):
            raise DataError(f"{folder} holds no search", hint="name another folder with --to")
    elif not (folder / TRIALS).is_dir():
        raise DataError(f"{folder} holds a run, no search", hint="name another folder with --to")
    elif not resume:
        raise DataError(
            f"{folder} holds a search already",
            hint="go on with --resume, or name another with --to",
        )
    else:
        before = load_train_config(path)
        if _but_for_trials(before) != _but_for_trials(settings):
            raise ConfigError(
                f"the settings differ from those of the search in {folder}",
                hint="only search.n_trials may be changed; or begin another search with --to",
            )
    with disk_errors(str(folder)):
        (folder / TRIALS).mkdir(parents=True, exist_ok=True)
    write_atomically(path, to_toml(settings))


def _but_for_trials(settings: TrainConfig) -> TrainConfig:
    search_section = settings.search.model_copy(update={"n_trials": 1})
    return settings.model_copy(update={"search": search_section})


def _open_study(folder: Path, section: SearchSection) -> Any:
    with extra("search"):
        import optuna
        from sqlalchemy.exc import SQLAlchemyError
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner: Any = optuna.pruners.NopPruner()
    if section.prune:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=section.prune_after)
    path = folder / STORAGE
    try:
        return optuna.create_study(
            storage=f"sqlite:///{path}", study_name="search", pruner=pruner, load_if_exists=True
        )
    except (SQLAlchemyError, RuntimeError) as exc:
        raise DataError(
            f"{path} is damaged", hint="begin another search with --to; the trials stay as they are"
        ) from exc


def _next_trial(study: Any, section: SearchSection) -> Any:
    """Give the trial that was interrupted, else a new one, or None when there were enough."""
    import optuna

    known = study.get_trials(deepcopy=False)
    begun = [one for one in known if one.state == optuna.trial.TrialState.RUNNING]
    number = begun[0].number if begun else len(known)
    # Drawn anew for each trial, from its number: what a resumed search draws does not change.
    study.sampler = optuna.samplers.TPESampler(seed=section.seed + number, n_startup_trials=5)
    if begun:
        return optuna.trial.Trial(study, begun[0]._trial_id)
    return study.ask() if number < section.n_trials else None


def _run_trial(study: Any, trial: Any, settings: TrainConfig, folder: Path, tell: Tell) -> bool:
    """Train with what the trial draws; give False where somebody stopped it."""
    import optuna

    drawn = draw(trial, settings)
    run = folder / TRIALS / _name(trial.number)
    n_trials = settings.search.n_trials
    begun = {"event": "trial", "trial": trial.number + 1, "trials": n_trials, **asdict(drawn)}
    tell(begun)
    ended: dict[str, Any] = {}
    if run.exists() and not (run / "config.toml").exists():  # killed while it was made
        shutil.rmtree(run)
    try:
        done = train(
            changed(settings, drawn),
            run,
            resume=(run / "config.toml").exists(),
            tell=_Watcher(study, trial, tell),
        )
    except _Pruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        ended = {"state": "pruned"}
    except ModelError as exc:  # such a loss, or such a rank; not a full disk, nor a wrong setting
        trial.set_user_attr("reason", str(exc))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        ended = {"state": "failed", "reason": str(exc)}
    else:
        if done.report["state"] == "stopped":
            return False
        study.tell(trial, done.report["validation"]["loss"])
        ended = {"state": "done", "loss": done.report["validation"]["loss"]}
    if ended["state"] != "done":
        with disk_errors(str(run)):
            run.mkdir(exist_ok=True)
        write_json(run / "report.json", ended)
    shutil.rmtree(run / checkpoints.CHECKPOINTS, ignore_errors=True)  # its result stands beside
    tell({**begun, "event": "trial ended", **ended})
    return True


@dataclass(slots=True)
class _Watcher:
    """Passes on what a run tells, and leaves it where its loss is worse than that of the others."""

    study: Any
    trial: Any
    tell: Tell
    n_steps: int = 0

    def __call__(self, values: dict[str, Any]) -> None:
        self.tell(values)
        self.n_steps = values.get("steps", self.n_steps)
        if values["event"] != "evaluation":
            return
        # Runs of different lengths are compared at the same share of their schedules: in the middle
        # of a long one the learning rate is still high, and its loss with it.
        share = round(1000 * int(values["step"]) / self.n_steps)
        known = self.study.trials[self.trial.number].intermediate_values
        if share not in known and math.isfinite(values["loss"]):  # else told before a kill
            self.trial.report(values["loss"], share)
        if share < 1000 and self.trial.should_prune():
            raise _Pruned


def _write_result(study: Any, settings: TrainConfig, folder: Path) -> Searched:
    words = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "stopped"}
    trials = [
        TrialResult(
            name=_name(one.number),
            state=words[one.state.name],
            **asdict(Draw.of(one.params, settings)),
            loss=one.value if one.state.name == "COMPLETE" else None,
            reason=one.user_attrs.get("reason", ""),
        )
        for one in study.get_trials(deepcopy=False)
    ]
    found = Searched(folder, trials, settings.search.n_trials)
    write_json(folder / RESULT, found.to_json())
    return found


def read_result(folder: Path) -> dict[str, Any]:
    """Give what a search wrote; raise `DataError` where it is absent or broken."""
    return dict(read_json(folder / RESULT))


def _name(number: int) -> str:
    return f"trial-{number + 1:03}"
