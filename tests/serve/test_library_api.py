"""The library: counts, documents, adding and deleting as jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from medllm.serve.shapes import JobBody, LibraryAnswer, WholeDocumentBody
from tests.serve.running import Running, wait_for_job

OCTETS = {"content-type": "application/octet-stream"}


def lines(n: int, word: str = "invented") -> bytes:
    rows = [
        {"id": f"new-{at}", "title": f"Case {at}", "text": f"An {word} case of hiccups, {at}."}
        for at in range(n)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def own(serve: Callable[..., Running]) -> Iterator[httpx.Client]:
    with serve().client() as made:
        yield made


def test_the_library_is_counted_by_kind_and_year(client: httpx.Client) -> None:
    library = LibraryAnswer.model_validate(client.get("/api/v1/documents").json())
    assert library.documents == {"patients": 60, "articles": 60}
    assert sum(library.years.values()) <= 120
    assert not library.is_stale


def test_a_document_is_read_by_its_id_and_an_unknown_one_is_not_there(
    client: httpx.Client,
) -> None:
    found = client.post("/api/v1/documents/read", json={"id": "example-a01"})
    whole = WholeDocumentBody.model_validate(found.json())
    assert whole.title.startswith("Timing of symptomatic")
    for unknown in ("nowhere", "../../etc/passwd", "\u0000", "x" * 500):
        answer = client.post("/api/v1/documents/read", json={"id": unknown})
        assert answer.status_code == 404


def test_documents_are_added_found_and_deleted_without_a_trace(
    own: httpx.Client, tmp_path: Path
) -> None:
    wanted = {"kind": "articles"}
    added = own.post("/api/v1/documents/add", params=wanted, content=lines(150), headers=OCTETS)
    assert added.status_code == 202, added.text
    job = JobBody.model_validate(wait_for_job(own, added.json()))
    assert (job.state, job.added, job.done) == ("done", 150, 150)
    hits = own.post("/api/v1/search", json={"text": "hiccups", "kind": "articles"}).json()
    assert hits["articles"][0]["document"]["id"].startswith("new-")
    assert own.get("/api/v1/documents").json()["index_version"] > 0
    gone = {"ids": [f"new-{at}" for at in range(150)]}
    deleted = wait_for_job(own, own.post("/api/v1/documents/delete", json=gone).json())
    assert (deleted["state"], deleted["deleted"]) == ("done", 150)
    assert own.post("/api/v1/documents/read", json={"id": "new-7"}).status_code == 404
    stored = b"".join(path.read_bytes() for path in (tmp_path / "idx").rglob("*") if path.is_file())
    assert b"invented case of hiccups" not in stored
    assert not list((tmp_path / "idx").glob(".upload-*"))


def test_what_cannot_be_read_is_counted_and_named_by_line(own: httpx.Client) -> None:
    content = lines(2) + b"{broken\n"
    added = own.post("/api/v1/documents/add", content=content, headers=OCTETS)
    job = wait_for_job(own, added.json())
    assert (job["added"], job["left_out"]) == (2, 1)
    assert re.fullmatch(r"the file, line 3: .+", job["problems"][0])


def test_a_file_of_no_known_format_is_refused_at_once(own: httpx.Client, tmp_path: Path) -> None:
    answer = own.post("/api/v1/documents/add", content=b"%PDF-1.7 ...", headers=OCTETS)
    assert answer.status_code == 422
    assert "PDF" in answer.json()["error"]
    assert ".upload" not in answer.text
    assert not list((tmp_path / "idx").glob(".upload-*"))


def test_a_job_can_be_cancelled_and_what_was_added_stays(own: httpx.Client) -> None:
    added = own.post("/api/v1/documents/add", content=lines(5_000), headers=OCTETS).json()
    cancelled = own.post(f"/api/v1/jobs/{added['id']}/cancel", json={})
    assert cancelled.status_code == 200
    job = wait_for_job(own, cancelled.json())
    assert job["state"] == "cancelled"
    assert job["done"] < 5_000
    assert own.get("/api/v1/documents").json()["documents"]["articles"] == 60 + job["added"]
    again = own.post(f"/api/v1/jobs/{added['id']}/cancel", json={})
    assert again.status_code == 409
    assert own.get("/api/v1/jobs/nowhere").status_code == 404


def test_the_server_answers_while_documents_are_added(own: httpx.Client) -> None:
    added = own.post("/api/v1/documents/add", content=lines(3_000), headers=OCTETS).json()
    answered = 0
    job = added
    while job["state"] in ("waiting", "running"):
        answered += own.post("/api/v1/search", json={"text": "chest pain"}).status_code == 200
        job = own.get(f"/api/v1/jobs/{added['id']}").json()
    assert job["added"] == 3_000
    assert answered >= 3


def test_ten_thousand_deletions_are_recorded_at_once(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    running = serve("--data", tmp_path / "data")
    with running.client() as client:
        ids = [f"none-{n}" for n in range(9_999)]
        job = client.post("/api/v1/documents/delete", json={"ids": [*ids, "none-1"]}).json()
        assert job["total"] == 9_999
        assert wait_for_job(client, job)["deleted"] == 0
    running.stop()
    log = (tmp_path / "data" / "audit.jsonl").read_text().splitlines()
    assert len({json.loads(line)["document"] for line in log}) == 9_999
