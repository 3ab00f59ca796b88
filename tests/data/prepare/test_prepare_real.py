"""What `prepare` makes of the real data sets that are at hand: how many records, and why not more.

Only counts stand here; the data are not part of the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from medllm.data.prepare.outputs import OUTPUTS
from medllm.data.prepare.run import prepare
from medllm.data.sft_files import load_records
from tests.conftest import REAL_DATA
from tests.data.prepare.making import all_bytes, read_lines, settings

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL_DATA.exists(), reason="needs ../shared/data"),
]


class Expected(NamedTuple):
    """The counts of one source."""

    name: str
    path: str
    read: int
    empty: int
    """Sound, but without an answer."""
    cleaned_out: int
    exact: int
    near: int
    leaked: int
    limit: int = 0
    """So many are read, so that it does not take a minute."""


SETS = [
    Expected("genmedgpt-5k", "genmedgpt/genmedgpt-first-90.json", 4906, 0, 30, 0, 5, 102),
    Expected("medical-o1-reasoning-sft", "medical-o1/demo_data.json", 198, 0, 0, 0, 0, 0),
    Expected("medquad", "medquad/medquad_answered.jsonl.gz", 4000, 0, 2, 0, 9, 525, 4000),
    Expected("medquad", "medquad/raw-samples", 136, 44, 0, 1, 0, 0),
    Expected("mts-dialog", "mts-dialog", 1301, 0, 0, 1, 1, 25),
    Expected("aci-bench", "aci-bench", 87, 0, 0, 0, 0, 0),
    Expected("pubmedqa", "pubmedqa", 500, 0, 0, 0, 0, 0),
    Expected("chexpert", "chexpert-labeler/labeled_reports.csv", 4, 0, 0, 0, 0, 0),
    Expected("pmc-patients", "pmc-patients-sample", 1000, 0, 0, 0, 0, 0),
]


def run(expected: Expected, out: Path) -> dict[str, Any]:
    path = REAL_DATA / expected.path
    table = {"name": expected.name, "path": path, "limit": expected.limit}
    return prepare(settings(table, overlap={"action": "leave out"}), out).report


@pytest.mark.parametrize("expected", SETS, ids=lambda one: one.path.split("/")[0])
def test_every_real_record_is_written_or_left_out_with_a_reason(
    expected: Expected, tmp_path: Path
) -> None:
    report = run(expected, tmp_path / "out")
    (source,) = report["sources"]
    assert source["broken"] == 0
    found = Expected(
        expected.name,
        expected.path,
        source["read"],
        source["not_read"],
        sum(source["reasons"].values()),
        source["exact_duplicates"],
        source["near_duplicates"],
        source["leaked"],
        expected.limit,
    )
    assert found == expected
    left = read_lines(tmp_path / "out/left_out.jsonl")
    assert all(entry["reason"] for entry in left)
    written = [
        record
        for name in ("train", "validation", "test")
        for record in load_records(tmp_path / f"out/{name}.jsonl")
    ]
    assert len(written) + len(left) == source["read"] + source["not_read"]
    assert len({(record.source, record.id) for record in written}) == len(written)


def test_real_sets_together_give_the_same_bytes_twice(tmp_path: Path) -> None:
    """In one mix by temperature over tasks, with duplicates sought across the sets."""
    tables = [
        {"name": one.name, "path": REAL_DATA / one.path, "limit": 300}
        for one in SETS
        if one.name != "medquad" or "raw" in one.path
    ]
    config = settings(
        *tables,
        overlap={"action": "leave out"},
        mix={"by": "temperature", "over": "task", "total": 3000},
    )
    prepare(config, tmp_path / "one")
    prepare(config, tmp_path / "two")
    assert all_bytes(tmp_path / "one", OUTPUTS) == all_bytes(tmp_path / "two", OUTPUTS)
    train = list(load_records(tmp_path / "one/train.jsonl"))
    assert len(train) == 3000
    assert len({record.task for record in train}) >= 4
