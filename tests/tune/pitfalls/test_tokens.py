"""Pitfalls 1 to 5: what the templates and tokenizers of the bases do if they are left alone."""

from __future__ import annotations

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from transformers import DataCollatorForLanguageModeling

from medllm.models.chat import Message, ModelSettings
from medllm.models.hf import HfModel
from medllm.models.spec import parse_spec
from medllm.tune.batches import IGNORED, collate
from medllm.tune.corpus import gather
from medllm.tune.encode import Encoded, Encoder
from medllm.tune.templates import prepare_tokenizer, shipped_templates
from tests.tune import tokenizers_of_bases as bases
from tests.tune.records import many, record

TOKENIZERS = {
    "llama2": bases.llama2,
    "llama3": bases.llama3,
    "llama3.2": bases.llama3,
    "llama3.3": bases.llama3,
    "deepseek-r1": bases.deepseek,
}
ASKED = [{"role": "user", "content": "Why?"}]
REASONED = "<think>\nFirst this.\n</think>\n\nSo."


def ready(name: str) -> tuple[Any, Any]:
    """Give the tokenizer of a base, prepared, and its template."""
    tokenizer, template = copy.deepcopy(TOKENIZERS[name]()), shipped_templates()[name]
    prepare_tokenizer(tokenizer, template)
    return tokenizer, template


def encoded(tokenizer: Any, template: Any, one: Any) -> Encoded:
    (found,) = Encoder(tokenizer, template, window=2048).encode([one])
    assert isinstance(found, Encoded)
    return found


@pytest.mark.parametrize("name", TOKENIZERS)
def test_pitfall_01_the_end_of_each_turn_is_trained_since_padding_is_another_token(name):
    tokenizer, template = ready(name)
    corpus = gather(Encoder(tokenizer, template, window=2048).encode(many(3)))
    labels = collate(corpus, [[0], [1], [2]], pad=tokenizer.pad_token_id)["labels"]
    for row in labels.tolist():
        assert [label for label in row if label != IGNORED][-1] == tokenizer.eos_token_id

    naive = copy.deepcopy(tokenizer)
    naive.pad_token = naive.eos_token
    rows = [{"input_ids": corpus.ids[: corpus.bounds[1]].tolist()}]
    by_default = DataCollatorForLanguageModeling(naive, mlm=False)(rows)["labels"]
    assert tokenizer.eos_token_id in rows[0]["input_ids"]
    assert tokenizer.eos_token_id not in by_default, "so the model would never learn to stop"


@pytest.mark.parametrize("name", ["llama3", "llama3.2", "deepseek-r1"])
def test_pitfall_02_a_text_begins_once(name):
    tokenizer, template = ready(name)
    found = encoded(tokenizer, template, record("Why?", "So."))
    assert found.ids.count(tokenizer.bos_token_id) == 1
    text = tokenizer.decode(found.ids)
    naive = tokenizer(text)["input_ids"]
    if name != "deepseek-r1":  # whose own tokenizer has another token that it puts in front
        assert naive.count(tokenizer.bos_token_id) == 2
    assert len(naive) == len(found.ids) + 1


def test_pitfall_02_a_question_begins_once_too(tiny_model: Path):
    model = HfModel(parse_spec(f"hf:{tiny_model}"), ModelSettings())
    ids, _ = model._prompt([Message("user", "Why?")])
    _, tokenizer = model._load()
    assert ids.count(tokenizer.bos_token_id) == 1
    text = tokenizer.apply_chat_template(ASKED, add_generation_prompt=True, tokenize=False)
    assert tokenizer(text)["input_ids"].count(tokenizer.bos_token_id) == 2


@pytest.mark.parametrize("name", TOKENIZERS)
def test_pitfall_03_our_templates_mark_answers_and_stock_ones_mark_nothing(name):
    tokenizer, template = ready(name)
    conversation = [*ASKED, {"role": "assistant", "content": "So."}]

    def n_marked(text: str) -> int:
        found = tokenizer.apply_chat_template(
            conversation, chat_template=text, return_dict=True, return_assistant_tokens_mask=True
        )
        return sum(found["assistant_masks"])

    assert n_marked(template.text) > 0
    assert n_marked(template.serving_text) == 0, "without marks nothing at all is trained"


STOCK_DEEPSEEK = (
    "{{ bos_token }}{% for message in messages %}{% set content = message['content'] %}"
    "{% if message['role'] == 'user' %}{{ '<｜User｜>' + content }}{% else %}"
    "{{ '<｜Assistant｜>' + content.split('</think>')[-1] + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}"
)
"""What the stock template does to turns, in few words."""


@pytest.mark.parametrize("answer", ["So.", REASONED])
def test_pitfall_04_reasoning_is_kept_and_what_is_asked_begins_what_was_trained(answer):
    tokenizer, template = ready("deepseek-r1")
    conversation = [*ASKED, {"role": "assistant", "content": answer}]

    def written(text: str) -> tuple[str, str]:
        tokenizer.chat_template = text
        asked = tokenizer.apply_chat_template(ASKED, add_generation_prompt=True, tokenize=False)
        return asked, tokenizer.apply_chat_template(conversation, tokenize=False)

    asked, whole = written(template.serving_text)
    assert whole.startswith(asked)
    assert whole.removeprefix(asked).partition("</think>")[2].strip() == "So." + tokenizer.eos_token
    assert ("First this." in whole) == ("First this." in answer)

    asked, whole = written(STOCK_DEEPSEEK)
    assert not whole.startswith(asked), "trained on one text, asked with another"
    assert "First this." not in whole


def test_pitfall_05_the_date_in_the_prompt_is_always_the_same():
    tokenizer, template = ready("llama3.2")
    fixed = "Today Date: 26 Jul 2024"
    tokenizer.chat_template = template.serving_text
    assert fixed in tokenizer.apply_chat_template(ASKED, tokenize=False)
    stock = template.serving_text.replace("26 Jul 2024", "' + strftime_now('%d %b %Y') + '")
    tokenizer.chat_template = stock
    before = datetime.now()
    drifting = tokenizer.apply_chat_template(ASKED, tokenize=False)
    days = {day.strftime("Today Date: %d %b %Y") for day in (before, datetime.now())}
    assert any(day in drifting for day in days), "tomorrow it is another prompt"
    assert fixed not in drifting
