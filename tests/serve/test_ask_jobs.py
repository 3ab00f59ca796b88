"""A question as a job: looked at, taken back, its answer fetched, by its own session only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from medllm.serve.accounts import Accounts
from tests.fake_server import FakeServer
from tests.serve.browsing import scripted
from tests.serve.running import NOTE, Running


def until_over(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    while job["state"] in ("waiting", "running"):
        job = client.get(f"/api/v1/ask/jobs/{job['id']}").json()
    return job


def test_a_job_ends_with_the_same_answer_as_a_question(client: httpx.Client) -> None:
    asked = client.post("/api/v1/ask/jobs", json={"note": NOTE})
    assert asked.status_code == 202
    job = until_over(client, asked.json())
    assert (job["state"], job["step"], job["error"]) == ("done", "summary", "")
    answer = client.get(f"/api/v1/answers/{job['answer']}").json()
    at_once = client.post("/api/v1/ask", json={"note": NOTE}).json()
    assert answer["summary"] == at_once["summary"]
    assert answer["id"] == job["answer"]
    assert job["claims"] == len(answer["summary"]["claims"])
    assert client.get(f"/api/v1/answers/{at_once['id']}").json() == at_once
    assert client.post(f"/api/v1/ask/jobs/{job['id']}/cancel", json={}).status_code == 409


def test_a_job_that_is_taken_back_hangs_up_on_its_model(serve: Callable[..., Running]) -> None:
    with FakeServer(scripted, modes=["stall"]) as model:
        server = serve("--model", f"openai:{model.openai_url}#tiny")
        with server.client() as client:
            job = client.post("/api/v1/ask/jobs", json={"note": NOTE}).json()
            assert model.stalled.wait(10)
            seen = client.get(f"/api/v1/ask/jobs/{job['id']}").json()
            assert (seen["state"], seen["step"]) == ("running", "evidence")
            cancelled = client.post(f"/api/v1/ask/jobs/{job['id']}/cancel", json={}).json()
            assert cancelled["state"] == "cancelled"
            assert model.hung_up.wait(5)


def test_a_job_that_waits_tells_its_place_and_leaves_the_queue(
    serve: Callable[..., Running],
) -> None:
    one = ["serve.concurrent=1", "serve.waiting=1"]
    with FakeServer(scripted, modes=["stall"]) as model:
        server = serve("--model", f"openai:{model.openai_url}#tiny", settings=one)
        with server.client() as client:
            first = client.post("/api/v1/ask/jobs", json={"note": NOTE}).json()
            assert model.stalled.wait(10)
            second = client.post("/api/v1/ask/jobs", json={"note": NOTE}).json()
            assert client.post("/api/v1/ask/jobs", json={"note": NOTE}).status_code == 503
            waiting = client.get(f"/api/v1/ask/jobs/{second['id']}").json()
            assert (waiting["state"], waiting["place"]) == ("waiting", 1)
            client.post(f"/api/v1/ask/jobs/{second['id']}/cancel", json={})
            client.post(f"/api/v1/ask/jobs/{first['id']}/cancel", json={})
            metrics = client.get("/metrics").text
            assert "medllm_questions_waiting 0" in metrics


def test_jobs_and_answers_are_their_own_session_s_only(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    accounts = Accounts(tmp_path / "data" / "accounts.json")
    keys = {}
    for name in ("ada", "bob"):
        accounts.add(name, "admin", "correct horse battery")
        keys[name] = accounts.make_key(name)
    server = serve("--data", tmp_path / "data")
    named = {name: {"authorization": f"Bearer {key}"} for name, key in keys.items()}
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.headers.update(named["ada"])
        job = until_over(client, client.post("/api/v1/ask/jobs", json={"note": NOTE}).json())
        places = (f"ask/jobs/{job['id']}", f"answers/{job['answer']}")
        for place in (*places, f"answers/{job['answer']}/page"):
            assert client.get(f"/api/v1/{place}").status_code == 200
            other = client.get(f"/api/v1/{place}", headers=named["bob"])
            assert other.status_code == 404
    server.stop()
    log = (tmp_path / "data" / "audit.jsonl").read_text()
    assert "read answer" in log
    assert job["answer"] not in log


def test_what_cannot_be_answered_is_refused_before_a_job_is_made(client: httpx.Client) -> None:
    assert client.post("/api/v1/ask/jobs", json={"note": ""}).status_code == 422
    assert client.get("/api/v1/ask/jobs/none").status_code == 404
    assert client.get("/api/v1/answers/none").status_code == 404


def test_a_place_outside_the_note_fails_the_job_with_words(client: httpx.Client) -> None:
    wrong = {"rejected": [{"start": 5, "end": 100_000}]}
    asked = client.post("/api/v1/ask/jobs", json={"note": NOTE, "corrections": wrong})
    job = until_over(client, asked.json())
    assert job["state"] == "failed"
    assert "outside the note" in job["error"]
