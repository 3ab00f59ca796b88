"""Model folders of transformers: found by path or hub id, loaded, told apart by their digest."""

from __future__ import annotations

import hashlib
import os
import warnings
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

from medllm.errors import DataError, ModelError, extra
from medllm.files import read_json, sha256_file

FACTS = "medllm.json"
"""What medllm writes into an adapter or a model: its base, template and stop tokens."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")
_SAMPLE_BYTES = 1 << 20


def be_quiet() -> None:
    """Let the libraries print nothing, send nothing and look for nothing on a hub."""
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for package in ("transformers", "trl", "peft"):  # they warn of their own next versions
        warnings.filterwarnings("ignore", category=FutureWarning, module=package)
    with extra("train"):
        from transformers.utils import logging
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    getLogger("bitsandbytes").setLevel(ERROR)  # it looks for kernels on a hub, and says so
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def find_model(name: str) -> Path:
    """Give the folder of a model, by its path or, if it was downloaded before, by its hub id.

    Raises `ModelError` where it is not on this machine.
    """
    be_quiet()
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{folder} holds no model: there is no config.json in it",
                hint="name the folder of a model, or make one: medllm model new",
            )
        return folder
    with extra("train"):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (HFValidationError, OSError, ValueError) as exc:
        raise ModelError(
            f"the model {name} is not on this machine",
            hint="give the path of its folder"
            + ("" if _is_path(name) else f", or fetch it first: hf download {name}"),
        ) from exc


def _is_path(name: str) -> bool:
    """Tell a path from what may be a hub id, OWNER/NAME."""
    return name.startswith(("/", ".", "~")) or name.count("/") > 1


def load_tokenizer(folder: Path) -> Any:
    """Give the fast tokenizer of a model folder; raise `ModelError` where it has none."""
    be_quiet()
    with extra("train"):
        from transformers import AutoTokenizer
    if not any((folder / name).is_file() for name in TOKENIZER_FILES[:2]):
        raise ModelError(f"{folder} has no tokenizer", hint="copy tokenizer.json of its base there")
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError) as exc:
        raise ModelError(f"the tokenizer in {folder} cannot be read") from exc
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{folder} has no fast tokenizer", hint="save it as tokenizer.json first")
    return tokenizer


def has_weights(folder: Path) -> bool:
    """Whether the weights of a model folder are there, not only what describes them."""
    return any(file for end in ("safetensors", "bin") for file in folder.glob(f"*.{end}"))


def load_weights(folder: Path, *, dtype: str, **options: Any) -> Any:
    """Give the causal model of a folder; `dtype` as torch names it, or `auto`.

    Raises `ModelError` where the weights are absent, broken or too large for the memory.
    """
    be_quiet()
    with extra("train"):
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM
    wanted = dtype if dtype == "auto" else getattr(torch, dtype)
    try:
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=wanted, local_files_only=True, **options
        )
    except torch.OutOfMemoryError as exc:
        hint = "set model.quantise to 4bit, or use a smaller base; see --dry-run"
        raise ModelError(f"the model in {folder} does not fit into memory", hint=hint) from exc
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, SafetensorError) as exc:
        raise ModelError(
            f"the model in {folder} cannot be loaded",
            hint="its weights may be absent or cut short: fetch it again",
        ) from exc


def check_vocabulary(tokenizer: Any, n_embeddings: int) -> None:
    """Raise `ModelError` where the tokenizer writes tokens that the model has no place for."""
    if len(tokenizer) > n_embeddings:
        raise ModelError(
            f"the tokenizer does not match the model: it has {len(tokenizer)} tokens, "
            f"the model {n_embeddings}",
            hint="use the tokenizer that came with the base",
        )


def digest_base(folder: Path) -> str:
    """Give 64 hexadecimal digits that tell one base from another, in a second even at 140 GB.

    Of each weight file its size and its first and last megabyte count (names and shapes stand in
    the first), of the tokenizer every byte. What is only renamed or moved stays the same.
    """
    digest = hashlib.sha256()
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")])
    if not files:
        raise ModelError(f"{folder} has no weights", hint="fetch the model again")
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as handle:
            digest.update(handle.read(_SAMPLE_BYTES))
            handle.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(handle.read())
    tokenizer = folder / "tokenizer.json"
    digest.update(sha256_file(tokenizer).encode() if tokenizer.is_file() else b"")
    return digest.hexdigest()


def read_config(folder: Path) -> dict[str, Any]:
    """Give a model's config.json; raise `DataError` where it is none."""
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise DataError(f"{folder / 'config.json'} is not a model's", hint="fetch the model again")
    return config
