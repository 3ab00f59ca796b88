"""Starts the real server in a process of its own, and speaks to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.conftest import EXAMPLES

NOTE = (EXAMPLES / "note.txt").read_text(encoding="utf-8")
TIMEOUT_S = 60.0


@dataclass
class Running:
    """A server that runs; leave it with `stop`, or with `kill`."""

    process: subprocess.Popen[bytes]
    url: str
    token: str
    log: bytearray = field(default_factory=bytearray)
    """What it wrote to standard error."""

    def client(self, **headers: str) -> httpx.Client:
        """A client with the token."""
        named = {"authorization": f"Bearer {self.token}", **headers}
        return httpx.Client(base_url=self.url, headers=named, timeout=TIMEOUT_S)

    def stop(self) -> int:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        return self._wait()

    def kill(self) -> int:
        """End it as a power cut does."""
        self.process.kill()
        return self._wait()

    def _wait(self) -> int:
        code = self.process.wait(TIMEOUT_S)
        self.reader.join(TIMEOUT_S)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    reader: threading.Thread = field(default_factory=threading.Thread)


def start(index: Path, *arguments: str | Path, home: Path, settings: Sequence[str] = ()) -> Running:
    """Start `medllm serve` on a free port; give it when it answers."""
    named = [word for setting in settings for word in ("--set", setting)]
    command = ["serve", "--index", index, "--port", "0", *named, *arguments]
    if "--model" not in command:
        command += ["--model", "extractive"]
    process = subprocess.Popen(
        [sys.executable, "-m", "medllm", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "MEDLLM_HOME": str(home)},
        cwd=home,
    )
    assert process.stdout is not None
    address = process.stdout.readline().decode().strip()
    if not address:
        _, told = process.communicate(timeout=TIMEOUT_S)
        raise AssertionError(f"the server did not start: {told.decode()}")
    url, _, token = address.partition("#")
    running = Running(process, url, token)
    running.reader = threading.Thread(target=_read, args=(process, running.log))
    running.reader.start()
    return running


def _read(process: subprocess.Popen[bytes], log: bytearray) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        log += line


class Event(NamedTuple):
    name: str
    data: Any


def events(response: httpx.Response) -> Iterator[Event]:
    """The events of a stream, as they come."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield Event(name, json.loads(line.removeprefix("data: ")))


def ask_events(client: httpx.Client, note: str = NOTE, **more: Any) -> list[Event]:
    """All events of a question."""
    headers = {"accept": "text/event-stream"}
    body = {"note": note, **more}
    with client.stream("POST", "/api/v1/ask", json=body, headers=headers) as response:
        assert response.status_code == 200, response.read()
        return list(events(response))


def wait_for_job(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """A job when it is over."""
    while job["state"] in ("waiting", "running"):
        job = client.get(f"/api/v1/jobs/{job['id']}").json()
    return job
