from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any


def test_objects_of_the_list_that_are_bad_are_named_by_number(read: Any, tmp_path: Path) -> None:
    good = {"patient_uid": "9000001-1", "patient": "Invented."}
    bad: list[Any] = [17, {"patient": "no id"}, {"patient_uid": "9-2", "patient": ["x"]}]
    file = tmp_path / "v2.json"
    file.write_text(json.dumps([good, *bad, {**good, "patient_uid": "9000002-1"}], indent=1))
    result = read(file)
    assert result.ids == ["9000001-1", "9000002-1"]
    assert result.reasons == [
        (2, "is not a JSON object"),
        (3, "has no field patient_uid"),
        (4, "field patient is not a string"),
    ]


def test_a_list_that_is_cut_off_keeps_what_came_before(read: Any, tmp_path: Path) -> None:
    whole = json.dumps([{"patient_uid": f"9-{n}", "patient": "Invented."} for n in range(100)])
    file = tmp_path / "v2.json"
    file.write_text(whole[: whole.index("9-70") + 10])
    result = read(file)
    assert result.ids == [f"9-{n}" for n in range(70)]
    assert result.reasons == [
        (71, "is not JSON from here on, or cut off; nothing after it was read")
    ]


def test_a_zipped_list_that_is_cut_off_keeps_what_came_before(read: Any, tmp_path: Path) -> None:
    patients = [{"patient_uid": f"9-{n}", "patient": f"Invented {n * n}."} for n in range(20_000)]
    zipped = gzip.compress(json.dumps(patients).encode())
    file = tmp_path / "v2.json.gz"
    file.write_bytes(zipped[: len(zipped) // 2])
    result = read(file)
    n = result.reading.taken
    assert 5_000 < n < 15_000
    assert result.ids == [f"9-{i}" for i in range(n)]
    reason = "breaks off here: the compressed data are cut off or damaged"
    assert result.reasons == [(n + 1, reason)]


def test_bytes_that_are_not_utf8_cost_one_object_of_the_list(read: Any, tmp_path: Path) -> None:
    file = tmp_path / "v2.json"
    patients = [{"patient_uid": f"9-{n}", "patient": f"é {n}."} for n in range(4)]
    raw = json.dumps(patients, ensure_ascii=False).encode()
    file.write_bytes(b"\xef\xbb\xbf" + raw.replace("é 2".encode(), b"\xe9 2"))
    result = read(file)
    assert result.ids == ["9-0", "9-1", "9-3"]
    assert result.documents[0].text == "é 0."
    assert result.reasons == [(3, "is not UTF-8")]


def test_text_behind_the_list_is_named(read: Any, tmp_path: Path) -> None:
    file = tmp_path / "v2.json"
    file.write_text('[{"patient_uid": "9-1", "patient": "Invented."}] and more')
    result = read(file)
    assert result.ids == ["9-1"]
    assert result.reading.left_out == 1
