"""Before a run: what is trained, how much memory and work it takes, whether it fits.

Nothing is loaded for it. A copy of the model with one and with two layers is run on tensors that
have a shape and no content (torch's FakeTensorMode): what autograd keeps is counted tensor by
tensor, and the operations by torch's own counter, so that method, dtype and kernel are all
respected. Layers are alike, so the rest follows.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass
from typing import Any

from medllm.errors import extra
from medllm.models.hf_folder import be_quiet
from medllm.tune import methods
from medllm.tune.config import TrainConfig
from medllm.tune.processes import n_processes, n_shards
from medllm.tune.train import Prepared

_BYTES = {"float32": 4.0, "bfloat16": 2.0}
_QUANTISED = {"8bit": 1.0, "4bit": 0.52}
"""Bytes a parameter; NF4 with its doubly quantised scales takes 4.13 bits (QLoRA, section 3)."""
_ADAM_BYTES = 8
_HEAD_PASSES = {False: 3, True: 4}
"""Products with the head a token: forward, again in the backward, towards the input; the fourth,
towards its weights, only where they are trained. By whether they are."""
_HEAD_CHUNK = 32_768
"""How much of the vocabulary TRL's head looks at once, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes by part that a device holds, at the most of them that are held at once."""

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    """Of one batch, with their gradients."""

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will take."""

    trained_parameters: int
    parameters: int
    memory: Memory
    tokens: int
    """That are put through the model in the whole run, evaluation not counted."""
    steps: int
    flops: int
    """Of the whole run."""

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        memory = {**asdict(self.memory), "total": self.memory.total}
        return {**asdict(self), "memory": memory}


def estimate(prepared: Prepared) -> Estimate:
    """Give what a run will take; raise `ConfigError` where the adapter does not fit the base."""
    be_quiet()
    settings = prepared.settings
    config = _base_config(prepared)
    n_layers = int(config.num_hidden_layers)
    sizes = _parameters(prepared, config)
    n_tokens = _tokens_at_once(prepared)
    checkpointing = settings.train.checkpointing
    one, two = (_run(prepared, config, n, n_tokens, checkpointing=checkpointing) for n in (1, 2))
    kept = one.kept_bytes + (n_layers - 1) * (two.kept_bytes - one.kept_bytes)
    if checkpointing:  # the backward makes the activations of one layer again
        kept += _run(prepared, config, 1, n_tokens, checkpointing=False).kept_bytes
    flops = one.flops + (n_layers - 1) * (two.flops - one.flops)
    is_full = settings.train.method == "full"
    head = 2 * int(config.hidden_size) * int(config.vocab_size) * n_tokens
    rate = (flops + _HEAD_PASSES[is_full] * head) / n_tokens
    shards = n_shards()
    memory = Memory(
        weights=sizes.base_bytes // shards,
        adapter=0 if is_full else 4 * sizes.n_trained // shards,
        gradients=4 * sizes.n_trained // shards,
        optimizer=_ADAM_BYTES * sizes.n_trained // shards,
        activations=kept + _mask_bytes(prepared, n_layers, n_tokens),
        logits=_logits_bytes(prepared, int(config.vocab_size)),
    )
    epochs, steps = _length(prepared)
    all_tokens = round(epochs * int(prepared.train.bounds[-1]))
    return Estimate(
        trained_parameters=sizes.n_trained,
        parameters=sizes.n_all,
        memory=memory,
        tokens=all_tokens,
        steps=steps,
        flops=round(rate * all_tokens),
    )


def _mask_bytes(prepared: Prepared, n_layers: int, n_tokens: int) -> int:
    """Give the bytes of the mask that keeps records, and padding, of a row apart.

    It is one of truth values; torch's attention makes one of numbers from it in each layer.
    """
    settings, batch = prepared.settings, prepared.settings.train.batch
    if settings.model.attention == "flash_attention_2" or not (settings.data.pack or batch > 1):
        return 0
    n_kept = 1 if settings.train.checkpointing else n_layers
    pairs = batch * (n_tokens // batch) ** 2
    return round(pairs * (1 + n_kept * _BYTES[settings.model.dtype]))


def _logits_bytes(prepared: Prepared, n_words: int) -> int:
    """Give the bytes of one batch's logits and their gradients, in float32.

    TRL's head on a GPU makes a part of the vocabulary at a time; elsewhere there are all of it, of
    the positions at which a token of any row is trained.
    """
    train, corpus = prepared.settings.train, prepared.train
    if _has_gpu(prepared.settings):
        return 2 * 4 * _tokens_at_once(prepared) * min(n_words, _HEAD_CHUNK)
    most_trained = max(corpus.trained_in(row) for row in prepared.rows)
    at_once = _tokens_at_once(prepared) // train.batch
    return 2 * 4 * train.batch * min(at_once, train.batch * most_trained) * n_words


def _has_gpu(settings: TrainConfig) -> bool:
    with extra("train"):
        import torch
    return settings.train.device == "auto" and torch.cuda.is_available()


def _base_config(prepared: Prepared) -> Any:
    with extra("train"):
        from transformers import AutoConfig
    config = AutoConfig.from_pretrained(prepared.base, local_files_only=True)
    config._attn_implementation = "sdpa"  # the others need kernels of a GPU
    config.use_cache = False
    return config


def _length(prepared: Prepared) -> tuple[float, int]:
    """Give epochs and steps of a run, as the trainer counts them."""
    train = prepared.settings.train
    batches = math.ceil(math.ceil(len(prepared.rows) / n_processes()) / train.batch)
    per_epoch = max(1, math.ceil(batches / train.accumulate))
    if train.max_steps:
        return train.max_steps / per_epoch, train.max_steps
    return train.epochs, math.ceil(train.epochs * per_epoch)


def _tokens_at_once(prepared: Prepared) -> int:
    """Give the tokens of the largest batch that can come."""
    lengths = prepared.train.lengths
    longest = max(sum(lengths[record] for record in row) for row in prepared.rows)
    return longest * prepared.settings.train.batch


@dataclass(frozen=True, slots=True)
class _Sizes:
    n_trained: int
    n_all: int
    base_bytes: int


def _parameters(prepared: Prepared, config: Any) -> _Sizes:
    """Count on the meta device, where a model of any size takes no memory."""
    with extra("train"):
        import torch
    settings = prepared.settings
    with torch.device("meta"):
        model = _model(config, settings, prepared.tokenizer)
    n_trained, n_all = methods.count_parameters(model)
    if settings.train.method == "full":
        return _Sizes(n_trained, n_all, 4 * n_all)
    is_base = [p for p in model.parameters() if not p.requires_grad]
    n_matrices = _linear_elements(model)
    each = _BYTES[settings.model.dtype]
    of_matrices = _QUANTISED.get(settings.model.quantise, each)
    n_base = sum(parameter.numel() for parameter in is_base)
    base_bytes = n_matrices * of_matrices + (n_base - n_matrices) * each
    return _Sizes(n_trained, n_all, round(base_bytes))


def _linear_elements(model: Any) -> int:
    """Count the parameters that quantising reaches: the matrices of the layers, not the head."""
    return sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        if not parameter.requires_grad and parameter.ndim == 2 and ".layers." in name
    )


def _model(config: Any, settings: TrainConfig, tokenizer: Any) -> Any:
    with extra("train"):
        from transformers import AutoModelForCausalLM
    model: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    if settings.train.method == "full":
        return model
    # PiSSA has the shapes of LoRA; its singular vectors need weights that are not here.
    method = "lora" if settings.train.method == "pissa" else settings.train.method
    model_section = settings.model.model_copy(update={"quantise": "none"})
    train_section = settings.train.model_copy(update={"method": method})
    plain = settings.model_copy(update={"model": model_section, "train": train_section})
    return methods.add_adapter(model, plain, tokenizer)


@dataclass(frozen=True, slots=True)
class _Work:
    kept_bytes: int
    flops: int


def _run(
    prepared: Prepared, config: Any, n_layers: int, n_tokens: int, *, checkpointing: bool
) -> _Work:
    """Run so many layers forward and backward without content; count what is kept and computed."""
    with extra("train"):
        import torch
        from torch._subclasses.fake_tensor import FakeTensorMode
        from torch.utils.flop_counter import FlopCounterMode
    settings = prepared.settings
    small = copy.deepcopy(config)
    small.num_hidden_layers = n_layers
    batch = settings.train.batch
    dtype = torch.bfloat16 if settings.model.dtype == "bfloat16" else torch.float32
    kept: dict[int, int] = {}
    with torch.device("meta"):
        model = _model(small, settings, prepared.tokenizer)
    with FakeTensorMode():
        _make_fake(model, dtype, is_full=settings.train.method == "full")
        model.train()
        if checkpointing:
            _set_checkpointing(model)
        own = {p.untyped_storage()._cdata for p in model.parameters()}

        def keep(tensor: Any) -> Any:
            storage = tensor.untyped_storage()
            if storage._cdata not in own:
                kept[storage._cdata] = tensor.numel() * tensor.element_size()
                held.append(tensor)  # else its storage's address would be used again
            return tensor

        held: list[Any] = []
        ids = torch.zeros((batch, n_tokens // batch), dtype=torch.long)
        backbone = model.get_base_model().model if hasattr(model, "peft_config") else model.model
        with FlopCounterMode(display=False) as counter:
            autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype != torch.float32)
            with autocast, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                states = backbone(input_ids=ids, use_cache=False).last_hidden_state
            states.float().sum().backward()
    return _Work(sum(kept.values()), int(counter.get_total_flops()))


def _make_fake(model: Any, dtype: Any, *, is_full: bool) -> None:
    """Put tensors without content in the place of all others; to be called in a FakeTensorMode.

    The base is held in `dtype`; adapters, and weights that are all trained, in float32.
    """
    with extra("train"):
        import torch
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is None:
                continue
            own = torch.float32 if is_full or parameter.requires_grad else dtype
            fake = torch.empty(parameter.shape, dtype=own, device="cpu")
            module._parameters[name] = torch.nn.Parameter(fake, parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device="cpu")


def _set_checkpointing(model: Any) -> None:
    model.gradient_checkpointing_enable({"use_reentrant": False})
    if hasattr(model, "peft_config"):
        model.enable_input_require_grads()


def free_bytes(settings: TrainConfig) -> int:
    """Give the memory that a run can have: that of the GPU, or what this machine has left."""
    with extra("train"):
        import psutil
        import torch
    if _has_gpu(settings):
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)
