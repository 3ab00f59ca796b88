"""Runs the real command line as a user would: in a process of its own, watched for what leaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CANARY = "Quaggaridge"
"""A name that stands in every note of these tests, and must stand in no message."""

NOTE = (
    f"{CANARY} is a 64-year-old woman, day 12 after a hip replacement. Sudden shortness of breath "
    "and pleuritic chest pain since this morning. No fever, no cough. Her mother had breast "
    "cancer. Heart rate 116/min, SpO2 88% on room air."
)

_GUARD = """
import atexit, os, pathlib, socket

def _tell_memory():
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        pathlib.Path(os.environ["MEDLLM_TEST_CONNECTIONS"]).with_name("status").write_text(
            status.read_text()
        )

atexit.register(_tell_memory)

def _note(what):
    with open(os.environ["MEDLLM_TEST_CONNECTIONS"], "a") as log:
        log.write(str(what) + "\\n")
    raise OSError("the test forbids it")

def _is_here(address):
    return not isinstance(address, tuple) or str(address[0]) in ("127.0.0.1", "::1", "localhost")

def _guarded(function):
    def call(self, address, *rest):
        return function(self, address, *rest) if _is_here(address) else _note(address)
    return call

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))

_look_up = socket.getaddrinfo
def _guarded_look_up(host, *rest, **named):
    here = (None, "", "127.0.0.1", "::1", "localhost")
    return _look_up(host, *rest, **named) if host in here else _note(host)
socket.getaddrinfo = _guarded_look_up
"""


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(
    *arguments: str | Path,
    home: Path,
    text: str | bytes = "",
    cwd: Path | None = None,
    **environment: str,
) -> Done:
    """Run `medllm ARGUMENTS`; fail where it names the patient on standard error or dials out.

    `home` is an empty folder that is the command's home and holds the guard.
    """
    return finish(start(*arguments, home=home, cwd=cwd, **environment), home, text)


def start(
    *arguments: str | Path, home: Path, cwd: Path | None = None, **environment: str
) -> subprocess.Popen[bytes]:
    """Start `medllm ARGUMENTS` under the guard."""
    (home / "sitecustomize.py").write_text(_GUARD)
    keep = ("PATH", "LANG", "SYSTEMROOT", "TMPDIR", "LD_LIBRARY_PATH")
    variables = {name: os.environ[name] for name in keep if name in os.environ}
    variables |= {
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")]).rstrip(":"),
        "MEDLLM_TEST_CONNECTIONS": str(home / "connections"),
        **environment,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "medllm", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables,
        cwd=cwd or home,
    )


def finish(process: subprocess.Popen[bytes], home: Path, text: str | bytes = "") -> Done:
    """Wait for a command that was started, and look at what it left."""
    given = text.encode() if isinstance(text, str) else text
    out, err = process.communicate(given, timeout=120)
    done = Done(process.returncode, out.decode(), err.decode())
    assert CANARY not in done.err, "the patient is named on standard error"
    connections = home / "connections"
    assert not connections.exists(), f"it tried to reach {connections.read_text()}"
    return done


def assert_mendable(done: Done, *words: str) -> None:
    """Check for exit code 2 and one clear line with a hint that hold these words."""
    assert done.code == 2, done
    lines = done.err.splitlines()
    assert len(lines) == 2, done.err
    assert lines[0].startswith("error: "), done.err
    assert lines[1].startswith("  try: "), done.err
    message = lines[0].removeprefix("error: ")
    assert message[:1] == message[:1].lower(), message
    assert not message.endswith("."), message
    for word in words:
        assert word in done.err, done.err
