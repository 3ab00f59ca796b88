"""Model folders of real sizes: random weights where speed is measured, empty ones for memory."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.command import say
from benchmarks.processes import run_module
from medllm.export.convert import names_of
from medllm.export.shape import read_shape
from medllm.files import read_json, write_json
from tests.export.models import make_llama

LLAMA_1B: dict[str, Any] = {
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "vocab_size": 128_256,
    "tie_word_embeddings": True,
}
LLAMA_8B: dict[str, Any] = {
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 128_256,
    "tie_word_embeddings": False,
}
_SHARD = 4_000_000_000
_BLOCK = 1 << 24


class Converted(NamedTuple):
    """What a conversion took."""

    seconds: float
    cpu: float
    peak: int
    size: int
    copied_s: float
    """Seconds for a plain copy of as many bytes as it read and wrote, in the same run."""


def make_folder(folder: Path, sizes: dict[str, Any], *, empty: bool) -> Path:
    """Write a bfloat16 model in files of 4 GB; empty ones take no room on the disk."""
    make_llama(folder, hidden=64, layers=1, dtype="bfloat16")
    (folder / "model.safetensors").unlink()
    write_json(folder / "config.json", {**read_json(folder / "config.json"), **sizes})
    listed: dict[str, str] = {}
    shards: list[list[tuple[str, tuple[int, ...]]]] = [[]]
    room = _SHARD
    for name in names_of(read_shape(folder)):
        size = 2 * int(np.prod(name.shape))
        if size > room and shards[-1]:
            shards.append([])
            room = _SHARD
        shards[-1].append((name.theirs, name.shape))
        room -= size
    for number, tensors in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        _write_shard(folder / file, tensors, empty=empty)
        listed |= {theirs: file for theirs, _ in tensors}
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": listed})
    return folder


def _write_shard(path: Path, tensors: list[tuple[str, tuple[int, ...]]], *, empty: bool) -> None:
    header, at = {}, 0
    for name, shape in tensors:
        end = at + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, end]}
        at = end
    raw = json.dumps(header).encode()
    draw = np.random.default_rng(0)
    with path.open("wb") as handle:
        handle.write(len(raw).to_bytes(8, "little") + raw)
        if empty:
            handle.truncate(8 + len(raw) + at)
            return
        block = (draw.standard_normal(_BLOCK).astype(np.float32) * 0.02).view(np.uint32)
        half = (block >> np.uint32(16)).astype(np.uint16)
        for start in range(0, at // 2, _BLOCK):
            half[: min(_BLOCK, at // 2 - start)].tofile(handle)


def convert(folder: Path, out: Path, quantisation: str) -> Converted:
    """Convert in a process of its own, between two plain copies; nothing stays on the disk."""
    files = sorted(folder.glob("*.safetensors"))
    copied = [_copy(files, out)] if files[0].stat().st_blocks else []
    spent = run_module("benchmarks.export_convert", str(folder), str(out), quantisation)
    if spent.code:
        raise RuntimeError(f"the conversion to {quantisation} broke")
    told = json.loads(spent.output.splitlines()[-1])
    out.unlink()
    if copied:
        copied.append(_copy(files, out))
    n_copied = sum(file.stat().st_size for file in files)
    share = (n_copied + told["bytes"]) / (2 * n_copied)
    seconds = share * sum(copied) / len(copied) if copied else 0.0
    say(f"{quantisation}: {told['seconds']:.1f} s, peak {told['peak'] / 1e6:.0f} MB")
    return Converted(told["seconds"], told["cpu"], told["peak"], told["bytes"], seconds)


def _copy(files: list[Path], out: Path) -> float:
    """Give the seconds that reading and writing the same bytes takes, to the disk and not only to
    the cache."""
    started = time.perf_counter()
    with out.open("wb") as to:
        for file in files:
            with file.open("rb") as handle:
                shutil.copyfileobj(handle, to, 1 << 25)
        to.flush()
        os.fsync(to.fileno())
    seconds = time.perf_counter() - started
    out.unlink()
    return seconds
