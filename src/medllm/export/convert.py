"""A Llama's folder to a GGUF, in constant memory: names, order and kinds of its tensors.

Names as llama.cpp reads them (gguf-py's `MODEL_TENSOR_NAMES`); one-dimensional tensors stay F32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError
from medllm.export.gguf_file import Planned, Tell, write_file
from medllm.export.rope import interleave, rope_factors
from medllm.export.shape import Shape
from medllm.export.vocabulary import Vocabulary
from medllm.export.weights import Tensor

NATIVE = ("F32", "F16", "BF16", "Q8_0")
"""What is written here; all else llama.cpp makes of it."""
FILE_TYPES = {"F32": 0, "F16": 1, "Q8_0": 7, "BF16": 32}
"""`general.file_type` (llama.h, `llama_ftype`)."""
_BLOCK = 32
"""Numbers that share a scale in Q8_0: a row that is no multiple of it stays F16."""


class Name(NamedTuple):
    """What a tensor is called by transformers and by llama.cpp."""

    theirs: str
    gguf: str
    shape: tuple[int, ...]
    n_heads: int = 0
    """Of a query or key matrix, whose rows change places."""


def names_of(shape: Shape) -> list[Name]:
    """Give every tensor of a Llama of this shape."""
    h, f = shape.hidden, shape.intermediate
    q, kv = shape.n_heads * shape.head_size, shape.n_kv_heads * shape.head_size
    found = [
        Name("model.embed_tokens.weight", "token_embd.weight", (shape.vocab_size, h)),
        Name("model.norm.weight", "output_norm.weight", (h,)),
    ]
    if not shape.is_tied:
        found.append(Name("lm_head.weight", "output.weight", (shape.vocab_size, h)))
    parts = (
        ("input_layernorm", "attn_norm", (h,), 0),
        ("self_attn.q_proj", "attn_q", (q, h), shape.n_heads),
        ("self_attn.k_proj", "attn_k", (kv, h), shape.n_kv_heads),
        ("self_attn.v_proj", "attn_v", (kv, h), 0),
        ("self_attn.o_proj", "attn_output", (h, q), 0),
        ("post_attention_layernorm", "ffn_norm", (h,), 0),
        ("mlp.gate_proj", "ffn_gate", (f, h), 0),
        ("mlp.up_proj", "ffn_up", (f, h), 0),
        ("mlp.down_proj", "ffn_down", (h, f), 0),
    )
    for n in range(shape.n_layers):
        found += [
            Name(f"model.layers.{n}.{theirs}.weight", f"blk.{n}.{ours}.weight", size, heads)
            for theirs, ours, size, heads in parts
        ]
    return found


def write_model(
    path: Path,
    shape: Shape,
    vocabulary: Vocabulary,
    tensors: dict[str, Tensor],
    quantisation: str,
    *,
    name: str,
    tell: Tell = lambda n: None,
) -> None:
    """Write the GGUF of a model, one of `NATIVE`, a few rows in memory at a time.

    Raises `ModelError` where a tensor is absent, of another shape, or not a Llama's.
    """
    check_tensors(shape, tensors)
    planned = [_plan(one, tensors[one.theirs], quantisation) for one in names_of(shape)]
    factors = rope_factors(shape.rope, shape.head_size)
    if factors is not None:
        planned.insert(0, Planned("rope_freqs.weight", factors.shape, "F32", _once(factors)))

    def values(writer: Any) -> None:
        writer.add_name(name)
        writer.add_file_type(FILE_TYPES[quantisation])
        writer.add_quantization_version(2)
        _add_shape(writer, shape)
        _add_vocabulary(writer, vocabulary)

    write_file(path, "llama", values, planned, tell)


def check_tensors(shape: Shape, tensors: dict[str, Tensor]) -> None:
    """Raise `ModelError` where the tensors are not exactly a Llama's of this shape."""
    wanted = {one.theirs: one.shape for one in names_of(shape)}
    hint = "fetch the model again, with the config.json that belongs to it"
    for theirs, size in wanted.items():
        if theirs not in tensors:
            raise ModelError(f"the model has no tensor {theirs}", hint=hint)
        if tensors[theirs].shape != size:
            raise ModelError(
                f"the tensor {theirs} is {tensors[theirs].shape}, config.json says {size}",
                hint=hint,
            )
    known = {*wanted, "lm_head.weight"}  # a tied model may hold its head a second time
    more = [one for one in tensors if one not in known and "rotary_emb" not in one]
    if more:
        raise ModelError(
            f"the model has a tensor that a Llama has not: {sorted(more)[0]}",
            hint="serve the model's folder with vLLM instead, see docs/deploy.md",
        )


def _plan(name: Name, tensor: Tensor, quantisation: str) -> Planned:
    kind = quantisation if len(name.shape) > 1 else "F32"
    if kind == "Q8_0" and name.shape[-1] % _BLOCK:
        kind = "F16"
    if not name.n_heads:
        return Planned(name.gguf, name.shape, kind, tensor.blocks)
    return Planned(name.gguf, name.shape, kind, lambda: _interleaved(tensor, name))


def _interleaved(tensor: Tensor, name: Name) -> Iterator[NDArray[Any]]:
    """Give a query or key matrix head by head, its rows in llama.cpp's order."""
    for head in tensor.blocks(n_rows=name.shape[0] // name.n_heads):
        yield interleave(head, 1)


def _once(values: NDArray[np.float32]) -> Callable[[], Iterator[NDArray[Any]]]:
    return lambda: iter([values])


def _add_shape(writer: Any, shape: Shape) -> None:
    writer.add_context_length(shape.context_tokens)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.n_layers)
    writer.add_feed_forward_length(shape.intermediate)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_freq_base(shape.rope.base)
    writer.add_rope_dimension_count(shape.head_size)
    if shape.head_size * shape.n_heads != shape.hidden:
        writer.add_key_length(shape.head_size)
        writer.add_value_length(shape.head_size)
    if shape.rope.kind == "linear":
        from gguf import RopeScalingType

        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(shape.rope.factor)
    writer.add_vocab_size(shape.vocab_size)


def _add_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    if vocabulary.scores:
        writer.add_token_scores(vocabulary.scores)
    writer.add_token_types(vocabulary.kinds)
    if vocabulary.merges:
        writer.add_token_merges(vocabulary.merges)
    add = {
        "bos": writer.add_bos_token_id,
        "eos": writer.add_eos_token_id,
        "unknown": writer.add_unk_token_id,
        "padding": writer.add_pad_token_id,
        "eot": writer.add_eot_token_id,
    }
    for name, number in vocabulary.special.items():
        add[name](number)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(False)
    if vocabulary.model == "llama":
        writer.add_add_space_prefix(vocabulary.adds_space)
    if vocabulary.template:
        writer.add_chat_template(vocabulary.template)


def exact_type(tensors: dict[str, Tensor], names: Sequence[Name]) -> str:
    """Give the smallest type that holds every matrix as it is: BF16, F16, else F32."""
    kinds = {tensors[one.theirs].dtype for one in names if len(one.shape) > 1}
    return kinds.pop() if len(kinds) == 1 else "F32"
