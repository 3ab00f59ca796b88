"""What the server adds to the road, how fast it starts, and how fast its page shows something."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks import command
from benchmarks.command import EXAMPLES, Options, say
from benchmarks.corpora import describe_sources, read_all, read_notes, recombined, source_files
from benchmarks.indexes import build_index
from benchmarks.report import Measured, Row, Section

N_CLIENTS = 8
N_CANARIES = 64
N_SLOW = 200
WANTED_OVERHEAD_S = (0.005, 0.025)
WANTED_START_S, WANTED_START_BYTES = 3.0, 600e6
WANTED_FINDINGS_S, WANTED_SENTENCE_S = 0.150, 0.500
WANTED_SLOW_S = 35.0
_WATCH = """() => { window.seen = {}; const begin = () => {
        window.begun = performance.now(); window.seen = {}; };
    document.getElementById("analyse").addEventListener("click", begin, true);
    const look = (name, query) => { if (!seen[name] && document.querySelector(query))
        seen[name] = performance.now() - begun; };
    new MutationObserver(() => { look("findings", "#findings .row");
        look("sentence", "#summary .claims li"); look("basis", "#basis"); })
        .observe(document.body, {childList: true, subtree: true}); }"""


_CLEAR = "document.querySelectorAll('#basis, #findings, #summary').forEach(e => e.remove())"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: its status, wall time, and what the server says it took."""

    status: int
    wall_s: float
    waited_s: float
    road_s: float
    crossed: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, not yet looked at: reading it would take time from the others."""

    status: int
    wall_s: float
    dose: int
    content: bytes


def measure(options: Options) -> Section:
    """Give every number that the server has a target for."""
    section = Section(name="serve")
    small = options.cache / "serve-small"
    build_index(small, read_all(source_files(options)[:2]), None).close()
    n = 1_000 if options.is_full else 100
    with running(small) as server:
        asked = ask_all(server, read_notes(options)[:n], n)
        section.rows += [*overhead_rows(asked, options), crossing_row(asked)]
        section.rows += page_rows(server, options)
        if not options.quick:
            section.rows.append(slow_row(server))
    section.rows += start_rows(options)
    section.notes = [
        f"documents: {describe_sources(options)}; summaries by extractive; one question at once, "
        "the others wait",
        "overhead: wall time at the client, from the first byte sent to the last received, less "
        "what the server says that the question waited and was on the road; clients are threads "
        "of one process on the same two cores",
    ]
    return section


class Server:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process = process
        self.url, _, self.token = address.partition("#")
        parts = urlsplit(self.url)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)

    def post(self, connection: http.client.HTTPConnection, path: str, body: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        connection.request("POST", path, json.dumps(body).encode(), headers)
        return connection.getresponse()


@contextmanager
def running(index: Path, *more: str) -> Iterator[Server]:
    """Start a server on an index, with more arguments, and end it."""
    arguments = ["serve", "--index", index, "--port", "0", "--model", "extractive"]
    limits = ["--set", "serve.waiting=200", "--set", "serve.waiting_each=200"]
    process = subprocess.Popen(
        [sys.executable, "-m", "medllm", *map(str, arguments), *limits, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "MEDLLM_HOME"},
    )
    assert process.stdout is not None
    try:
        yield Server(process, process.stdout.readline().decode().strip())
    finally:
        process.terminate()
        process.wait(30)


def ask_all(server: Server, notes: list[str], n: int) -> list[Asked]:
    """Ask `n` questions from eight clients, each with a dose that stands in no other."""
    say(f"{n} questions from {N_CLIENTS} clients")
    numbers = iter(range(n))
    lock = threading.Lock()
    replies: list[Reply] = []

    def client() -> None:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=120)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            replies.append(ask_one(server, connection, notes[number % len(notes)], number))

    threads = [threading.Thread(target=client) for _ in range(N_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [look_at(reply) for reply in replies]


def ask_one(
    server: Server, connection: http.client.HTTPConnection, note: str, number: int
) -> Reply:
    """Ask one question with a canary: a dose."""
    dose = 3_001 + number % N_CANARIES
    body = {"note": f"{note[:20_000]}\nHe takes quinidine {dose} mg daily."}
    start = time.perf_counter()
    response = server.post(connection, "/api/v1/ask", body)
    content = response.read()
    return Reply(response.status, time.perf_counter() - start, dose, content)


def look_at(reply: Reply) -> Asked:
    """See whether only the question's own canary came back."""
    if reply.status != 200:
        return Asked(reply.status, reply.wall_s, 0.0, 0.0, crossed=False)
    answer = json.loads(reply.content)
    text = json.dumps(answer["findings"])
    others = {3_001 + n for n in range(N_CANARIES)} - {reply.dose}
    crossed = f"{reply.dose} mg" not in text or any(f"{other} mg" in text for other in others)
    times = answer["times"]
    return Asked(reply.status, reply.wall_s, times["waited_s"], times["road_s"], crossed)


