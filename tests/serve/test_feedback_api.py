"""Feedback: on the disk when it is acknowledged, erased when it is taken back, exported."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from medllm.errors import DataError
from medllm.serve.feedback import Feedback, FeedbackStore
from tests.serve.running import NOTE, Running


def asked(client: httpx.Client) -> str:
    return str(client.post("/api/v1/ask", json={"note": NOTE}).json()["id"])


def test_feedback_is_stored_exported_and_erased(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    running = serve("--data", tmp_path / "data")
    with running.client() as client:
        answer = asked(client)
        body = {"answer": answer, "claim": 1, "rating": "wrong", "comment": "Other knee."}
        given = client.post("/api/v1/feedback", json=body)
        assert given.status_code == 201
        row = json.loads(client.get("/api/v1/feedback/export").text)
        assert (row["claim"], row["rating"], row["comment"]) == (1, "wrong", "Other knee.")
        assert row["sentence"]
        assert row["note"] == ""
        assert client.get("/api/v1/feedback/export", params={"form": "records"}).text == ""
        whole = {"answer": answer, "rating": "useful", "with_note": True}
        assert client.post("/api/v1/feedback", json=whole).status_code == 201
        record = json.loads(client.get("/api/v1/feedback/export", params={"form": "records"}).text)
        assert record["messages"][0] == {"role": "user", "content": NOTE}
        assert len(record["meta"]["feedback"]) == 2
        erased = client.delete(f"/api/v1/feedback/{given.json()['id']}")
        assert erased.json() == {"count": 1}
    running.stop()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert b"Other knee." not in stored


def test_an_exported_record_is_read_by_data_review(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    from medllm.data.reading import Reading

    files = pytest.importorskip("medllm.data.sft_files", reason="not there yet")
    with serve("--data", tmp_path / "data").client() as client:
        body = {"answer": asked(client), "rating": "useful", "with_note": True}
        client.post("/api/v1/feedback", json=body)
        path = tmp_path / "records.jsonl"
        exported = client.get("/api/v1/feedback/export", params={"form": "records"})
        path.write_bytes(exported.content)
    reading = Reading()
    (record,) = files.read_records(path, reading)
    assert reading.problems == []
    assert record.messages[-1].role == "assistant"


def test_feedback_on_nothing_is_refused(client: httpx.Client) -> None:
    unknown = {"answer": "nowhere", "rating": "right"}
    assert client.post("/api/v1/feedback", json=unknown).status_code == 404
    beyond = {"answer": asked(client), "claim": 999, "rating": "right"}
    assert client.post("/api/v1/feedback", json=beyond).status_code == 422


def test_without_a_place_nothing_is_stored(serve: Callable[..., Running]) -> None:
    with serve().client() as client:
        body = {"answer": asked(client), "rating": "right"}
        refused = client.post("/api/v1/feedback", json=body)
        assert refused.status_code == 409
        assert "--data" in refused.json()["hint"]
        assert client.get("/api/v1/session").json()["stores_feedback"] is False


def test_no_acknowledged_feedback_is_lost_to_a_kill(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    for _ in range(3):
        running = serve("--data", tmp_path / "data")
        with running.client() as client:
            answer = asked(client)
            enough = threading.Event()

            def write(
                answer: str = answer, running: Running = running, enough: threading.Event = enough
            ) -> None:
                try:
                    with running.client() as own:
                        while True:
                            body = {"answer": answer, "rating": "right"}
                            given = own.post("/api/v1/feedback", json=body)
                            acknowledged.append(given.json()["id"])
                            if len(acknowledged) % 20 == 0:
                                enough.set()
                except httpx.HTTPError:
                    pass  # it was killed

            threads = [threading.Thread(target=write) for _ in range(4)]
            for thread in threads:
                thread.start()
            assert enough.wait(30)
            running.kill()
            for thread in threads:
                thread.join()
    store = FeedbackStore(tmp_path / "data" / "feedback.sqlite")
    stored = {row["id"] for row in store.read()}
    store.close()
    assert len(acknowledged) >= 60
    assert set(acknowledged) <= stored


def test_a_full_disk_is_said_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite")
    store._connection.execute("pragma max_page_count=6")
    feedback = Feedback(answer="a", by="local", rating="right", comment="x" * 3_000)

    def fill() -> None:
        for _ in range(20):
            store.add(feedback)

    with pytest.raises(DataError, match="no space left"):
        fill()
    n_stored = store.count()
    store.close()
    assert FeedbackStore(tmp_path / "feedback.sqlite").count() == n_stored


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "feedback.sqlite").write_text("not a database, but long enough to be looked at")
    with pytest.raises(DataError, match="cannot use"):
        FeedbackStore(tmp_path / "feedback.sqlite")
