"""The audit log: reads too, no text, fails closed, and every kind of tampering is found."""

from __future__ import annotations

import json
import resource
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from medllm.errors import DataError
from medllm.serve.audit import AuditLog, prune, verified_head
from tests.cli.running import run
from tests.serve.running import NOTE, Running

KEY = b"k" * 32


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A log with ten entries, and its anchor."""
    path, anchor = tmp_path / "audit.jsonl", tmp_path / "elsewhere.json"
    write(path, anchor, 10)
    return path, anchor


def write(path: Path, anchor: Path, n: int, who: str = "ada") -> None:
    log = AuditLog(path, key=KEY, anchor=anchor)
    for number in range(n):
        log.record(who, "read", document=f"doc-{number}").result(10)
    log.close()


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


def edit(lines: list[str]) -> list[str]:
    return [*lines[:4], lines[4].replace("ada", "bob"), *lines[5:]]


def delete(lines: list[str]) -> list[str]:
    return lines[:4] + lines[5:]


def cut_tail(lines: list[str]) -> list[str]:
    return lines[:-1]


def reorder(lines: list[str]) -> list[str]:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


def insert(lines: list[str]) -> list[str]:
    return [*lines[:4], lines[3], *lines[4:]]


def renumbered(lines: list[str]) -> list[str]:
    entries = [json.loads(line) for line in delete(lines)]
    return [json.dumps({**entry, "n": n}) + "\n" for n, entry in enumerate(entries, 1)]


def cut_all(lines: list[str]) -> list[str]:
    return []


@pytest.mark.parametrize(
    "tamper",
    [edit, delete, cut_tail, reorder, insert, renumbered, cut_all],
    ids=lambda f: f.__name__,
)
def test_tampering_is_found_and_the_log_is_not_gone_on_with(
    places: tuple[Path, Path], tamper: Callable[[list[str]], list[str]]
) -> None:
    path, anchor = places
    path.write_text("".join(tamper(lines_of(path))))
    with pytest.raises(DataError, match="tampered"):
        verified_head(path, key=KEY, anchor=anchor)
    with pytest.raises(DataError, match="tampered"):
        AuditLog(path, key=KEY, anchor=anchor)


def test_an_older_copy_in_its_place_is_found(places: tuple[Path, Path]) -> None:
    path, anchor = places
    older = path.read_bytes()
    write(path, anchor, 3)
    path.write_bytes(older)
    with pytest.raises(DataError, match="its end is missing"):
        verified_head(path, key=KEY, anchor=anchor)


def test_a_chain_made_with_another_key_is_found(places: tuple[Path, Path], tmp_path: Path) -> None:
    path, anchor = places
    with pytest.raises(DataError, match="entry 1 was changed"):
        verified_head(path, key=b"o" * 32, anchor=anchor)
    anchor.unlink()
    with pytest.raises(DataError, match="anchor .* is missing"):
        verified_head(path, key=KEY, anchor=anchor)


def test_a_sound_log_is_said_to_be_and_goes_on(places: tuple[Path, Path]) -> None:
    path, anchor = places
    assert verified_head(path, key=KEY, anchor=anchor).n_entries == 10
    write(path, anchor, 5, who="bob")
    assert verified_head(path, key=KEY, anchor=anchor).n_entries == 15
    with path.open("ab") as handle:
        handle.write(b'{"n": 16, "at": "20')  # what a kill leaves of a line
    write(path, anchor, 1)
    assert verified_head(path, key=KEY, anchor=anchor).n_entries == 16


def test_what_is_pruned_is_gone_and_the_rest_can_be_checked(places: tuple[Path, Path]) -> None:
    path, anchor = places
    middle = json.loads(lines_of(path)[5])["at"]
    expected = sum(json.loads(line)["at"] < middle for line in lines_of(path))
    assert prune(path, key=KEY, anchor=anchor, before=middle) == expected
    assert verified_head(path, key=KEY, anchor=anchor).n_entries == 10 - expected
    write(path, anchor, 2)
    assert prune(path, key=KEY, anchor=anchor, before="9") == 12 - expected
    write(path, anchor, 1)
    assert verified_head(path, key=KEY, anchor=anchor).n_entries == 1
    path.write_text("".join(lines_of(path)[1:]))
    with pytest.raises(DataError, match="tampered"):
        verified_head(path, key=KEY, anchor=anchor)


def test_many_threads_make_one_chain(tmp_path: Path) -> None:
    path, anchor = tmp_path / "audit.jsonl", tmp_path / "head.json"
    log = AuditLog(path, key=KEY, anchor=anchor)

    def work() -> None:
        for _ in range(20):
            log.record("ada", "ask", note="x").result(30)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert verified_head(path, key=KEY, anchor=anchor).n_entries == 160


def test_the_server_records_who_read_what_without_a_word_of_it(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    anchor = tmp_path / "other" / "head.json"
    anchor.parent.mkdir()
    running = serve("--data", tmp_path / "data", "--anchor", anchor)
    with running.client() as client:
        client.post("/api/v1/ask", json={"note": f"Quaggaridge. {NOTE}"})
        client.post("/api/v1/documents/read", json={"id": "example-a01"})
        client.post("/api/v1/session", json={"token": "Quaggaridge"})
    running.stop()
    log = (tmp_path / "data" / "audit.jsonl").read_text()
    entries = [json.loads(line) for line in log.splitlines()]
    assert [entry["what"] for entry in entries] == ["ask", "read", "sign-in refused"]
    assert {entry["who"] for entry in entries} == {"local"}
    assert "Quaggaridge" not in log
    assert "example-a01" not in log
    told = run("audit", "verify", "--data", tmp_path / "data", "--anchor", anchor, home=tmp_path)
    assert told.out.startswith("sound: 3 entries")
    (tmp_path / "data" / "audit.jsonl").write_text(log.replace("ask", "hum"))
    told = run("audit", "verify", "--data", tmp_path / "data", "--anchor", anchor, home=tmp_path)
    assert told.code == 2
    assert "entry 1 was changed" in told.err


def test_what_cannot_be_recorded_is_not_shown(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    running = serve("--data", tmp_path / "data")
    asked = (
        ("ask", {"note": NOTE}),
        ("findings", {"note": NOTE}),
        ("documents/read", {"id": "example-a01"}),
    )
    with running.client() as client:
        for path, body in asked:
            assert client.post(f"/api/v1/{path}", json=body).status_code == 200
        full = (tmp_path / "data" / "audit.jsonl").stat().st_size + 10
        unlimited = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (full, unlimited[1]))
        for path, body in asked:
            refused = client.post(f"/api/v1/{path}", json=body)
            assert refused.status_code == 503
            assert "audit log" in refused.json()["error"]
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert client.post("/api/v1/ask", json={"note": NOTE}).status_code == 200
    running.stop()
    told = run("audit", "verify", "--data", tmp_path / "data", home=tmp_path)
    assert told.out.startswith("sound: 4 entries")
