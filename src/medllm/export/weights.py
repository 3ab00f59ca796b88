"""The tensors of a model folder, read a few rows at a time, whatever the model's size.

The format is safetensors: eight bytes of length, that much JSON (name -> dtype, shape, offsets),
then the data (https://github.com/huggingface/safetensors, "Format"). It is read here without that
package, which maps whole files into memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError
from medllm.files import read_json

_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
}
_LONGEST_HEADER = 100_000_000
"""Of bytes; the format's own limit."""
_AT_ONCE = 1 << 20
"""Numbers read in one go: 4 MB as float32, which stays in a processor's cache."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies; `dtype` as safetensors names it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    start: int

    def blocks(self, n_rows: int = 0) -> Iterator[NDArray[Any]]:
        """Give the rows in order, some at a time, as they are stored (BF16 as uint16).

        `n_rows` at a time where that is given. Raises `ModelError` where the file is cut short.
        """
        dtype = _DTYPES[self.dtype]
        width = math.prod(self.shape[1:])
        rows = n_rows or max(1, _AT_ONCE // width)
        with self.path.open("rb") as handle:
            handle.seek(self.start)
            for first in range(0, self.shape[0], rows):
                n = min(rows, self.shape[0] - first)
                block = np.fromfile(handle, dtype=dtype, count=n * width)
                if block.size != n * width:
                    raise ModelError(f"{self.path} is cut short", hint="fetch the model again")
                yield block.reshape(n, *self.shape[1:])


def to_float32(block: NDArray[Any]) -> NDArray[np.float32]:
    """Give stored numbers as float32; uint16 is taken for bfloat16, whose bits are the upper half.

    Twice as fast as shifting.
    """
    if block.dtype == np.uint16:
        pairs = np.zeros((*block.shape, 2), dtype="<u2")
        pairs[..., 1] = block
        return pairs.view("<f4")[..., 0]
    return block.astype(np.float32, copy=False)


def largest(block: NDArray[Any]) -> float:
    """Give the largest size of stored numbers; not finite where one of them is not.

    Without their signs the bits of floating-point numbers are in the order of the numbers.
    """
    if block.dtype == np.float32:
        bits = (block.view(np.uint32) & np.uint32(0x7FFFFFFF)).max(initial=0)
        return float(np.uint32(bits).view(np.float32))
    highest = (block.view(np.uint16) & np.uint16(0x7FFF)).max(initial=0)
    if block.dtype == np.uint16:
        return float((np.uint32(highest) << np.uint32(16)).view(np.float32))
    return float(np.uint16(highest).view(np.float16))


def find_tensors(folder: Path, files: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Give every tensor of a model folder, of one file or of several that an index lists.

    `files` names others than a model's. Raises `ModelError` where a file is absent, is no
    safetensors, is cut short, or holds another type of number.
    """
    names = list(files)
    if not names:
        index = folder / _INDEX
        listed = read_json(index).get("weight_map", {}) if index.is_file() else {}
        names = sorted(set(listed.values())) or [_SINGLE]
    found: dict[str, Tensor] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{path} is missing", hint="fetch the model again")
        found |= {tensor.name: tensor for tensor in _tensors_of(path)}
    return found


def _tensors_of(path: Path) -> Iterator[Tensor]:
    size = path.stat().st_size
    with path.open("rb") as handle:
        n_header = int.from_bytes(handle.read(8), "little")
        if size < 8 or n_header > min(_LONGEST_HEADER, size - 8):
            raise ModelError(f"{path} is no safetensors file", hint="fetch the model again")
        raw = handle.read(n_header)
    try:
        header = json.loads(raw)
        header.pop("__metadata__", None)
        for name, facts in header.items():
            start, end = (8 + n_header + int(at) for at in facts["data_offsets"])
            yield _tensor(path, name, facts, start, end, size)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(f"the header of {path} is damaged", hint="fetch the model again") from exc


def _tensor(
    path: Path, name: str, facts: dict[str, Any], start: int, end: int, size: int
) -> Tensor:
    dtype, shape = str(facts["dtype"]), tuple(int(n) for n in facts["shape"])
    if dtype not in _DTYPES:
        raise ModelError(
            f"{path.name}: the tensor {name} is stored as {dtype}",
            hint="export a model of float32, float16 or bfloat16",
        )
    if end > size:
        raise ModelError(f"{path} is cut short", hint="fetch the model again")
    if end - start != math.prod(shape) * _DTYPES[dtype].itemsize:
        raise ModelError(f"the header of {path} is damaged", hint="fetch the model again")
    return Tensor(name, dtype, shape, path, start)
