from __future__ import annotations

from pathlib import Path

import pytest

from medllm.data.review.queue import ReviewQueue, make_queue
from tests.data.review.making import RECORDS


@pytest.fixture
def queue(tmp_path: Path) -> ReviewQueue:
    return make_queue(RECORDS, tmp_path / "queue")
