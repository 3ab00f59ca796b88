"""The prompt that Ollama writes is the one that the model was trained with, letter for letter."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.errors import ConfigError
from medllm.export.modelfile import go_template
from tests.publish.exports import TOKENS, some_facts
from tests.publish.go_templates import as_ollama

NAMES = ("llama2", "llama3", "llama3.2", "llama3.3", "deepseek-r1")
SPACES = "".join(chr(n) for n in range(0x3001) if chr(n).isspace())
TALKS = [
    [("user", "Fever for 3 days.")],
    [("system", "Be brief."), ("user", "Fever for 3 days.\n")],
    [("system", ""), ("user", "")],
    [("system", " \n"), ("user", f"{SPACES}µg{SPACES}")],
    [("user", "one"), ("assistant", "two"), ("user", "three")],
    [("system", "s"), ("user", "a"), ("assistant", " b\n"), ("user", "c"), ("assistant", "d")],
    [("user", "a"), ("assistant", "<think>\nhm\n</think>\n\nyes"), ("user", "b")],
    [("user", "a"), ("assistant", "\nhm\n</think>\n\nyes"), ("user", "b")],
    [("user", "a"), ("assistant", "\u3000<think>\nunfinished"), ("user", "b")],
    [("user", "a"), ("assistant", "\n"), ("user", "</think>"), ("assistant", "<think>\n")],
    [("user", "{{ .System }} \"quoted\" 'this' \\n }} {{- end -}}"), ("assistant", "```")],
    [("user", "<|eot_id|> </s> 病人 🫀 e\u0301"), ("assistant", "ok"), ("user", "\x00\x1f\x7f")],
]


def as_messages(talk: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in talk]


@pytest.fixture(scope="module")
def render() -> Any:
    """Rendering as transformers, vLLM and the training have it."""
    pytest.importorskip("transformers", reason="rendering the training template needs transformers")
    from transformers.utils.chat_template_utils import render_jinja_template

    from medllm.tune.templates import shipped_templates

    shipped = shipped_templates()

    def as_trained(name: str, messages: list[dict[str, str]]) -> str:
        begin, end = TOKENS.get(name, ("<|begin_of_text|>", "<|eot_id|>"))
        texts, _ = render_jinja_template(
            conversations=[messages],
            chat_template=shipped[name].serving_text,
            add_generation_prompt=True,
            bos_token=begin,
            eos_token=end,
        )
        assert texts[0].startswith(begin)
        return str(texts[0].removeprefix(begin))  # the GGUF says that it is added to every prompt

    return as_trained


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("talk", TALKS, ids=range(len(TALKS)))
def test_the_prompt_is_the_one_of_the_training_template(
    name: str, talk: list[tuple[str, str]], render: Any
) -> None:
    messages = as_messages(talk)
    assert as_ollama(go_template(some_facts(name)), messages) == render(name, messages)


_PIECES = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "\n", " ", "\u00a0", "\u2029", "\u3000", "a", "µ", "<"]
    ),
    max_size=9,
).map("".join)
_TURNS = st.lists(st.tuples(_PIECES, _PIECES), min_size=1, max_size=3)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(system=st.none() | _PIECES, turns=_TURNS)
def test_the_prompt_is_the_same_whatever_is_said(
    render: Any, name: str, system: str | None, turns: list[tuple[str, str]]
) -> None:
    talk = [] if system is None else [("system", system)]
    for question, answer in turns:
        talk += [("user", question), ("assistant", answer)]
    messages = as_messages([*talk, ("user", "And now?")])
    assert as_ollama(go_template(some_facts(name)), messages) == render(name, messages)


def test_a_template_that_does_not_trim_is_seen(render: Any) -> None:
    messages = as_messages([("user", "Fever.\n")])
    careless = go_template(some_facts()).replace('{{ template "trim" .Content }}', "{{ .Content }}")
    assert as_ollama(careless, messages) != render("llama3", messages)


def test_a_system_prompt_of_the_model_stands_in_where_none_was_said(render: Any) -> None:
    asked = as_messages([("user", "Fever.")])
    written = as_ollama(go_template(some_facts()), asked, system="Be brief.")
    assert written == render("llama3", as_messages([("system", "Be brief."), ("user", "Fever.")]))


def test_thoughts_that_come_back_from_ollama_are_written_as_they_were_trained() -> None:
    asked = as_messages([("user", "a"), ("assistant", "yes"), ("user", "b")])
    asked[1]["thinking"] = "hm"
    written = as_ollama(go_template(some_facts("deepseek-r1")), asked)
    assert "<｜Assistant｜><think>\nhm\n</think>\n\nyes<｜end▁of▁sentence｜><｜User｜>b" in written


def test_a_template_of_ones_own_has_no_form_for_ollama() -> None:
    with pytest.raises(ConfigError, match=r"own\.jinja has no form for Ollama"):
        go_template(some_facts("own.jinja"))


@pytest.fixture(scope="module")
def in_go(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Rendering by the real text/template."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go here: prompts were compared by an evaluator written in Python")
    folder = tmp_path_factory.mktemp("go")
    source = Path(__file__).parent / "go" / "render.go"
    subprocess.run(
        [go, "build", "-o", str(folder / "render"), str(source)],
        check=True,
        env={"PATH": str(Path(go).parent), "HOME": str(folder), "GOTOOLCHAIN": "local"},
    )

    def rendered(prompts: list[dict[str, Any]]) -> list[str]:
        done = subprocess.run(
            [folder / "render"], input=json.dumps(prompts), text=True, capture_output=True
        )
        texts: list[str] = json.loads(done.stdout)
        return texts

    return rendered


def test_a_real_go_writes_the_same(in_go: Any, render: Any) -> None:
    prompts, expected, ours = [], [], []
    long = [("user", "a"), ("assistant", "word " * 8000), ("user", "b" + "\n" * 5000)]
    for name in NAMES:
        for talk in [*TALKS, long]:
            messages = as_messages(talk)
            template = go_template(some_facts(name))
            prompts.append({"template": template, "messages": messages})
            expected.append(render(name, messages))
            ours.append(as_ollama(template, messages))
    assert in_go(prompts) == expected == ours
