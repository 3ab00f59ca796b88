"""What holds for every test: sockets to this machine only, no hub, a home of its own, and the same
invented cases at each run, untimed, since two cores are often shared."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("fixed", deadline=None, derandomize=True)
settings.load_profile("fixed")

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLES = REPOSITORY / "examples"
REAL_DATA = REPOSITORY.parent / "shared" / "data"

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _is_this_machine(address: Any) -> bool:
    if not isinstance(address, tuple):  # a Unix socket
        return True
    return str(address[0]) in ("127.0.0.1", "::1", "localhost")


def _refusing(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if not _is_this_machine(address):
            raise AssertionError("a test tried to reach another machine")
        return connect(self, address)

    return guarded


@pytest.fixture(autouse=True)
def _quiet_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _refusing(_connect))
    monkeypatch.setattr(socket.socket, "connect_ex", _refusing(_connect_ex))
    monkeypatch.setenv("MEDLLM_HOME", str(tmp_path / "medllm-home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def examples() -> Path:
    """Give the folder of the invented example corpus."""
    return EXAMPLES


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Give the folder of real data; skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data are not on this machine (../shared/data)")
    return REAL_DATA
