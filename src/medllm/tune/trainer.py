"""TRL's SFTTrainer on our own ids and labels, with the loop's promises added to it.

The loss is the sum over trained tokens divided by their number in the whole step, so that it does
not depend on how a step is cut into batches; evaluation counts each token once; checkpoints are
whole or not there; a loss that is no number stops the run before it reaches the weights.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from datasets import Dataset
from safetensors import SafetensorError
from transformers.trainer_callback import PrinterCallback, ProgressCallback, TrainerState
from trl import SFTTrainer

from medllm.errors import DataError, ModelError
from medllm.tune.arguments import training_arguments
from medllm.tune.batches import collate
from medllm.tune.checkpoints import CHECKPOINTS, mark_complete
from medllm.tune.config import TrainConfig
from medllm.tune.loss import token_losses
from medllm.tune.measure import TokenScores, score_rows
from medllm.tune.metrics import append_metrics
from medllm.tune.pace import Pace, memory_bytes
from medllm.tune.plan import Plan, Rows

EARLY, LATE = 3, 20
"""A run has diverged when the mean loss of its last 20 steps is 1.5 times that of its first 3."""
DIVERGED = 1.5


class ExactTrainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer that keeps the promises of this module."""

    def __init__(
        self, model: Any, tokenizer: Any, settings: TrainConfig, plan: Plan, optimizer: Any
    ):
        self.plan = plan
        self._patience = settings.train.patience
        self._pace = Pace()
        self._seen_tokens = self._padded_tokens = 0
        # Trained control tokens of a tied model wrap its head, which TRL's fused one cannot read.
        self._is_fused = isinstance(model.get_output_embeddings(), torch.nn.Linear)
        # No evaluation shall take more memory than a step does.
        self._most_tokens = settings.train.batch * settings.data.window
        self._step_loss: Any = 0.0
        self._step_tokens: Any = 0
        super().__init__(
            model=model,
            args=training_arguments(settings, plan.folder, evaluates=plan.validation is not None),
            train_dataset=_numbers(plan.rows),
            eval_dataset=_numbers(plan.validation_rows) if plan.validation else None,
            data_collator=self._collate,
            processing_class=tokenizer,
            optimizers=(optimizer, None),
        )
        # TRL turns adapters of a quantised base into bfloat16, where small steps are lost.
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        for callback in (PrinterCallback, ProgressCallback):
            self.remove_callback(callback)
        self.add_callback(_StopWhenAsked(plan))

    def take_up(self, checkpoint: Path) -> None:
        """Be as the run was at its last step: transformers would take one step beyond it."""
        self._load_from_checkpoint(str(checkpoint))
        self.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))

    def _collate(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        plan = self.plan
        rows = [plan.rows[feature["row"]] for feature in features]
        return collate(plan.corpus, rows, pad=plan.pad, flat=plan.is_flat)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Give the summed loss of this batch's tokens over the number of the whole step's."""
        losses, _, is_scored = token_losses(model, inputs, fused=self._is_fused)
        total, n_tokens = losses.sum(), is_scored.sum()
        self._step_loss = self._step_loss + total.detach().double()
        self._step_tokens = self._step_tokens + n_tokens
        self._seen_tokens += int((inputs["input_ids"] != self.plan.pad).sum())
        self._padded_tokens += inputs["input_ids"].numel()
        divisor = n_tokens if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(divisor, device=total.device).clamp(min=1)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes  # gradients are averaged over processes
        return (loss, None) if return_outputs else loss

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """Compute gradients; raise `ModelError` for a loss that is no number, weights untouched."""
        loss = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            raise ModelError(
                f"the loss is not a number at step {self.state.global_step + 1}",
                hint="lower train.lr or train.clip; --resume goes on from the last checkpoint",
            )
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Write a line of metrics for a step, and pass on what other programs get."""
        if "loss" in logs:
            logs = self._count_step(logs)
            self._agree_to_stop()
        transformers.Trainer.log(self, logs, start_time)
        if "loss" in logs:
            self._check_divergence()

    def _count_step(self, logs: dict[str, float]) -> dict[str, float]:
        own = (self._step_loss, self._step_tokens, self._seen_tokens, self._padded_tokens)
        sums = torch.stack(
            [
                torch.as_tensor(value, dtype=torch.float64, device=self.args.device)
                for value in (*own, self._joules())
            ]
        )
        loss_sum, n_trained, n_seen, n_padded, joules = self.accelerator.reduce(
            sums, "sum"
        ).tolist()
        self._step_loss, self._step_tokens = 0.0, 0
        self._seen_tokens = self._padded_tokens = 0
        counters = self.plan.counters
        counters["tokens"] += int(n_seen)
        counters["trained_tokens"] += int(n_trained)
        counters["padded_tokens"] = counters.get("padded_tokens", 0) + int(n_padded - n_seen)
        self._add_energy(joules)
        values = {
            "event": "step",
            "step": self.state.global_step,
            "steps": self.state.max_steps,
            "epoch": round(self.state.epoch or 0.0, 6),
            "loss": loss_sum / n_trained if n_trained else math.nan,
            "learning_rate": logs["learning_rate"],
            "grad_norm": logs.get("grad_norm"),
            **counters,
            **self._pace.step(self.state.global_step, self.state.max_steps, int(n_seen)),
            "memory_bytes": memory_bytes(),
        }
        self._write(values)
        return {**logs, "loss": float(values["loss"])}

    def _agree_to_stop(self) -> None:
        """Let all processes stop after the same step, whichever of them was asked to."""
        wish = torch.tensor([float(self.plan.wants_stop)], device=self.args.device)
        self.plan.stops = bool(self.accelerator.reduce(wish, "sum").item())

    def count_energy(self) -> None:
        """Count what was used since the last step; all processes must come here together."""
        joules = torch.tensor([self._joules()], dtype=torch.float64, device=self.args.device)
        self._add_energy(self.accelerator.reduce(joules, "sum").item())

    def _joules(self) -> float:
        return (self.plan.meter.lap() if self.plan.meter else None) or 0.0

    def _add_energy(self, joules: float) -> None:
        if "energy_wh" in self.plan.counters:
            self.plan.counters["energy_wh"] += joules / 3600

    def _write(self, values: dict[str, Any]) -> None:
        if self.is_world_process_zero():
            append_metrics(self.plan.folder, values)
            self.plan.tell(values)

    def _check_divergence(self) -> None:
        losses = [line["loss"] for line in self.state.log_history if "loss" in line]
        if len(losses) < EARLY + LATE:
            return
        if sum(losses[-LATE:]) / LATE > DIVERGED * sum(losses[:EARLY]) / EARLY:
            raise ModelError(
                f"the loss has risen to {DIVERGED} times that of the beginning by step "
                f"{self.state.global_step}: the run diverges",
                hint="lower train.lr, or give it a longer train.warmup, in a new run folder",
            )

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Give loss, accuracy and perplexity over all trained tokens of the validation split."""
        scores = self.score_validation()
        metrics = {
            "eval_loss": scores.loss,
            "eval_token_accuracy": scores.accuracy,
            "eval_perplexity": scores.perplexity,
        }
        before = [line["eval_loss"] for line in self.state.log_history if "eval_loss" in line]
        self.log(dict(metrics))
        values = {name.removeprefix("eval_"): value for name, value in metrics.items()}
        named = {"event": "evaluation", "step": self.state.global_step, **values}
        self._write({**named, "tokens": scores.n_tokens})
        self.control: Any = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        if not before or scores.loss < min(before):
            self.control.should_save = True
        elif self._patience and _since_best([*before, scores.loss]) >= self._patience:
            self.control.should_training_stop = True
        self._pace.leave_out()
        return metrics

    def score_validation(self) -> TokenScores:
        """Score the validation split; each process does all of it, so that none waits."""
        plan = self.plan
        if plan.validation is None:
            return TokenScores(0.0, 0, 0)
        return score_rows(
            self.model,
            plan.validation,
            plan.validation_rows,
            pad=plan.pad,
            flat=plan.is_flat,
            fused=self._is_fused,
            most_tokens=self._most_tokens,
        )

    def whole_weights(self) -> dict[str, Any] | None:
        """Give the weights in one piece where FSDP or DeepSpeed spread them, else None.

        All processes must come here together; the first one gets them.
        """
        if self.is_deepspeed_enabled:
            return dict(self.accelerator.get_state_dict(self.deepspeed))
        if self.is_fsdp_enabled:
            return dict(self.accelerator.get_state_dict(self.model_wrapped))
        return None

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint and then its mark; one that cannot be written leaves nothing."""
        folder = self.plan.folder / CHECKPOINTS / f"checkpoint-{self.state.global_step}"
        try:
            transformers.Trainer._save_checkpoint(self, model, trial)
            self.accelerator.wait_for_everyone()  # each writes its own part
            if self.is_world_process_zero():
                mark_complete(folder, self.plan.counters)
        except (OSError, SafetensorError, RuntimeError, DataError) as exc:
            shutil.rmtree(folder, ignore_errors=True)
            raise DataError(
                f"cannot write {folder}: the checkpoint before it is kept",
                hint="free some space, then go on with --resume",
            ) from exc
        self._pace.leave_out()


def _numbers(rows: Rows) -> Dataset:
    """Give the rows as a data set of their numbers: the collator looks the tokens up."""
    return Dataset.from_dict({"row": list(range(len(rows)))})


class _StopWhenAsked(transformers.TrainerCallback):
    """Saves and stops after the step in which somebody asked for it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Look at what the processes agreed to: a step that was written down is a whole one."""
        if self._plan.stops:
            control.should_save = True
            control.should_training_stop = True
        return control


def _since_best(losses: list[float]) -> int:
    """Give how many evaluations came after the best one."""
    return len(losses) - 1 - losses.index(min(losses))