def overhead_rows(asked: list[Asked], options: Options) -> list[Row]:
    """Give the overhead's median and 95th percentile beside the road's."""
    good = [one for one in asked if one.status == 200]
    over = np.asarray([one.wall_s - one.waited_s - one.road_s for one in good])
    road = np.asarray([one.road_s for one in good])
    rows = []
    for share, wanted in zip((50, 95), WANTED_OVERHEAD_S, strict=True):
        value = float(np.percentile(over, share))
        rows.append(
            Row(
                what=f"overhead on top of the road, p{share}, {N_CLIENTS} clients",
                measured=Measured(
                    system="medllm serve", value=1000 * value, unit="ms", n=len(good), digits=1
                ),
                wanted=f"at most {1000 * wanted:g} ms",
                reached=value <= wanted if options.is_full else None,
                references=[
                    Measured(
                        system="the road itself", unit="ms", n=len(good), digits=1,
                        value=1000 * float(np.percentile(road, share)),
                    )
                ],
            )
        )  # fmt: skip
    return rows


def crossing_row(asked: list[Asked]) -> Row:
    """Give how many answers held somebody else's canary, or none, or failed."""
    n_bad = sum(one.crossed or one.status != 200 for one in asked)
    return Row(
        what=f"answers with an error or another's canary, of {len(asked):,}",
        measured=Measured(system="medllm serve", value=n_bad, n=len(asked), digits=0),
        wanted="0",
        reached=n_bad == 0,
    )


def page_rows(server: Server, options: Options) -> list[Row]:
    """Give how long the page takes to its first finding and its first sentence."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        return [Row(what="first findings on the page", measured=None, note="no browser here")]
    from playwright.sync_api import sync_playwright

    note = (EXAMPLES / "note.txt").read_text(encoding="utf-8")
    seen: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{server.url}#{server.token}")
        page.wait_for_selector("#note-input")
        page.evaluate(_WATCH)
        for _ in range(5 if options.quick else 21):
            page.fill("#note-input", note)
            page.evaluate(_CLEAR)
            page.click("#analyse")
            page.wait_for_selector("#basis")
            seen.append(page.evaluate("window.seen"))
        browser.close()
    wanted = {"findings": WANTED_FINDINGS_S, "sentence": WANTED_SENTENCE_S}
    return [_page_row(name, [one[name] for one in seen], wanted[name]) for name in wanted]


def _page_row(name: str, times_ms: list[float], wanted_s: float) -> Row:
    middle = float(np.median(times_ms))
    return Row(
        what=f"from Analyse to the first {name} on the page",
        measured=Measured(
            system="medllm serve", value=middle, unit="ms", digits=0, n=len(times_ms),
            p95=float(np.percentile(times_ms, 95)),
        ),
        wanted=f"at most {1000 * wanted_s:g} ms",
        reached=middle <= 1000 * wanted_s,
    )  # fmt: skip


def slow_row(server: Server) -> Row:
    """Give how long 200 sockets live that send half a header."""
    say(f"{N_SLOW} slow sockets")
    start = time.perf_counter()
    head = f"GET / HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n".encode()
    slow = [socket.create_connection((server.host, server.port)) for _ in range(N_SLOW)]
    for one in slow:
        one.sendall(head)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    left, real = set(slow), []
    while left and time.perf_counter() - start < 2 * WANTED_SLOW_S:
        begun = time.perf_counter()
        server.post(connection, "/api/v1/findings", {"note": "A man with fever."}).read()
        real.append(time.perf_counter() - begun)
        ready, _, _ = select.select(list(left), [], [], 0.2)
        left -= {one for one in ready if one.recv(4096) == b""}
    took = time.perf_counter() - start
    for one in slow:
        one.close()
    return Row(
        what=f"until {N_SLOW} slow sockets are closed",
        measured=Measured(system="medllm serve", value=took, unit="s", n=N_SLOW, digits=1),
        wanted=f"at most {WANTED_SLOW_S:g} s, real p95 below 1 s",
        reached=not left and took <= WANTED_SLOW_S and float(np.percentile(real, 95)) < 1,
        note=f"real requests meanwhile: p95 {1000 * float(np.percentile(real, 95)):.0f} ms, "
        f"n {len(real)}",
    )


def start_rows(options: Options) -> list[Row]:
    """Give the time from the command to an answering port, and the memory after a question."""
    n_passages = 50_000 if options.is_full else 2_000
    path = options.cache / f"serve-{n_passages}"
    build_index(path, read_all([recombined(options, n_passages)]), None).close()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        with running(path) as server:
            times.append(time.perf_counter() - start)
            connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
            note = (EXAMPLES / "note.txt").read_text(encoding="utf-8")
            server.post(connection, "/api/v1/ask", {"note": note}).read()
            resident = _resident(server.process.pid)
    middle = float(np.median(times))
    what = f"with an index of {n_passages:,} passages"
    return [
        Row(
            what=f"start to ready {what}",
            measured=Measured(
                system="medllm serve", value=middle, unit="s", low=min(times), high=max(times),
                n=len(times), digits=2,
            ),
            wanted=f"at most {WANTED_START_S:g} s",
            reached=middle <= WANTED_START_S if options.is_full else None,
        ),
        Row(
            what=f"resident memory after a question {what}",
            measured=Measured(system="medllm serve", value=resident / 1e6, unit="MB", digits=0),
            wanted=f"at most {WANTED_START_BYTES / 1e6:g} MB",
            reached=resident <= WANTED_START_BYTES if options.is_full else None,
        ),
    ]  # fmt: skip


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    return 0


if __name__ == "__main__":
    raise SystemExit(command.main(measure))
