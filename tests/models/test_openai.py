"""What is OpenAI's own: the shape of the request, the key, the counts."""

import pytest

from medllm.errors import ConfigError
from medllm.models.chat import Message
from tests.models.asking import NOTE, SCHEMA, answering, ask, open_at


def test_the_request_is_a_streamed_chat_completion_with_a_strict_schema():
    with answering() as server:
        ask(open_at(server, "openai", temperature=0.5, seed=7), schema=SCHEMA)
        (chat,) = server.chats
    assert chat == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": NOTE},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 400,
        "temperature": 0.5,
        "seed": 7,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
        },
    }


def test_the_key_is_read_from_its_file(tmp_path):
    (tmp_path / "key").write_text("sk-invented\n")
    with answering(api_key="sk-invented") as server:
        assert ask(open_at(server, "openai", api_key_file=tmp_path / "key")).error is None
        told = ask(open_at(server, "openai"))
    assert "does not accept the key (HTTP 401, invalid_api_key)" in str(told.error)
    assert "api_key_file" in told.error.hint


@pytest.mark.parametrize("content", [None, "", " \n", "two words", "line\nline", "schlüssel"])
def test_a_file_without_a_key_is_an_error_that_names_it_and_not_its_content(tmp_path, content):
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with answering() as server, pytest.raises(ConfigError) as caught:
        open_at(server, "openai", api_key_file=path)
    assert str(path) in str(caught.value)
    assert not (content or "").strip() or content not in str(caught.value)


def test_without_a_key_none_is_sent():
    with answering() as server:
        ask(open_at(server, "openai"))
        assert "authorization" not in server.received[0].headers


def test_a_server_that_read_only_a_part_of_the_prompt_is_found_out():
    note = "The invented patient had a fever and was seen in the clinic. " * 300
    with answering(prompt_tokens=2050) as server:
        told = ask(open_at(server, "openai"), (Message("user", note),))
    assert "left out a part of the prompt" in str(told.error)
