"""What is Ollama's own: its options, its cloud, its silent cuts."""

import pytest

from medllm.errors import ModelError, PrivacyError
from medllm.models.chat import Message, is_prompt_cut
from medllm.models.ollama import ollama_models
from tests.fake_server import FakeServer
from tests.models.asking import NOTE, SCHEMA, answering, ask, open_at

WORDS = "The invented patient had a fever and was seen in the clinic on a rainy day. "


def test_the_request_is_ollamas_own_with_its_context_and_without_silent_cuts():
    with answering() as server:
        ask(open_at(server, "ollama", context_tokens=4096, temperature=0.5, seed=7), schema=SCHEMA)
        (chat,) = server.chats
    assert chat == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": NOTE},
        ],
        "stream": True,
        "truncate": False,
        "shift": False,
        "format": SCHEMA,
        "options": {"num_ctx": 4096, "num_predict": 400, "temperature": 0.5, "seed": 7},
    }


@pytest.mark.parametrize("field", ["remote_host", "remote_model"])
def test_a_model_that_runs_elsewhere_is_refused_before_it_reads_a_word(field):
    with answering(models=[{"name": "tiny:latest", field: "elsewhere"}]) as server:
        told = ask(open_at(server, "ollama"))
        assert server.chats == []
        assert all(NOTE not in str(request) for request in server.received)
    assert isinstance(told.error, PrivacyError)
    assert "leave this machine" in str(told.error)


def test_a_model_that_comes_to_run_elsewhere_is_refused_from_then_on():
    with answering() as server:
        model = open_at(server, "ollama")
        assert ask(model).error is None
        server.models[0]["remote_host"] = "https://ollama.com:443"
        assert isinstance(ask(model).error, PrivacyError)
        assert len(server.chats) == 1


def test_a_model_for_embeddings_is_not_asked_to_write():
    models = [{"name": "tiny:latest", "capabilities": ["embedding"]}]
    with answering(models=models) as server:
        told = ask(open_at(server, "ollama"))
        assert server.chats == []
    assert "cannot write text" in str(told.error)


@pytest.mark.parametrize(
    ("n_words", "context", "n_read", "is_cut"),
    [
        (800, 4096, 900, False),
        (800, 4096, 4095, False),
        (800, 4096, 4096, True),  # Ollama before 0.30: as much as the context holds
        (8000, 4096, 2050, True),  # later ones: half of it and two
        (2000, 8192, 2050, False),  # the same count of a prompt that fitted
        (8000, 16384, 1026, True),  # the model's own context is smaller than what was asked
        (8000, 16384, -1, False),  # no count
        (8000, 16384, 3, False),  # 0.30.0 counted only what was not in its cache
    ],
)
def test_a_prompt_that_was_cut_in_silence_is_an_error(n_words, context, n_read, is_cut):
    note = (WORDS * 1000)[: n_words * len(WORDS) // len(WORDS.split())]
    with answering(prompt_tokens=n_read) as server:
        told = ask(open_at(server, "ollama", context_tokens=context), (Message("user", note),))
    assert bool(told.error) is is_cut
    if is_cut:
        assert f"left out a part of the prompt, which is longer than its context of {context}" in (
            str(told.error)
        )


def test_long_words_and_short_notes_are_no_cut_prompts():
    assert not is_prompt_cut([Message("user", "x" * 3999)], 600)
    assert not is_prompt_cut([Message("user", "-" * 90_000)], 600)
    assert not is_prompt_cut([Message("user", WORDS * 100)], 1700)
    assert is_prompt_cut([Message("system", WORDS * 50), Message("user", WORDS * 50)], 700)


def test_the_models_on_this_machine_are_listed_without_those_of_the_cloud():
    models = [
        {"name": "tiny:latest"},
        {"name": "gpt-oss:120b-cloud"},
        {"name": "alias:latest", "remote_model": "big", "remote_host": "https://ollama.com:443"},
        {"name": "embed:latest", "details": {"family": "bert"}},
    ]
    with FakeServer(models=models) as server:
        assert ollama_models(server.url) == ["tiny:latest", "embed:latest"]
        assert ollama_models(server.url + "/") == ["tiny:latest", "embed:latest"]


def test_something_else_at_ollamas_port_is_said_to_be_something_else():
    with FakeServer() as server, pytest.raises(ModelError) as caught:
        ollama_models(server.openai_url)  # /v1/api/tags is no route
    assert "HTTP 404" in str(caught.value)
    with FakeServer() as server:
        server.models = None
        with pytest.raises(ModelError, match="is not Ollama"):
            ollama_models(server.url)


def test_an_absent_ollama_is_an_error_that_says_how_to_start_it():
    with FakeServer() as server:
        pass
    with pytest.raises(ModelError, match="does not answer") as caught:
        ollama_models(server.url)
    assert caught.value.hint == "ollama serve"
