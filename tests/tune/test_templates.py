"""Templates of the five bases: what they write, what is trained, what stops, what pads."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from medllm.errors import ConfigError, DataError
from medllm.tune.encode import Encoded, Encoder
from medllm.tune.templates import choose_template, prepare_tokenizer, shipped_templates, stop_ids
from tests.tune import tokenizers_of_bases as bases
from tests.tune.records import record

TOKENIZERS = {
    "llama2": bases.llama2,
    "llama3": bases.llama3,
    "llama3.2": bases.llama3,
    "llama3.3": bases.llama3,
    "deepseek-r1": bases.deepseek,
}
TURNS = ("I have a fever.", "Since when?", "Two days.", "Please rest.")
B, E = "<|begin_of_text|>", "<|eot_id|>"
HEAD = "<|start_header_id|>{}<|end_header_id|>\n\n"
DATED = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
SYSTEM_HEAD, USER_HEAD, ANSWER_HEAD = (HEAD.format(r) for r in ("system", "user", "assistant"))
EXPECTED = {
    "llama2": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nI have a fever. [/INST] Since when? </s>"
    "<s>[INST] Two days. [/INST] Please rest. </s>",
    "llama3": f"{B}{SYSTEM_HEAD}Be brief.{E}{USER_HEAD}I have a fever.{E}{ANSWER_HEAD}Since when?"
    f"{E}{USER_HEAD}Two days.{E}{ANSWER_HEAD}Please rest.{E}",
    "llama3.2": f"{B}{SYSTEM_HEAD}{DATED}Be brief.{E}{USER_HEAD}I have a fever.{E}{ANSWER_HEAD}"
    f"Since when?{E}{USER_HEAD}Two days.{E}{ANSWER_HEAD}Please rest.{E}",
    "deepseek-r1": "<｜begin▁of▁sentence｜>Be brief.<｜User｜>I have a fever."
    "<｜Assistant｜><think>\n\n</think>\n\nSince when?<｜end▁of▁sentence｜>"
    "<｜User｜>Two days.<｜Assistant｜><think>\n\n</think>\n\nPlease rest.<｜end▁of▁sentence｜>",
}
EXPECTED["llama3.3"] = EXPECTED["llama3.2"]


def ready(name: str) -> tuple[Any, Any]:
    """Give a tokenizer of this base's kind, prepared, and its template."""
    import copy

    tokenizer, template = copy.deepcopy(TOKENIZERS[name]()), shipped_templates()[name]
    prepare_tokenizer(tokenizer, template)
    return tokenizer, template


def encoded(name: str, one: Any = None, **options: Any) -> tuple[Any, Encoded]:
    tokenizer, template = ready(name)
    encoder = Encoder(tokenizer, template, window=2048, **options)
    (found,) = encoder.encode([one or record(*TURNS, system="Be brief.")])
    assert isinstance(found, Encoded)
    return tokenizer, found


def trained_texts(tokenizer: Any, found: Encoded) -> list[str]:
    """The runs of trained tokens, as text."""
    runs: list[list[int]] = []
    before = False
    for token, is_trained in zip(found.ids, found.trained, strict=True):
        if is_trained and not before:
            runs.append([])
        if is_trained:
            runs[-1].append(token)
        before = is_trained
    return [tokenizer.decode(run) for run in runs]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_conversation_is_written_as_the_base_knows_it(name):
    tokenizer, found = encoded(name)
    text = tokenizer.decode(found.ids).replace("<s> ", "<s>")
    assert text == EXPECTED[name]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_answer_is_trained_with_the_token_that_ends_it_and_nothing_else(name):
    tokenizer, found = encoded(name)
    end = tokenizer.eos_token
    texts = [text.strip() for text in trained_texts(tokenizer, found)]
    think = "</think>\n\n" if name == "deepseek-r1" else ""
    space = " " if name == "llama2" else ""
    assert texts == [f"{think}Since when?{space}{end}", f"{think}Please rest.{space}{end}"]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_is_read_when_asked_is_to_the_token_what_was_read_in_training(name):
    tokenizer, found = encoded(name)
    _, template = ready(name)
    tokenizer.chat_template = template.serving_text
    messages = [{"role": "system", "content": "Be brief."}]
    for number, text in enumerate(TURNS):
        messages.append({"role": ("user", "assistant")[number % 2], "content": text})
    for n_turns in (2, 4):
        asked = tokenizer.apply_chat_template(messages[:n_turns], add_generation_prompt=True)
        ids = list(asked["input_ids"])
        assert found.ids[: len(ids)] == ids
        assert found.trained[len(ids)]
        assert not found.trained[len(ids) - 1]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_padding_never_ends_a_turn_and_stop_tokens_do(name):
    tokenizer, template = ready(name)
    assert tokenizer.pad_token_id not in stop_ids(tokenizer, template)
    assert stop_ids(tokenizer, template)[0] == tokenizer.eos_token_id


