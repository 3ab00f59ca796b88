"""Files that medllm wrote, read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from medllm.errors import DataError
from medllm.files import read_json, write_json


def test_json_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"é": [1, None]})
    assert read_json(tmp_path / "a.json") == {"é": [1, None]}


@pytest.mark.parametrize(
    ("content", "what"), [(None, "is missing"), (b"{", "is damaged"), (b"\xff", "is damaged")]
)
def test_a_file_that_cannot_be_read_is_named_with_a_hint(
    content: bytes | None, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"a.json {what}") as caught:
        read_json(path)
    assert "run again" in caught.value.hint
