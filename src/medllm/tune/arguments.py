"""Our settings in the words of TRL."""

from __future__ import annotations

from pathlib import Path

import torch
from trl import SFTConfig

from medllm.tune.checkpoints import CHECKPOINTS
from medllm.tune.config import TrainConfig
from medllm.tune.trackers import keep_trackers_here


def training_arguments(settings: TrainConfig, folder: Path, *, evaluates: bool) -> SFTConfig:
    """Give TRL's arguments; what is ours (masking, packing, templates) is switched off in it."""
    train = settings.train
    by_steps = evaluates and train.evaluate_every > 0
    if train.report_to:
        keep_trackers_here(folder)
    return SFTConfig(
        output_dir=str(folder / CHECKPOINTS),
        num_train_epochs=train.epochs,
        max_steps=train.max_steps or -1,
        per_device_train_batch_size=train.batch,
        gradient_accumulation_steps=train.accumulate,
        learning_rate=train.lr,
        lr_scheduler_type=train.schedule,
        warmup_steps=train.warmup,
        weight_decay=train.weight_decay,
        max_grad_norm=train.clip,
        logging_steps=1,
        logging_nan_inf_filter=False,
        eval_strategy=("steps" if by_steps else "epoch") if evaluates else "no",
        eval_steps=train.evaluate_every or None,
        save_strategy="steps",
        save_steps=train.save_every,
        save_total_limit=train.keep,
        metric_for_best_model="eval_loss" if evaluates else None,
        greater_is_better=False if evaluates else None,
        seed=train.seed,
        data_seed=train.seed,
        bf16=settings.model.dtype == "bfloat16",
        use_cpu=train.device == "cpu" or not torch.cuda.is_available(),
        gradient_checkpointing=train.checkpointing,
        report_to=list(train.report_to) or "none",
        remove_unused_columns=False,
        disable_tqdm=True,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        packing=False,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