def test_no_template_writes_todays_date():
    today = date.today()
    for template in shipped_templates().values():
        assert "strftime_now" not in template.text
        assert today.strftime("%d %b %Y") not in template.text
        assert "generation %}" not in template.serving_text


def test_reasoning_is_written_in_the_form_of_the_base():
    one = record("Why?", "So.", reasoning="First this, then that.")
    tokenizer, found = encoded("deepseek-r1", one)
    text = "First this, then that.\n</think>\n\nSo.<｜end▁of▁sentence｜>"
    assert trained_texts(tokenizer, found) == [text]
    tokenizer, found = encoded("llama3", one)
    text = "## Thinking\n\nFirst this, then that.\n\n## Final Response\n\nSo.<|eot_id|>"
    assert trained_texts(tokenizer, found) == [text]
    tokenizer, found = encoded("llama3", one, reasoning="leave out")
    assert trained_texts(tokenizer, found) == ["So.<|eot_id|>"]


@pytest.mark.parametrize(
    ("stock", "name"),
    [
        ("{{ '<|start_header_id|>' }}{{ '<|eot_id|>' }}", "llama3"),
        ("{{ '<|start_header_id|>Cutting Knowledge Date: <|eot_id|>' }}", "llama3.3"),
        ("{{ '[INST] <<SYS>>' }}", "llama2"),
        ("{{ '<｜Assistant｜><think>' }}", "deepseek-r1"),
    ],
)
def test_auto_finds_the_template_that_stands_for_the_stock_one(stock, name):
    import copy

    tokenizer = copy.deepcopy(bases.llama3())
    tokenizer.chat_template = stock
    assert choose_template("auto", tokenizer).name == name


def test_a_template_that_is_not_there_is_said(tmp_path):
    import copy

    tokenizer = copy.deepcopy(bases.llama3())
    with pytest.raises(ConfigError, match="no template 'lama3'"):
        choose_template("lama3", tokenizer)
    with pytest.raises(DataError, match="cannot be read"):
        choose_template(str(tmp_path / "absent.jinja"), tokenizer)


def test_a_tokenizer_of_another_family_is_refused():
    import copy

    with pytest.raises(ConfigError, match="does not match the template"):
        prepare_tokenizer(copy.deepcopy(bases.llama2()), shipped_templates()["llama3"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ messages[0]['content'] }}", "does not mark"),
        (
            "{% generation %}{{ strftime_now('%d') }}{% endgeneration %}",
            "today's date",
        ),
    ],
)
def test_a_template_of_ones_own_is_checked(tmp_path, text, complaint):
    path = tmp_path / "own.jinja"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        choose_template(str(path), bases.llama3())


def test_a_template_under_which_answers_do_not_end_is_refused(tmp_path):
    import copy

    path = tmp_path / "own.jinja"
    path.write_text(
        "{%- for message in messages %}{%- if message['role'] == 'assistant' %}{%- generation %}"
        "{{- message['content'] }}{%- endgeneration %}{{- '<|eot_id|>' }}"
        "{%- else %}{{- message['content'] }}{%- endif %}{%- endfor %}"
    )
    tokenizer = copy.deepcopy(bases.llama3())
    template = choose_template(str(path), tokenizer)
    prepare_tokenizer(tokenizer, template)
    with pytest.raises(ConfigError, match="does not end its turn"):
        list(Encoder(tokenizer, template, window=99).encode([record("a?", "b.")]))
