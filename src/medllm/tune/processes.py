"""Several processes that train together, as torchrun and accelerate launch say it."""

from __future__ import annotations

import os


def process_number() -> int:
    """The number of this process where several train together."""
    return int(os.environ.get("RANK", "0"))


def n_processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def n_shards() -> int:
    """Over how many processes weights are spread: all with FSDP and DeepSpeed, else one."""
    wanted = (f"ACCELERATE_USE_{name}" for name in ("FSDP", "DEEPSPEED"))
    is_spread = any(os.environ.get(name, "").lower() == "true" for name in wanted)
    return n_processes() if is_spread else 1
