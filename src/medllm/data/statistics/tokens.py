"""How many tokens a record has: in words, or as a tokenizer on this machine counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from medllm.data.shingles import WORD
from medllm.errors import ConfigError, MissingExtraError
from medllm.records import SftRecord, Turn


class Tokens(NamedTuple):
    """How many tokens a record has: all turns but the last answer, and that answer."""

    before: int
    answer: int


class TokenCounter(NamedTuple):
    """What counts tokens, and what it is called in the report."""

    name: str
    unit: str
    """What is counted, in one word."""
    tokens_of: Callable[[Sequence[SftRecord]], list[Tokens]]


def words_counter() -> TokenCounter:
    """Count words: no tokenizer is needed, and a model's tokens are 1.3 to 1.6 times as many."""

    def count(records: Sequence[SftRecord]) -> list[Tokens]:
        return [_words_of(record) for record in records]

    return TokenCounter("words, since no tokenizer was named", "words", count)


def _words_of(record: SftRecord) -> Tokens:
    *before, answer = (len(WORD.findall(turn.content)) for turn in record.messages)
    return Tokens(sum(before), answer)


def open_counter(path: str) -> TokenCounter:
    """Count tokens of a tokenizer: a `tokenizer.json`, or a folder of the hub's form.

    With a folder its chat template counts as well, where it has one. Raises `MissingExtraError`
    where a package is absent and `ConfigError` where the tokenizer cannot be loaded.
    """
    place = Path(path)
    if place.name.endswith(".json") and not place.with_name("tokenizer_config.json").exists():
        return _file_counter(place)
    return _folder_counter(place.parent if place.suffix == ".json" else place)


def _file_counter(path: Path) -> TokenCounter:
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError as exc:
        raise _missing("tokenizers") from exc
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # the library raises no other class
        raise _unloadable(path) from exc
    tokenizer.no_truncation()

    def lengths(texts: list[str]) -> list[int]:
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    name = f"tokens of {_name(path)}, without a chat template's"
    return TokenCounter(name, "tokens", _by_turns(lengths))


def _folder_counter(path: Path) -> TokenCounter:
    tokenizer = _load_folder(path)

    def lengths(texts: list[str]) -> list[int]:
        ids = tokenizer(texts, add_special_tokens=False, truncation=False)["input_ids"]
        return [len(one) for one in ids]

    if not getattr(tokenizer, "chat_template", None):
        name = f"tokens of {_name(path)}, which has no chat template"
        return TokenCounter(name, "tokens", _by_turns(lengths))

    def render(turns: Sequence[Turn], *, asks: bool) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks)
        return str(text)

    def count(records: Sequence[SftRecord]) -> list[Tokens]:
        before = lengths([render(record.messages[:-1], asks=True) for record in records])
        whole = lengths([render(record.messages, asks=False) for record in records])
        return [Tokens(b, max(0, w - b)) for b, w in zip(before, whole, strict=True)]

    return TokenCounter(f"tokens of {_name(path)} with its chat template", "tokens", count)


def _name(path: Path) -> str:
    """Give the end of a path: the last folder of a model is often just called "model"."""
    return "/".join(path.resolve().parts[-2:])


def _by_turns(
    lengths: Callable[[list[str]], list[int]],
) -> Callable[[Sequence[SftRecord]], list[Tokens]]:
    """Count each turn by itself."""

    def count(records: Sequence[SftRecord]) -> list[Tokens]:
        counted = iter(lengths([turn.content for record in records for turn in record.messages]))
        found = []
        for record in records:
            *before, answer = (next(counted) for _ in record.messages)
            found.append(Tokens(sum(before), answer))
        return found

    return count


def _load_folder(path: Path) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        with redirect_stderr(StringIO()):  # it warns that torch is absent, which is not needed
            from transformers import AutoTokenizer
    except ModuleNotFoundError as exc:
        raise _missing("transformers") from exc
    if not path.is_dir():
        raise _unloadable(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path), local_files_only=True)
    except Exception as exc:  # the libraries raise whatever a broken file leads to
        raise _unloadable(path) from exc
    tokenizer.model_max_length = 1 << 30  # or it warns of every longer text
    return tokenizer


def _missing(package: str) -> MissingExtraError:
    return MissingExtraError(
        f"counting tokens needs the package {package}, which is not installed",
        hint='pip install -c constraints.txt "medllm[dense]", or count words',
    )


def _unloadable(path: Path) -> ConfigError:
    return ConfigError(
        f"cannot load the tokenizer {path}", hint="name a tokenizer.json, or a folder with one"
    )
