"""Servers that refuse, are busy, are absent, or are not what they should be."""

import socket

import pytest

from medllm.errors import ModelError
from medllm.models import watch
from medllm.models.chat import Message
from tests.models.asking import ANSWER, SCHEMA, answering, ask, open_at

BOTH = pytest.mark.parametrize("protocol", ["ollama", "openai"])


@pytest.fixture
def waits(monkeypatch):
    """The waits between tries, which are not waited."""
    asked = []
    monkeypatch.setattr(watch.Watch, "pause", lambda self, seconds: asked.append(seconds))
    return asked


@pytest.fixture
def free_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"


@BOTH
@pytest.mark.parametrize("mode", ["busy", "reset_first"])
def test_a_busy_or_resetting_server_is_asked_three_times(protocol, mode):
    with answering(mode, mode, "ok") as server:
        told = ask(open_at(server, protocol))
        assert len(server.chats) == 3
    assert (told.error, told.text) == (None, ANSWER)


@BOTH
@pytest.mark.parametrize(
    ("mode", "words"), [("busy", "is busy (HTTP 429"), ("reset_first", "broke")]
)
def test_after_three_tries_it_is_given_up(protocol, mode, words):
    with answering(mode) as server:
        told = ask(open_at(server, protocol))
        assert len(server.chats) == 3
    assert words in str(told.error)
    assert told.text == ""


@BOTH
def test_retry_after_is_heeded_up_to_a_limit(protocol, waits):
    with answering("busy", "busy", "ok") as server:  # Retry-After: 7
        ask(open_at(server, protocol, max_retry_wait_s=20.0))
    assert waits == [7.0, 7.0]
    with answering("busy", "ok") as server:
        ask(open_at(server, protocol, max_retry_wait_s=3.0))
    assert waits[2:] == [3.0]


@BOTH
def test_the_waits_after_a_reset_grow(protocol, waits):
    with answering("reset_first", "reset_first", "ok") as server:
        ask(open_at(server, protocol, max_retry_wait_s=8.0))
    assert waits == [2.0, 4.0]


@BOTH
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("html_500", "failed (HTTP 500)"),
        ("redirect", "redirects are not followed (HTTP 307)"),
        ("too_long", "the prompt is longer than"),
    ],
)
def test_a_refusal_is_said_in_words_and_not_tried_again(protocol, mode, words):
    with answering(mode) as server:
        told = ask(open_at(server, protocol))
        assert len(server.chats) == 1
        assert not [r for r in server.received if r.path == "/elsewhere"]
    assert isinstance(told.error, ModelError)
    assert words in str(told.error)
    assert told.error.hint
    assert told.text == ""


def test_a_web_page_is_no_answer():
    with answering("html_200") as server:
        told = ask(open_at(server, "openai"))
    assert "sent a web page" in str(told.error)
    assert "/v1" in told.error.hint


@BOTH
def test_a_schema_is_sent_and_answers_count_as_constrained(protocol):
    with answering() as server:
        model = open_at(server, protocol)
        ask(model, schema=SCHEMA)
        ask(model)
        with_schema, without = server.chats
    key = {"ollama": "format", "openai": "response_format"}[protocol]
    assert SCHEMA in (with_schema[key], with_schema[key].get("json_schema", {}).get("schema"))
    assert key not in without
    assert model.constrained is True


@BOTH
def test_a_server_without_schemas_is_asked_once_more_without_one(protocol):
    with answering("refuse_schema") as server:
        model = open_at(server, protocol)
        told = ask(model, schema=SCHEMA)
        assert (told.error, told.text, told.finish) == (None, ANSWER, "stop")
        assert model.constrained is False
        assert len(server.chats) == 2
        ask(model, schema=SCHEMA)
        assert len(server.chats) == 3, "it has been learnt"
    key = {"ollama": "format", "openai": "response_format"}[protocol]
    assert [key in chat for chat in server.chats] == [True, False, False]


@BOTH
def test_a_refusal_for_another_reason_does_not_unlearn_the_schema(protocol):
    with answering("echoing_error", "echoing_error", "ok") as server:  # names it by repeating it
        model = open_at(server, protocol)
        assert "HTTP 422" in str(ask(model, schema=SCHEMA).error)
        assert model.constrained is True
        assert ask(model, schema=SCHEMA).error is None
    assert "format" in str(server.chats[-1])


@BOTH
def test_an_absent_server_is_named_with_what_to_do(protocol, free_url):
    class Absent:
        url = free_url
        openai_url = f"{free_url}/v1"

    told = ask(open_at(Absent, protocol))
    url = {"ollama": Absent.url, "openai": Absent.openai_url}[protocol]
    hint = {"ollama": "ollama serve", "openai": "start it, or choose another model with --model"}
    assert str(told.error).endswith(f"at {url} does not answer")
    assert told.error.hint == hint[protocol]


@BOTH
def test_a_model_that_the_server_does_not_have_is_named_with_what_to_do(protocol):
    with answering(models=[{"name": "other:latest"}]) as server:
        told = ask(open_at(server, protocol))
    assert "does not know the model" in str(told.error)
    assert {"ollama": "ollama pull tiny", "openai": "/models"}[protocol] in told.error.hint


@BOTH
def test_proxies_of_the_environment_are_not_used(protocol, monkeypatch, free_url):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, free_url)
    with answering() as server:
        assert ask(open_at(server, protocol)).text == ANSWER


@BOTH
def test_half_a_surrogate_pair_in_a_note_is_replaced_not_fatal(protocol):
    broken = (Message("user", "pain \udc80 since"),)
    with answering() as server:
        assert ask(open_at(server, protocol), broken).error is None
        assert server.chats[0]["messages"][0]["content"] == "pain \ufffd since"
