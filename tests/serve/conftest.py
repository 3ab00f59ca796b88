from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from tests.ask.conftest import example_documents
from tests.serve.browsing import CHROMIUM, Browsing
from tests.serve.running import Running, start

pytest.importorskip("fastapi", reason="fastapi is not installed")


@pytest.fixture(scope="session")
def index_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example corpus in a closed index; to be copied, not to be opened."""
    folder = tmp_path_factory.mktemp("serve") / "idx"
    with EmbeddedIndex.create(folder, encoder=None) as index:
        add_documents(index, example_documents())
        index.finish()
    return folder


@pytest.fixture(scope="session")
def server(index_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for the tests that change nothing in its index."""
    home = tmp_path_factory.mktemp("server")
    shutil.copytree(index_dir, home / "idx")
    running = start(home / "idx", "--data", home / "data", home=home)
    yield running
    assert running.stop() == 0, running.log.decode()


@pytest.fixture
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as made:
        yield made


@pytest.fixture
def serve(index_dir: Path, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts servers on a copy of the index; they are ended after the test."""
    started: list[Running] = []

    def make(*arguments: str | Path, **more: Any) -> Running:
        if not (tmp_path / "idx").exists():
            shutil.copytree(index_dir, tmp_path / "idx")
        started.append(start(tmp_path / "idx", *arguments, home=tmp_path, **more))
        return started[-1]

    yield make
    for running in started:
        if running.process.poll() is None:
            running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def browsing(browser: Any) -> Browsing:
    return Browsing(browser)
