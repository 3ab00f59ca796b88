"""What is trained: an adapter of one of five kinds, or every weight."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from medllm.errors import ConfigError, MissingExtraError, extra
from medllm.models.hf_folder import check_vocabulary, load_weights
from medllm.tune.config import TrainConfig


def load_base(folder: Path, settings: TrainConfig, tokenizer: Any) -> Any:
    """Give the base, quantised if the settings say so, checked against the tokenizer."""
    options: dict[str, Any] = {"attn_implementation": settings.model.attention}
    if settings.model.quantise != "none":
        options["quantization_config"] = quantisation(settings.model.quantise)
    # bfloat16 weights lose small updates: where every weight is trained they are held in float32.
    dtype = "float32" if settings.train.method == "full" else settings.model.dtype
    model = load_weights(folder, dtype=dtype, **options)
    check_vocabulary(tokenizer, model.get_input_embeddings().weight.shape[0])
    model.config.use_cache = False
    return model


def quantisation(bits: Literal["8bit", "4bit"]) -> Any:
    """Give what loads a base in 8 or 4 bits; raise `MissingExtraError` without bitsandbytes."""
    with extra("train"):
        import torch
        from transformers import BitsAndBytesConfig
        from transformers.utils.import_utils import is_bitsandbytes_available
    if not is_bitsandbytes_available():
        raise MissingExtraError(
            f"a base in {bits[0]} bits needs the package bitsandbytes",
            hint='pip install -c constraints.txt "medllm[quantise]"',
        )
    if bits == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
    # Stored as bfloat16, so that FSDP can shard it with the rest.
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=torch.bfloat16,
    )


def add_adapter(model: Any, settings: TrainConfig, tokenizer: Any) -> Any:
    """Give the model with a fresh adapter, in float32; the model itself for full fine-tuning.

    A fresh adapter changes no output. Raises `ConfigError` for layers or tokens that are not there.
    """
    if settings.train.method == "full":
        return model
    with extra("train"):
        import torch
        from peft import get_peft_model
    torch.manual_seed(settings.train.seed)
    if settings.model.quantise != "none":
        _prepare_quantised(model, settings)
    try:
        return get_peft_model(model, lora_config(settings, tokenizer))
    except ValueError as exc:
        raise ConfigError(
            "lora.targets names layers that this base does not have",
            hint='targets = ["all-linear"] takes all of them',
        ) from exc


def _prepare_quantised(model: Any, settings: TrainConfig) -> None:
    with extra("train"):
        from peft import prepare_model_for_kbit_training
    is_on_gpu = next(model.parameters()).is_cuda
    if (settings.train.method, settings.model.quantise) == ("dora", "8bit") and not is_on_gpu:
        raise ConfigError(
            "dora on a base in 8 bits needs a GPU: on a CPU bitsandbytes loses the base's scales",
            hint="set model.quantise to 4bit, or train.method to lora",
        )
    prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)


def lora_config(settings: TrainConfig, tokenizer: Any) -> Any:
    """Give peft's settings of the adapter; the method is a LoRA with other beginnings or scales."""
    with extra("train"):
        from peft import LoraConfig
    lora, method = settings.lora, settings.train.method
    whole = lora.targets == ["all-linear"]
    learnt = [_token_id(tokenizer, token) for token in lora.learn_tokens]
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear" if whole else lora.targets,
        use_rslora=method == "rslora",
        use_dora=method == "dora",
        init_lora_weights="pissa" if method == "pissa" else True,
        trainable_token_indices={"embed_tokens": learnt} if learnt else None,
    )


def _token_id(tokenizer: Any, token: str) -> int:
    found = tokenizer.get_vocab().get(token)
    if found is None:
        raise ConfigError(
            f"lora.learn_tokens: the tokenizer has no token {token!r}",
            hint="name control tokens of the template",
        )
    return int(found)


def lora_plus_optimizer(model: Any, settings: TrainConfig) -> Any:
    """Give AdamW in which B learns `lr_ratio` times as fast as A; None for the other methods."""
    if settings.train.method != "lora+":
        return None
    with extra("train"):
        import torch
        from peft.optimizers import create_loraplus_optimizer
    return create_loraplus_optimizer(
        model=model,
        optimizer_cls=torch.optim.AdamW,
        lr=settings.train.lr,
        loraplus_lr_ratio=settings.lora.lr_ratio,
        weight_decay=settings.train.weight_decay,
    )


def count_parameters(model: Any) -> tuple[int, int]:
    """Give how many parameters are trained and how many there are."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(n for n, is_trained in sizes if is_trained), sum(n for n, _ in sizes)
