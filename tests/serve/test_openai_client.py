"""OpenAI's own client against the server: what it parses, streams and raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.serve.running import NOTE, Running

openai = pytest.importorskip("openai", reason="openai's client is not installed")
ASKED: dict[str, Any] = {"model": "medllm", "messages": [{"role": "user", "content": NOTE}]}


@pytest.fixture
def chat(server: Running) -> Iterator[Any]:
    with client_of(server, server.token) as client:
        yield client


def client_of(server: Running, key: str) -> Any:
    return openai.OpenAI(base_url=f"{server.url}v1", api_key=key, max_retries=0)


def test_the_whole_answer_has_citations_as_annotations(chat: Any) -> None:
    completion = chat.chat.completions.create(**ASKED)
    (choice,) = completion.choices
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert choice.message.annotations
    for annotation in choice.message.annotations:
        place = annotation.url_citation
        assert choice.message.content[place.start_index : place.end_index].startswith("[")
        assert place.title
    counted = completion.usage
    assert counted.total_tokens == counted.prompt_tokens + counted.completion_tokens > 0


def test_a_stream_gives_the_same_text_then_annotations_then_usage(chat: Any) -> None:
    whole = chat.chat.completions.create(**ASKED).choices[0].message
    usage = {"include_usage": True}
    parts = list(chat.chat.completions.create(**ASKED, stream=True, stream_options=usage))
    assert parts[0].choices[0].delta.role == "assistant"
    text = "".join(part.choices[0].delta.content or "" for part in parts[:-1])
    assert text == whole.content
    last, counted = parts[-2], parts[-1]
    assert last.choices[0].finish_reason == "stop"
    annotations = [one["url_citation"] for one in last.choices[0].delta.annotations]
    assert annotations == [one.url_citation.model_dump() for one in whole.annotations]
    assert counted.choices == []
    assert counted.usage.completion_tokens == len(text.split())
    assert [part.usage for part in parts[:-1]] == [None] * (len(parts) - 1)


def test_the_stream_helper_puts_the_parts_together(chat: Any) -> None:
    with chat.chat.completions.stream(**ASKED) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content.endswith("not for emergencies.")
    assert final.choices[0].finish_reason == "stop"


def test_the_models_are_listed(chat: Any) -> None:
    assert [model.id for model in chat.models.list()] == ["medllm"]
    assert chat.models.retrieve("medllm").id == "medllm"
    with pytest.raises(openai.NotFoundError):
        chat.models.retrieve("gpt-5")


def test_refusals_are_the_exceptions_that_the_client_knows(chat: Any, server: Running) -> None:
    with pytest.raises(openai.NotFoundError, match="no such model"):
        chat.chat.completions.create(**{**ASKED, "model": "gpt-5"})
    with pytest.raises(openai.UnprocessableEntityError, match="empty"):
        chat.chat.completions.create(model="medllm", messages=[{"role": "user", "content": " "}])
    with (
        client_of(server, "guess") as stranger,
        pytest.raises(openai.AuthenticationError, match="not signed in"),
    ):
        stranger.models.list()


def test_who_is_too_many_is_told_to_come_again(serve: Callable[..., Running]) -> None:
    from tests.fake_server import FakeServer
    from tests.serve.browsing import scripted

    one = ["serve.concurrent=1", "serve.waiting=0"]
    with FakeServer(scripted, modes=["stall"]) as model:
        server = serve("--model", f"openai:{model.openai_url}#tiny", settings=one)
        with client_of(server, server.token) as client:
            stream = client.chat.completions.create(**ASKED, stream=True)
            assert model.stalled.wait(10)
            for is_streamed in (False, True):
                with pytest.raises(openai.InternalServerError, match="busy") as caught:
                    client.chat.completions.create(**ASKED, stream=is_streamed)
                assert caught.value.status_code == 503
                assert int(caught.value.response.headers["retry-after"]) >= 1
            stream.close()
            assert model.hung_up.wait(5)


def test_a_model_that_breaks_off_ends_the_stream_with_length(serve: Callable[..., Running]) -> None:
    from tests.fake_server import FakeServer
    from tests.serve.browsing import scripted

    with FakeServer(scripted, modes=["error_frame"]) as model:
        server = serve("--model", f"openai:{model.openai_url}#tiny")
        with client_of(server, server.token) as client:
            parts = list(client.chat.completions.create(**ASKED, stream=True))
    assert parts[-1].choices[0].finish_reason == "length"
    text = "".join(part.choices[0].delta.content or "" for part in parts)
    assert "It is not whole." in text
