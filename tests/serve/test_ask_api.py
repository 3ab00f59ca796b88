"""The road over HTTP: findings, search, the whole answer, and its events."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from medllm.serve.shapes import AskAnswer, FindingsAnswer, SearchAnswer
from medllm.serve.waiting import Busy, WaitingRoom
from tests.fake_server import FakeServer
from tests.serve.running import NOTE, Running, ask_events, events

ANSWER = json.dumps({"sentences": [{"text": "Pain is common.", "sources": [1]}]})


def test_findings_are_read_with_negation(client: httpx.Client) -> None:
    answer = client.post("/api/v1/findings", json={"note": NOTE})
    assert answer.status_code == 200
    body = FindingsAnswer.model_validate(answer.json())
    fever = next(f for f in body.findings if f.normalised == "fever")
    assert fever.negated
    assert all(NOTE[f.start : f.end] == f.text for f in body.findings)


def test_search_finds_patients_and_articles_within_its_filter(client: httpx.Client) -> None:
    wanted = {"text": NOTE, "top": 5, "sex": "F", "kind": "patients"}
    body = SearchAnswer.model_validate(client.post("/api/v1/search", json=wanted).json())
    assert body.patients
    assert {hit.document.sex for hit in body.patients} == {"F"}
    assert body.articles == []


def test_the_answer_is_what_the_schema_says(client: httpx.Client) -> None:
    answer = client.post("/api/v1/ask", json={"note": NOTE})
    body = AskAnswer.model_validate(answer.json())
    assert body.state == "complete"
    assert "embolism" in body.patients[0].document.title.lower()
    for claim in body.summary.claims:
        hit = body.evidence[claim.citations[0].number - 1]
        cited = claim.citations[0]
        start = cited.start - hit.passage.start
        assert hit.passage.text[start : start + cited.end - cited.start] == claim.text


def test_the_events_come_in_order_and_end_with_the_same_answer(client: httpx.Client) -> None:
    found = ask_events(client)
    names = [event.name for event in found]
    first = ["findings", "patients", "articles", "evidence"]
    assert names == [*first, *["claim"] * (len(names) - 5), "done"]
    done = found[-1].data
    whole = client.post("/api/v1/ask", json={"note": NOTE}).json()
    own = ("id", "times", "basis")
    assert {k: v for k, v in done.items() if k not in own} == {
        k: v for k, v in whole.items() if k not in own
    }
    assert [event.data["claim"] for event in found[4:-1]] == done["summary"]["claims"]


def test_a_note_that_nothing_bears_on_gets_no_summary(serve: Callable[..., Running]) -> None:
    note = "A knitting pattern for a woollen sock, with a heel turned twice."
    with serve(settings=["ask.threshold=0.9"]).client() as client:
        body = client.post("/api/v1/ask", json={"note": note}).json()
    assert body["state"] == "no evidence"
    assert "90%" in body["summary"]["abstained"]


@pytest.mark.parametrize(
    ("note", "status", "words"),
    [
        ("", 422, "empty"),
        ("x" * 200_001, 413, "200,001 characters"),
        (
            "Der Patient ist nicht mit dem Arzt und die Frau hat keine Schmerzen seit.",
            422,
            "German",
        ),
    ],
)
def test_a_note_that_cannot_be_answered_is_refused_in_words(
    client: httpx.Client, note: str, status: int, words: str
) -> None:
    for path in ("findings", "ask"):
        answer = client.post(f"/api/v1/{path}", json={"note": note})
        assert answer.status_code == status
        assert words in answer.json()["error"]
        assert answer.json()["hint"]


def test_a_rejected_finding_is_not_searched_for_and_an_added_one_is(client: httpx.Client) -> None:
    start = NOTE.index("shortness of breath")
    place = {"start": start, "end": start + len("shortness of breath")}
    added = NOTE.index("Left calf")
    more = {"start": added, "end": added + len("Left calf"), "kind": "symptom"}
    body = {"note": NOTE, "corrections": {"rejected": [place], "added": [more]}}
    answer = client.post("/api/v1/ask", json=body).json()
    names = [finding["normalised"] for finding in answer["findings"]]
    assert "dyspnoea" not in names
    assert "left calf" in names
    assert "breath" not in {word for hit in answer["patients"] for word in hit["why"]}
    outside = {"rejected": [{"start": 1, "end": 999_999}]}
    refused = client.post("/api/v1/ask", json={"note": NOTE, "corrections": outside})
    assert refused.status_code == 422


def test_the_page_of_an_answer_opens_for_its_own_session_only(client: httpx.Client) -> None:
    answer_id = client.post("/api/v1/ask", json={"note": NOTE}).json()["id"]
    page = client.get(f"/api/v1/answers/{answer_id}/page")
    assert page.text.startswith("<!DOCTYPE html>")
    assert "attachment" in page.headers["content-disposition"]
    token = client.headers["authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=client.base_url) as other:
        assert other.post("/api/v1/session", json={"token": token}).status_code == 200
        assert other.get(f"/api/v1/answers/{answer_id}/page").status_code == 404


def at(server: FakeServer) -> str:
    return f"openai:{server.openai_url}#tiny"


def test_stop_reaches_the_model_within_a_second(serve: Callable[..., Running]) -> None:
    with FakeServer(lambda request: ANSWER, modes=["stall"]) as model:
        running = serve("--model", at(model))
        headers = {"accept": "text/event-stream"}
        with (
            running.client() as client,
            client.stream("POST", "/api/v1/ask", json={"note": NOTE}, headers=headers) as response,
        ):
            coming = events(response)
            while next(coming).name != "evidence":
                pass
            assert model.stalled.wait(10)
        assert model.hung_up.wait(1.0)


def test_hanging_up_on_a_whole_answer_reaches_the_model_too(serve: Callable[..., Running]) -> None:
    with FakeServer(lambda request: ANSWER, modes=["stall"]) as model:
        running = serve("--model", at(model))
        place = urlsplit(running.url)
        line = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
        headers = {"authorization": f"Bearer {running.token}", "content-type": "application/json"}
        line.request("POST", "/api/v1/ask", json.dumps({"note": NOTE}).encode(), headers)
        assert model.stalled.wait(10)
        line.close()
        assert model.hung_up.wait(1.0)
        with running.client() as client:
            assert client.get("/api/v1/health/live").status_code == 200
    assert b"Traceback" not in running.log


def test_a_model_that_dies_leaves_the_literature_and_says_so(serve: Callable[..., Running]) -> None:
    modes = ["reset", "error_frame", "no_finish", "length", "html_500"]
    with FakeServer(lambda request: ANSWER, modes=[*modes, "ok"]) as model:
        running = serve("--model", at(model))
        with running.client() as client:
            for mode in modes:
                done = ask_events(client)[-1].data
                assert done["state"] == "partial", mode
                assert done["summary"]["incomplete"], mode
                assert done["patients"], mode


def test_a_question_that_takes_too_long_keeps_what_is_there(serve: Callable[..., Running]) -> None:
    with FakeServer(lambda request: ANSWER, modes=["stall"]) as model:
        running = serve("--model", at(model), settings=["serve.deadline_s=0.5"])
        with running.client() as client:
            done = ask_events(client)[-1].data
    assert done["state"] == "partial"
    assert done["summary"]["incomplete"] == "it took longer than the server allows"
    assert done["articles"]


def test_the_queue_says_who_waits_and_refuses_what_is_too_much(
    serve: Callable[..., Running],
) -> None:
    with FakeServer(lambda request: ANSWER, modes=["stall"]) as model, ExitStack() as held:
        limits = ["serve.concurrent=1", "serve.waiting=1", "serve.waiting_each=5"]
        client = held.enter_context(
            serve("--model", at(model), settings=limits).client(accept="text/event-stream")
        )
        first = held.enter_context(client.stream("POST", "/api/v1/ask", json={"note": NOTE}))
        assert model.stalled.wait(10)
        with client.stream("POST", "/api/v1/ask", json={"note": NOTE}) as second:
            waiting = events(second)
            assert next(waiting) == ("queued", {"place": 1})
            refused = client.post("/api/v1/findings", json={"note": NOTE})
            assert refused.status_code == 503
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            first.close()
            assert next(waiting).name == "findings"


def test_users_take_turns_and_none_takes_the_whole_queue() -> None:
    async def scene() -> None:
        room = WaitingRoom(1, n_waiting=10, n_waiting_each=3)
        at_work = room.enter("busy")
        own = [room.enter("busy") for _ in range(3)]
        other = room.enter("quiet")
        assert [room.place(ticket) for ticket in (*own, other)] == [1, 3, 4, 2]
        with pytest.raises(Busy) as refused:
            room.enter("busy")
        assert refused.value.is_own
        room.leave(at_work)
        assert own[0].granted.is_set()
        room.leave(own[0])
        assert other.granted.is_set()
        room.leave(own[1])
        room.leave(other)
        assert own[2].granted.is_set()
        room.leave(own[2])
        assert (room.n_working, room.n_queued) == (0, 0)

    asyncio.run(scene())


def test_sixty_four_canaries_do_not_cross(server: Running, tmp_path: Path) -> None:
    wrong: list[str] = []
    statuses: list[int] = []

    def one(number: int) -> None:
        canary = f"Zebrafinch{number:02d}"
        note = f"{canary} is a 60-year-old man with pleuritic chest pain and haemoptysis."
        with server.client() as client:
            answer = client.post("/api/v1/findings", json={"note": note})
            statuses.append(answer.status_code)
            page: dict[str, Any] = answer.json()
        others = [f"Zebrafinch{n:02d}" for n in range(64) if n != number]
        wrong.extend(other for other in others if other in json.dumps(page))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert set(statuses) <= {200, 429, 503}
    assert statuses.count(200) >= 10
