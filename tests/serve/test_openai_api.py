"""The OpenAI-compatible endpoint: whole, streamed, with usage and annotations; and who asks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from medllm.models.chat import Message, ModelSettings
from medllm.models.spec import open_model, parse_spec
from tests.fake_server import FakeServer
from tests.serve.running import NOTE, Running

CHAT = {"model": "medllm", "messages": [{"role": "user", "content": NOTE}]}


def chunks(client: httpx.Client, **more: Any) -> list[dict[str, Any]]:
    body = {**CHAT, "stream": True, **more}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        sent = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert sent.pop() == "[DONE]"
    return [json.loads(part) for part in sent]


def test_the_one_model_is_listed(client: httpx.Client) -> None:
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["medllm"]


def test_a_whole_answer_has_citations_in_the_text_and_as_annotations(client: httpx.Client) -> None:
    body = client.post("/v1/chat/completions", json=CHAT).json()
    message = body["choices"][0]["message"]
    assert body["choices"][0]["finish_reason"] == "stop"
    assert len(message["annotations"]) >= 6
    for annotation in message["annotations"]:
        cited = annotation["url_citation"]
        number = message["content"][cited["start_index"] : cited["end_index"]]
        assert number[0] + number[-1] == "[]"
        assert f"{number} {cited['title']}" in message["content"]
    assert body["usage"]["total_tokens"] > 100


def test_a_stream_says_the_same_and_ends_with_usage(client: httpx.Client) -> None:
    whole = client.post("/v1/chat/completions", json=CHAT).json()["choices"][0]["message"]
    sent = chunks(client, stream_options={"include_usage": True})
    deltas = [part["choices"][0]["delta"] for part in sent if part["choices"]]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == whole["content"]
    assert deltas[-1]["annotations"] == whole["annotations"]
    assert sent[-1]["choices"] == []
    assert sent[-1]["usage"]["total_tokens"] > 100
    assert "usage" not in chunks(client)[-1]


def test_the_last_user_message_is_the_note_also_in_parts(client: httpx.Client) -> None:
    messages = [
        {"role": "user", "content": "A woman with a rash."},
        {"role": "assistant", "content": "What else?"},
        {"role": "user", "content": [{"type": "text", "text": NOTE}]},
    ]
    body = {"model": "medllm", "messages": messages, "temperature": 0.3, "n": 1}
    answer = client.post("/v1/chat/completions", json=body)
    assert "embolism" in answer.json()["choices"][0]["message"]["content"].lower()


def test_errors_are_of_the_shape_that_clients_read(client: httpx.Client) -> None:
    unknown = client.post("/v1/chat/completions", json={**CHAT, "model": "gpt-4"})
    assert unknown.status_code == 404
    assert set(unknown.json()["error"]) == {"message", "type", "param", "code"}
    empty = {"model": "medllm", "messages": [{"role": "system", "content": "x"}]}
    assert client.post("/v1/chat/completions", json=empty).status_code == 422


def test_a_broken_summary_is_not_passed_off_as_whole(serve: Callable[..., Running]) -> None:
    with (
        FakeServer(lambda request: '{"sentences": [', modes=["reset"]) as model,
        serve("--model", f"openai:{model.openai_url}#tiny").client() as client,
    ):
        choice = client.post("/v1/chat/completions", json=CHAT).json()["choices"][0]
        assert choice["finish_reason"] == "length"
        assert "broke off" in choice["message"]["content"]
        assert chunks(client)[-1]["choices"][0]["finish_reason"] == "length"


def test_medllms_own_client_can_ask_it(server: Running, tmp_path_factory: Any) -> None:
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text(server.token)
    spec = parse_spec(f"openai:{server.url}v1#medllm")
    model = open_model(spec, ModelSettings(api_key_file=key))
    stream = model.stream([Message("user", NOTE)], schema=None, max_tokens=500)
    parts = list(stream)
    assert parts[-1].finish == "stop"
    assert parts[-1].completion_tokens
    assert "[1]" in "".join(part.text for part in parts)
