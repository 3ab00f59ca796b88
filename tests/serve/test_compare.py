"""Two models on the same evidence: blind on the server, revealed once rated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from medllm.serve.comparing import side_by_side
from tests.fake_server import FakeServer
from tests.serve.running import NOTE, Event, Running, events


def answer(request: Any) -> str:
    return json.dumps({"sentences": [{"text": "Pulmonary embolism was found.", "sources": [1]}]})


def test_nothing_says_whose_summary_it_is_until_it_is_rated(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    with FakeServer(answer, modes=["ok", "ok", "ok", "ok", "ok", "reset"]) as model:
        second = f"serve.compare=openai:{model.openai_url}#tiny"
        running = serve("--data", tmp_path / "data", settings=[second])
        with running.client() as client:
            sides = []
            for _ in range(6):
                compared = client.post("/api/v1/compare", json={"note": NOTE})
                assert "tiny" not in compared.text
                assert "extractive" not in compared.text
                assert model.url not in compared.text
                body = compared.json()
                sides.append(len(body["left"]["claims"]) > len(body["right"]["claims"]))
            revealed = client.post(f"/api/v1/compare/{body['id']}/rating", json={"better": "left"})
            names = revealed.json()
            longer, shorter = ("left", "right") if sides[-1] else ("right", "left")
            assert names[longer] == "extractive"
            assert names[shorter].endswith("#tiny")
            again = client.post(f"/api/v1/compare/{body['id']}/rating", json={"better": "left"})
            assert again.status_code == 404
            rows = client.get("/api/v1/feedback/export").text.splitlines()
            said = {json.loads(row)["model"]: json.loads(row)["rating"] for row in rows}
    assert said[names["left"]] == "preferred"
    assert said[names["right"]] == "not preferred"
    assert {row["note"] for row in map(json.loads, rows)} == {""}


def test_without_a_second_model_there_is_nothing_to_compare(serve: Callable[..., Running]) -> None:
    with serve().client() as client:
        assert client.post("/api/v1/compare", json={"note": NOTE}).status_code == 409
        assert client.get("/api/v1/session").json()["can_compare"] is False


async def given(*names: str, fails: bool = False) -> AsyncGenerator[tuple[str, Any], None]:
    """A question that gives claims of these texts, with pauses between them."""
    yield "evidence", {"evidence": [1]}
    for name in names:
        await asyncio.sleep(0)
        yield "claim", {"claim": name}
    if fails:
        raise ValueError("mistake")
    yield "done", {"claims": list(names)}


async def all_of(left: Any, right: Any) -> list[tuple[str, Any]]:
    return [event async for event in side_by_side(left, right)]


def test_sentences_come_in_pairs_and_what_is_left_of_the_longer_at_the_end() -> None:
    found = asyncio.run(all_of(given("a", "b", "c"), given("x")))
    assert [name for name, _ in found] == ["evidence", "claims", "answers"]
    rows = [(data["left"], data["right"]) for name, data in found if name == "claims"]
    assert rows == [("a", "x")]
    assert found[-1][1] == {"left": {"claims": ["a", "b", "c"]}, "right": {"claims": ["x"]}}


def test_a_side_that_fails_ends_the_comparison() -> None:
    with pytest.raises(ValueError, match="mistake"):
        asyncio.run(all_of(given("a"), given("x", fails=True)))


def compared_as_events(client: Any) -> list[Event]:
    headers = {"accept": "text/event-stream"}
    with client.stream("POST", "/api/v1/compare", json={"note": NOTE}, headers=headers) as response:
        assert response.status_code == 200
        return list(events(response))


def against(model: FakeServer) -> list[str]:
    return [f"serve.compare=openai:{model.openai_url}#tiny"]


def test_a_streamed_comparison_is_as_blind(serve: Callable[..., Running]) -> None:
    with FakeServer(answer) as model, serve(settings=against(model)).client() as client:
        told = compared_as_events(client)
        assert [event.name for event in told[:2]] == ["evidence", "claims"]
        assert told[-1].name == "done"
        text = json.dumps([event.data for event in told])
        assert "tiny" not in text
        assert "extractive" not in text
        assert told[1].data["left"] is not None
        assert told[1].data["right"] is not None
        done = told[-1].data
        for side in ("left", "right"):
            streamed = [e.data[side] for e in told if e.name == "claims" and e.data[side]]
            assert streamed == done[side]["claims"][: len(streamed)]
        rated = client.post(f"/api/v1/compare/{done['id']}/rating", json={"better": "both"})
        assert rated.status_code == 200


def test_hanging_up_on_a_comparison_stops_its_model_without_a_word(
    serve: Callable[..., Running],
) -> None:
    headers = {"accept": "text/event-stream"}
    with FakeServer(answer, modes=["stall"]) as model:
        running = serve(settings=against(model))
        with running.client() as client:
            asked = client.stream("POST", "/api/v1/compare", json={"note": NOTE}, headers=headers)
            with asked:
                assert model.stalled.wait(10)
            assert model.hung_up.wait(5)
    running.stop()
    assert b"failed" not in running.log
