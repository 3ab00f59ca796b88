from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medllm.data.statistics.tokens import TokenCounter, open_counter, words_counter
from medllm.errors import ConfigError
from medllm.records import SftRecord, Turn
from tests.data.prepare.making import record

WORDS = {"[UNK]": 0, "<u>": 1, "<a>": 2, "why": 3, "so": 4, "it": 5}
TEMPLATE = (
    "{% for m in messages %}{{ '<u> ' if m.role == 'user' else '<a> ' }}{{ m.content }} "
    "{% endfor %}{% if add_generation_prompt %}<a> {% endif %}"
)


def make_tokenizer() -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return made


def write_folder(folder: Path, template: str = "") -> Path:
    transformers = pytest.importorskip("transformers")
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=make_tokenizer(), unk_token="[UNK]", model_max_length=4
    )
    if template:
        fast.chat_template = template
    fast.save_pretrained(folder)
    return folder


def count(counter: TokenCounter, one: SftRecord) -> tuple[int, int]:
    (tokens,) = counter.tokens_of([one])
    return tokens


ONE = record("a", "why it", "so so it")


def test_words_are_counted_without_a_tokenizer() -> None:
    one = record("a", "Why is it so?", "Because of it.")
    assert count(words_counter(), one) == (4, 3)
    assert count(words_counter(), replace(one, messages=one.messages[1:])) == (0, 3)


def test_a_tokenizer_file_counts_each_turn(tmp_path: Path) -> None:
    made = make_tokenizer()
    made.enable_truncation(4)  # as many a model's file has it
    made.save(str(tmp_path / "tokenizer.json"))
    counter = open_counter(str(tmp_path / "tokenizer.json"))
    assert count(counter, ONE) == (2, 3)
    assert "without a chat template" in counter.name
    long = record("b", "why " * 5000, "so")
    assert counter.tokens_of([ONE, long, ONE]) == [(2, 3), (5000, 1), (2, 3)]


def test_a_folder_counts_what_its_chat_template_adds(tmp_path: Path) -> None:
    counter = open_counter(str(write_folder(tmp_path / "model", TEMPLATE)))
    assert count(counter, ONE) == (4, 3)  # <u> why it <a> | so so it
    assert "with its chat template" in counter.name
    turns = (*ONE.messages, Turn(role="user", content="why"), Turn(role="assistant", content="so"))
    assert count(counter, replace(ONE, messages=turns)) == (10, 1)


def test_a_folder_without_a_template_counts_what_the_file_alone_counts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "model")
    for path in (folder, folder / "tokenizer.json"):
        counter = open_counter(str(path))
        assert count(counter, ONE) == (2, 3)
        assert count(counter, record("b", "why " * 50, "so")) == (50, 1)  # beyond its own limit
        assert "no chat template" in counter.name
    assert "longer than" not in capfd.readouterr().err


@pytest.mark.parametrize("content", [None, "{}", "no json", '{"model": 3}'])
def test_a_tokenizer_that_cannot_be_loaded_is_an_error(tmp_path: Path, content: str | None) -> None:
    pytest.importorskip("transformers")
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    for named in (path, tmp_path):
        with pytest.raises(ConfigError, match="cannot load the tokenizer"):
            open_counter(str(named))
    with pytest.raises(ConfigError):
        open_counter(str(tmp_path / "absent"))
