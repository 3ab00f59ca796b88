"""What may not pass: other hosts, other sites, strangers, what is too large or too slow."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cli.running import run
from tests.serve.running import NOTE, Running, ask_events

JSON = {"content-type": "application/json"}


def session(server: Running) -> closing[httpx.Client]:
    """A client as a browser is: with a cookie and without the token."""
    made = httpx.Client(base_url=server.url, headers={"sec-fetch-site": "same-origin"})
    opened = made.post("/api/v1/session", json={"token": server.token})
    assert opened.status_code == 200
    return closing(made)


def test_nobody_gets_in_without_the_token(server: Running) -> None:
    with httpx.Client(base_url=server.url) as stranger:
        for path in ("findings", "ask", "search", "documents/read", "documents/delete"):
            assert stranger.post(f"/api/v1/{path}", json={}).status_code == 401
        for path in ("/metrics", "/api/v1/documents", "/v1/models", "/nowhere"):
            assert stranger.get(path).status_code == 401
        assert stranger.post("/api/v1/session", json={"token": "guess"}).status_code == 401
        bad = {"authorization": "Bearer guess"}
        assert stranger.get("/v1/models", headers=bad).status_code == 401
        assert stranger.get("/").status_code == 200
        assert stranger.get("/api/v1/health/live").status_code == 200


def test_a_session_cookie_cannot_be_read_by_scripts_and_ends_when_signed_out(
    server: Running,
) -> None:
    with httpx.Client(base_url=server.url, headers={"origin": server.url.rstrip("/")}) as made:
        opened = made.post("/api/v1/session", json={"token": server.token})
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert made.get("/api/v1/session").json()["user"] == "local"
        assert made.delete("/api/v1/session").status_code == 204
        kept = {"cookie": opened.headers["set-cookie"].partition(";")[0]}
        assert made.get("/api/v1/session", headers=kept).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": ""},
    ],
    ids=str,
)
def test_another_site_cannot_use_a_session(server: Running, headers: dict[str, str]) -> None:
    with session(server) as browser:
        answer = browser.post("/api/v1/findings", json={"note": NOTE}, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_of_another_site_is_no_json(server: Running, kind: str) -> None:
    with session(server) as browser:
        answer = browser.post("/api/v1/findings", content=b"{}", headers={"content-type": kind})
        assert answer.status_code == 415


def test_a_name_that_was_made_to_point_here_is_refused(client: httpx.Client) -> None:
    answer = client.get("/api/v1/health/live", headers={"host": "evil.example"})
    assert answer.status_code == 403


def test_every_response_has_the_headers(server: Running, client: httpx.Client) -> None:
    for path in ("/", "/assets/main.css", "/api/v1/documents", "/nowhere", "/api/v1/ask"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: httpx.Client) -> None:
    answer = client.post("/api/v1/ask", content=b'{"note": "' + b"x" * 2_000_000, headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"\xff\xfe{", 400), (b"{", 422), (b'{"note": 5}', 422), (b"[]", 422), (b"", 422)],
)
def test_what_is_not_well_formed_is_refused_in_one_shape(
    client: httpx.Client, content: bytes, status: int
) -> None:
    answer = client.post("/api/v1/findings", content=content, headers=JSON)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "hint", "id", "fields"}


def test_a_wrong_field_is_named_without_what_it_holds(client: httpx.Client) -> None:
    body = {"note": NOTE, "Quaggaridge": "Quaggaridge", "corrections": {"added": "Quaggaridge"}}
    answer = client.post("/api/v1/ask", json=body)
    assert answer.status_code == 422
    assert "body.corrections.added" in answer.json()["fields"]
    assert "Quaggaridge" not in answer.text


@pytest.mark.parametrize(
    "path", ["/assets/../app.py", "/assets/%2e%2e/app.py", "/assets/..%2fapp.py", "/assets//etc/x"]
)
def test_nothing_but_the_page_is_read(server: Running, path: str) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), 10) as raw:
        raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answer.split(b" ")[1] in (b"404", b"401")
    assert b"import" not in answer


def connect(server: Running) -> socket.socket:
    parts = urlsplit(server.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), 30)


def test_slow_clients_are_cut_off_and_others_do_not_notice(serve: Callable[..., Running]) -> None:
    running = serve(settings=["serve.body_timeout_s=1.0"])
    netloc = urlsplit(running.url).netloc
    head = f"POST /api/v1/session HTTP/1.1\r\nHost: {netloc}\r\n"
    full = f"{head}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{"
    slow = [connect(running) for _ in range(20)]
    for number, one in enumerate(slow):
        one.sendall((head if number % 2 else full).encode())
    with running.client() as client:
        start = time.perf_counter()
        assert client.post("/api/v1/findings", json={"note": NOTE}).status_code == 200
        assert time.perf_counter() - start < 5
    for one in slow[::2]:
        assert b" 408 " in one.recv(4096)
    for one in slow:
        one.close()


def test_no_patient_text_is_in_any_log_or_file(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    canary = "Quaggaridge"
    running = serve("--data", tmp_path / "data")
    note = f"{canary} is a 64-year-old woman with pleuritic chest pain. {NOTE}"
    with running.client() as client:
        done = ask_events(client, note)[-1].data
        feedback = {"answer": done["id"], "claim": 1, "rating": "right"}
        assert client.post("/api/v1/feedback", json=feedback).status_code == 201
        client.post("/api/v1/ask", content=f'{{"note": "{canary}'.encode(), headers=JSON)
        client.post("/api/v1/ask", json={"note": note, canary: canary})
        client.post("/api/v1/ask", json={"note": canary * 40_000})
        client.get(f"/api/v1/answers/{canary}/page")
        assert canary not in client.get("/metrics").text
    running.stop()
    assert canary.encode() not in bytes(running.log)
    for path in tmp_path.rglob("*"):
        assert canary not in path.name
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path


def test_the_token_file_is_its_owners_alone(serve: Callable[..., Running], tmp_path: Path) -> None:
    running = serve("--token-file", tmp_path / "token")
    assert (tmp_path / "token").read_text().strip() == running.token
    assert stat.S_IMODE(os.stat(tmp_path / "token").st_mode) == 0o600
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "0.0.0.0"), "needs accounts"),
        (("--host", "192.0.2.7"), "needs accounts"),
        (("--port", "99999"), "--port"),
        (("--set", "serve.tls_key=nowhere.pem"), "TLS needs both"),
    ],
)
def test_a_binding_that_would_expose_patients_is_refused(
    index_dir: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run("serve", "--index", index_dir, *arguments, home=tmp_path)
    assert done.code == 2
    assert words in done.err


def test_a_port_that_is_taken_is_said(server: Running, index_dir: Path, tmp_path: Path) -> None:
    port = str(urlsplit(server.url).port)
    done = run("serve", "--index", index_dir, "--port", port, home=tmp_path)
    assert done.code == 2
    assert "already in use" in done.err


def test_the_frameworks_own_telemetry_is_off(
    serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        where = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", where)
        running = serve()
        with running.client() as client:
            client.post("/api/v1/ask", json={"note": NOTE})
        assert running.stop() == 0
        with pytest.raises(TimeoutError):
            listener.accept()
