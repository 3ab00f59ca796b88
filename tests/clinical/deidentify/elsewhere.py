"""A model on another machine: a server of this test behind a name that is not this machine's."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from medllm.models.chat import Model, ModelSettings
from medllm.models.spec import open_model, parse_spec
from tests.fake_server import FakeServer

HOST = "models.hospital.example"


@contextmanager
def model_elsewhere(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> Iterator[tuple[Model, FakeServer]]:
    """Give a model whose spec names another machine, and the server that answers in its place."""
    look_up = socket.getaddrinfo

    def looked_up(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return look_up("127.0.0.1" if name == HOST else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    with FakeServer(lambda request: answer) as server:
        url = server.openai_url.replace("127.0.0.1", HOST)
        model = open_model(parse_spec(f"openai:{url}#tiny"), ModelSettings(max_retry_wait_s=0))
        assert not model.spec.is_local
        yield model, server


def sent_to(server: FakeServer) -> str:
    """Give all that the server was sent, as it was sent."""
    assert server.received
    return "\n".join(json.dumps(got.body, ensure_ascii=False) for got in server.received)
