"""A GGUF file written a few rows at a time; under its name only when it is whole."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError, extra
from medllm.export.weights import largest, to_float32
from medllm.files import disk_errors, sync_dir

Tell = Callable[[int], None]
"""Takes how many bytes were written since it was last called."""

_LARGEST_HALF = 65504.0
_NUMPY = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor to write: its name and shape there, its type, and its rows as they are stored."""

    name: str
    shape: tuple[int, ...]
    quantisation: str
    blocks: Callable[[], Iterator[NDArray[Any]]]


def write_file(
    path: Path,
    architecture: str,
    values: Callable[[Any], None],
    tensors: Sequence[Planned],
    tell: Tell = lambda n: None,
) -> None:
    """Write a GGUF: what `values` adds to the writer it is given, then the tensors.

    Raises `DataError` where the disk is full, `ModelError` where a number does not fit its type.
    """
    with extra("export"):
        from gguf import GGUFWriter
    with appearing(path) as temporary:
        writer = GGUFWriter(None, architecture)
        try:
            values(writer)
            for planned in tensors:
                _announce(writer, planned)
            writer.write_header_to_file(temporary)
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            (handle,) = writer.fout or []
            for planned in tensors:
                writer.write_padding(handle, handle.tell())
                _write_tensor(handle, planned, tell)
            writer.write_padding(handle, handle.tell())
            handle.flush()
            os.fsync(handle.fileno())
        finally:
            writer.close()


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes `path` when all went well, and goes away when not."""
    temporary = path.with_name(f".{path.name}.part")
    with disk_errors(str(path)):
        try:
            yield temporary
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_dir(path.parent)


def _announce(writer: Any, planned: Planned) -> None:
    from gguf import GGMLQuantizationType as Kind
    from gguf.quants import quant_shape_to_byte_shape

    kind = Kind[planned.quantisation]
    stored = quant_shape_to_byte_shape(planned.shape, kind)
    dtype = _NUMPY.get(kind.name, np.dtype(np.uint8))
    shape = planned.shape if kind.name in _NUMPY else stored
    writer.add_tensor_info(planned.name, shape, dtype, math.prod(stored), raw_dtype=kind)


def _write_tensor(handle: IO[bytes], planned: Planned, tell: Tell) -> None:
    for block in planned.blocks():
        made = encode(block, planned.quantisation, planned.name)
        made.tofile(handle)
        tell(made.nbytes)


def encode(block: NDArray[Any], quantisation: str, name: str) -> NDArray[Any]:
    """Give stored rows as a GGUF stores them; raise `ModelError` for what is no finite number."""
    size = largest(block)
    if not math.isfinite(size):
        raise ModelError(f"the tensor {name} holds what is no number", hint="train again")
    if block.dtype == _NUMPY.get(quantisation):
        return block
    numbers = to_float32(block)
    if quantisation == "F32":
        return numbers
    if quantisation == "BF16":
        return to_bfloat16(numbers)
    if quantisation == "F16":
        if size > _LARGEST_HALF:
            raise ModelError(
                f"the tensor {name} holds numbers too large for F16", hint="--quantize bf16"
            )
        return numbers.astype(np.float16)
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    made: NDArray[Any] = quantize(numbers, GGMLQuantizationType[quantisation])
    return made


def to_bfloat16(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Give float32 as bfloat16, halves to even, as uint16."""
    bits = numbers.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)).astype(np.uint16)
