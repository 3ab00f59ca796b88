from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medllm.data import json_bytes
from medllm.data.reading import Reading, clean
from medllm.data.sets.json_parts import read_items

ANY_TEXT = st.text(st.one_of(st.characters(), st.sampled_from('\ud800\udfff\\"u \n')), max_size=20)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True
)
@given(st.lists(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3), max_size=6), st.booleans())
def test_a_list_is_read_as_python_reads_it_whatever_the_chunks(
    tmp_path: Path, records: list[dict[str, str]], escaped: bool
) -> None:
    text = json.dumps(records, ensure_ascii=escaped).encode("utf-8", "replace").decode()
    path = tmp_path / "list.json"
    path.write_text(text, encoding="utf-8", newline="")
    wanted = json.loads(text)
    for size in (1, 7, 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_bytes, "_CHUNK_BYTES", size)
            reading = Reading()
            found = [fields.record for fields in read_items(path, reading, "item")]
        assert [cleaned(record) for record in found] == [cleaned(record) for record in wanted]
        assert reading.n_problems == 0


def cleaned(record: dict[str, Any]) -> dict[str, str]:
    return {clean(key): clean(value) for key, value in record.items()}


@pytest.mark.parametrize(
    ("escaped", "wanted"),
    [
        ("\\udfff", "\ufffd"),
        ("\\ud800A", "\ufffdA"),
        ("\\ud800\\u0041", "\ufffdA"),
        ("\\uD83D\\uDE00", "\U0001f600"),
        ("\\\\ud800", "\\ud800"),
        ("\\ud800\\ud83d\\ude00", "\ufffd\U0001f600"),
    ],
)
def test_surrogates_that_stand_alone_are_mended_and_pairs_kept(
    read_records: Any, tmp_path: Path, escaped: str, wanted: str
) -> None:
    path = tmp_path / "list.json"
    path.write_text(f'[{{"question": "Q{escaped}", "answer": "A{escaped}"}}]')
    (record,) = read_records("question-answer", path).records
    assert [turn.content for turn in record.messages] == [f"Q{wanted}", f"A{wanted}"]
