"""Health, metrics, the description of the API, and an end in good order."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from medllm.retrieve.embedded import EmbeddedIndex
from tests.fake_server import FakeServer
from tests.serve.running import NOTE, Running


def test_it_is_alive_and_ready_and_says_what_works(client: httpx.Client) -> None:
    assert client.get("/api/v1/health/live").json()["status"] == "ok"
    ready = client.get("/api/v1/health/ready").json()
    assert ready["status"] == "ready"
    states = {part["name"]: part["state"] for part in ready["parts"]}
    assert states == {"index": "ok", "model": "ok", "feedback": "ok", "queue": "ok"}


def test_a_model_that_is_down_leaves_it_degraded_not_dead(serve: Callable[..., Running]) -> None:
    with FakeServer() as model:
        url = model.openai_url
    with serve("--model", f"openai:{url}#tiny").client() as client:
        ready = client.get("/api/v1/health/ready")
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded"
        assert client.post("/api/v1/ask", json={"note": NOTE}).json()["state"] == "partial"


def test_the_metrics_count_by_route_and_hold_no_address(client: httpx.Client) -> None:
    client.get("/api/v1/answers/secret-id/page")
    client.post("/api/v1/ask", json={"note": NOTE})
    text = client.get("/metrics").text
    assert 'route="/api/v1/ask",status="200"' in text
    assert "secret-id" not in text
    line = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+|# TYPE .+')
    assert all(line.fullmatch(one) for one in text.splitlines())


def test_every_status_of_every_route_is_declared(client: httpx.Client) -> None:
    description = client.get("/api/v1/openapi.json").json()
    declared = {"400", "401", "403", "404", "408", "409", "413", "415", "422", "429", "500", "503"}
    n_routes = 0
    for path, methods in description["paths"].items():
        for operation in methods.values():
            assert declared <= set(operation["responses"]), path
            n_routes += 1
    assert n_routes >= 18


def test_it_ends_at_once_and_leaves_the_index_closed(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    running = serve()
    assert running.stop() == 0
    with EmbeddedIndex.open(tmp_path / "idx") as index:
        assert not index.folder.must_mend


def test_it_ends_at_once_also_while_a_model_keeps_it_waiting(serve: Callable[..., Running]) -> None:
    with FakeServer(modes=["stall"]) as model:
        running = serve("--model", f"openai:{model.openai_url}#tiny")
        headers = {"accept": "text/event-stream"}
        with (
            running.client(**headers) as client,
            client.stream("POST", "/api/v1/ask", json={"note": NOTE}),
        ):
            assert model.stalled.wait(10)
            assert running.stop() == 0
        assert model.hung_up.wait(1)
    assert b"Traceback" not in running.log


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_it_speaks_tls_where_a_certificate_is_named(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext".split()
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        ["openssl", *made, names, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    named = [f"serve.tls_key={key}", f"serve.tls_certificate={certificate}"]
    running = serve(settings=named)
    assert running.url.startswith("https://")
    trusted = ssl.create_default_context(cafile=str(certificate))
    bearer = {"authorization": f"Bearer {running.token}"}
    with httpx.Client(base_url=running.url, verify=trusted, headers=bearer) as client:
        opened = client.post("/api/v1/session", json={"token": running.token})
        assert "secure" in opened.headers["set-cookie"].lower()
        assert "strict-transport-security" in opened.headers
        assert client.post("/api/v1/ask", json={"note": NOTE}).status_code == 200


def test_an_index_that_is_open_elsewhere_is_said(
    server: Running, index_dir: Path, tmp_path: Path
) -> None:
    from tests.cli.running import run

    with EmbeddedIndex.open(index_dir):
        done = run("serve", "--index", index_dir, "--port", "0", home=tmp_path)
    assert done.code == 2
    assert "open in another process" in done.err
