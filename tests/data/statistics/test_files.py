from __future__ import annotations

import json
from pathlib import Path

from medllm.data.statistics.files import describe_files
from tests.data.prepare.making import dialogues, write_records


def test_statistics_are_written_as_json_and_as_a_page(tmp_path: Path) -> None:
    source = write_records(tmp_path / "a.jsonl", dialogues(10))
    report = describe_files(
        [source], to_json=tmp_path / "s.json", to_page=tmp_path / "s.html", near=False
    )
    assert json.loads((tmp_path / "s.json").read_text()) == report
    assert "<svg" in (tmp_path / "s.html").read_text()
