from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medllm.data import patient_rows
from medllm.data.streams import Line
from medllm.errors import DataError

HEADER = (
    "patient_id,patient_uid,PMID,file_path,title,patient,age,gender,"
    "relevant_articles,similar_patients\n"
)


def row(n: int, text: str = "An invented patient.", **changed: str) -> str:
    cells = {
        "patient_id": str(n),
        "uid": f"900000{n}-1",
        "pmid": f"9000{n}",
        "file_path": f"comm/PMC900000{n}.xml",
        "title": "Invented",
        "patient": f'"{text}"',
        "age": "\"[[60.0, 'year']]\"",
        "gender": "F",
        "relevant": "{}",
        "similar": "{}",
    }
    return ",".join((cells | changed).values()) + "\n"


def write_csv(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "patients.csv"
    file.write_bytes((HEADER + "".join(rows)).encode("utf-8", "surrogateescape"))
    return file


def test_a_csv_gives_patients_with_age_sex_and_address(read: Any, fixtures: Path) -> None:
    result = read(fixtures / "pmc_patients_v1.csv")
    first = result.documents[0]
    assert result.ids == ["9000001-1", "9000001-2", "9000002-1", "9000003-1"]
    assert first.kind == "patients"
    assert first.title == 'A "silent" phaeochromocytoma: an invented report'
    assert first.source == "PMC-Patients"
    assert first.url == "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC9000001/"
    assert first.licence == "CC BY-NC-SA 4.0"
    assert first.year is None
    assert [d.sex for d in result.documents] == ["F", "M", "M", "F"]
    ages = [d.age_years for d in result.documents]
    assert ages == pytest.approx([58, 61, 7 + 11 / 12, 10 / 365.25])
    assert (result.reading.taken, result.reading.left_out, result.reading.n_problems) == (4, 0, 0)


def test_line_endings_inside_a_text_become_newlines(read: Any, fixtures: Path) -> None:
    text = read(fixtures / "pmc_patients_v1.csv").documents[0].text
    assert "\r" not in text
    assert "two months.\nBlood pressure was 182/104 mmHg." in text


def test_a_backslash_and_an_n_end_a_line_of_the_text_and_are_a_blank_in_the_title(
    read: Any, tmp_path: Path
) -> None:
    path = write_csv(tmp_path, row(1, "He fell.\\nHe rose.", title="A case of\\nTetanus"))
    document = read(path).documents[0]
    assert (document.title, document.text) == ("A case of Tetanus", "He fell.\nHe rose.")


def test_the_json_list_gives_the_same_patients_as_the_csv(read: Any, fixtures: Path) -> None:
    from_csv = read(fixtures / "pmc_patients_v1.csv").documents
    assert read(fixtures / "pmc_patients_v2.json").documents == from_csv


def test_the_same_objects_as_json_lines_give_the_same_patients(
    read: Any, fixtures: Path, tmp_path: Path
) -> None:
    patients = json.loads((fixtures / "pmc_patients_v2.json").read_text())
    file = tmp_path / "patients.jsonl.gz"
    lines = "".join(json.dumps(patient) + "\n" for patient in patients)
    file.write_bytes(gzip.compress(lines.encode()))
    assert read(file).documents == read(fixtures / "pmc_patients_v1.csv").documents


def test_an_explicit_kind_wins(read: Any, fixtures: Path) -> None:
    result = read(fixtures / "pmc_patients_v1.csv", kind="articles")
    assert {document.kind for document in result.documents} == {"articles"}


def test_rows_of_a_hospital_claim_no_address_and_no_licence_of_pmc(
    read: Any, tmp_path: Path
) -> None:
    document = read(write_csv(tmp_path, row(1, uid="ward-7"))).documents[0]
    assert (document.id, document.url, document.licence) == ("ward-7", "", "")


@pytest.mark.parametrize(
    ("age", "years"),
    [
        ("[[60.0, 'year']]", 60.0),
        ("[[7, 'year'], [11, 'month']]", 7 + 11 / 12),
        ('[[2.0, "week"]]', 14 / 365.25),
        ("[[36.0, 'hour']]", 1.5 / 365.25),
        ("[]", None),
        ("", None),
    ],
)
def test_ages_are_converted_to_years(
    read: Any, tmp_path: Path, age: str, years: float | None
) -> None:
    quoted = '"' + age.replace('"', '""') + '"'
    result = read(write_csv(tmp_path, row(1, age=quoted)))
    assert result.documents[0].age_years == (pytest.approx(years) if years else None)
    assert result.reading.n_problems == 0


@pytest.mark.parametrize(
    "age",
    [
        "sixty",
        "[[60.0, 'fortnight']]",
        "[[-1.0, 'year']]",
        "[[600.0, 'year']]",
        "__import__('os').system('false')",
        "[[60.0, 'year'], open('x')]",
        "[[1.0, 'year']" * 100,
        "[" * 100_000,
        "[" + ", ".join(["[0.1, 'year']"] * 100) + "]",
    ],
)
def test_an_age_that_is_none_is_left_empty_and_named(read: Any, tmp_path: Path, age: str) -> None:
    result = read(write_csv(tmp_path, row(1, age=f'"{age}"')))
    assert result.documents[0].age_years is None
    assert result.reasons == [(2, "field age is not a list of [number, unit]; left empty")]
    assert result.reading.left_out == 0


@pytest.mark.parametrize("age", [[["60", "year"]], [[60.0]], {"year": 60}, 60, [[True, "year"]]])
def test_an_age_of_another_shape_in_json_is_left_empty_and_named(
    read: Any, tmp_path: Path, age: Any
) -> None:
    file = tmp_path / "patients.json"
    file.write_text(json.dumps([{"patient_uid": "9-1", "patient": "Invented.", "age": age}]))
    result = read(file)
    assert result.documents[0].age_years is None
    assert result.reasons == [(1, "field age is not a list of [number, unit]; left empty")]


def test_a_sex_that_is_none_is_left_empty_and_named(read: Any, tmp_path: Path) -> None:
    result = read(write_csv(tmp_path, row(1, gender="X")))
    assert result.documents[0].sex is None
    assert result.reasons == [(2, "field gender is not F or M; left empty")]


def test_a_quote_that_is_never_closed_costs_its_row_only(read: Any, tmp_path: Path) -> None:
    broken = row(2, patient='"It was never closed\nover two lines')
    result = read(write_csv(tmp_path, row(1), broken, row(3), row(4)))
    assert result.ids == ["9000001-1", "9000003-1", "9000004-1"]
    assert result.reasons == [(3, "has a stray quote or line break (to line 4)")]
    assert result.reading.left_out == 1


def test_a_quote_that_is_never_closed_in_other_columns_costs_its_row_only(
    read: Any, tmp_path: Path
) -> None:
    file = tmp_path / "other.csv"
    file.write_text(
        'patient,patient_uid\n"a, b",9000001-1\n"c,9000002-1\n"d",9000003-1\n"e",9000004-1\n'
    )
    result = read(file)
    assert result.ids == ["9000001-1", "9000003-1", "9000004-1"]
    assert result.reasons == [(3, "has a stray quote or line break")]


def test_a_stray_quote_within_a_text_costs_its_row_only(read: Any, tmp_path: Path) -> None:
    broken = row(2, patient='"He said "no" twice"')
    result = read(write_csv(tmp_path, row(1), broken, row(3)))
    assert result.ids == ["9000001-1", "9000003-1"]
    assert result.reasons == [(3, "has a stray quote or line break")]


def test_an_inch_mark_in_an_unquoted_text_is_kept(read: Any, tmp_path: Path) -> None:
    result = read(write_csv(tmp_path, row(1, patient='a 5" tube'), row(2)))
    assert [document.text for document in result.documents] == ['a 5" tube', "An invented patient."]


def test_rows_with_wrong_columns_no_id_or_no_text_are_named(read: Any, tmp_path: Path) -> None:
    short = "1,9000009-1,9000,x\n"
    result = read(
        write_csv(tmp_path, row(1), short, row(2, uid=""), row(3, patient='"  "'), "\n", row(4))
    )
    assert result.ids == ["9000001-1", "9000004-1"]
    assert result.reasons == [
        (3, "has 4 columns, the first line 10"),
        (4, "has no field patient_uid"),
        (5, "has no text: field patient is empty or absent"),
    ]
    assert (result.reading.taken, result.reading.left_out) == (2, 3)


def test_a_row_that_is_not_utf8_is_named_and_a_null_byte_is_a_space(
    read: Any, tmp_path: Path
) -> None:
    result = read(write_csv(tmp_path, row(1, "caf\udce9"), row(2, "a\x00b")))
    assert [document.text for document in result.documents] == ["a b"]
    assert result.reasons == [(2, "is not UTF-8 at byte 52 of the line")]


def test_a_row_longer_than_any_patient_is_named_and_the_reading_goes_on(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medllm.data.patient_rows.MAX_ROW_CHARACTERS", 10_000)
    endless = row(2, patient='"never closed\n' + "word\n" * 5000)
    try:
        result = read(write_csv(tmp_path, row(1), endless, row(3)))
    finally:
        csv.field_size_limit(16 * 1024 * 1024)
    assert result.ids == ["9000001-1", "9000003-1"]
    assert result.reading.problems[0].reason.startswith("has a quote that is never closed")


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patient_rows, "MAX_ROW_CHARACTERS", 1000)
    lines = [Line(1, '"open\n'), *(Line(n, "word\n") for n in range(2, 10_000))]
    (row,) = patient_rows._group(iter(lines), ["patient_uid", "patient"])
    assert row.size > 40_000
    assert sum(len(part) for part in row.parts) <= 1000


def test_a_long_field_is_read_whole(read: Any, tmp_path: Path) -> None:
    text = "word " * 100_000  # csv's own limit is 131,072 characters
    assert read(write_csv(tmp_path, row(1, text))).documents[0].text == text


def test_a_table_without_the_columns_is_an_error(read: Any, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("id,note\n1,secret words\n")
    with pytest.raises(DataError, match="lacks the columns patient_uid and patient") as caught:
        read(file, format="pmc-patients")
    assert "secret" not in str(caught.value)


PEAK = """
import resource, sys
from pathlib import Path
from medllm.data.documents import Reading, read_documents
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
n = sum(1 for _ in read_documents(Path(sys.argv[1]), reading=Reading()))
print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
@pytest.mark.parametrize("name", ["v2.json", "v1.csv"])
def test_a_long_file_is_read_in_constant_memory(tmp_path: Path, name: str) -> None:
    n_patients, text = 4000, "An invented patient with fever. " * 250  # 8 KB each, 32 MB in all
    file = tmp_path / name
    with file.open("w") as handle:
        if name == "v2.json":
            for n in range(n_patients):
                patient = {"patient_uid": f"9-{n}", "patient": text}
                handle.write(("[" if n == 0 else ", ") + json.dumps(patient))
            handle.write("]")
        else:
            handle.write("patient_uid,patient\n")
            handle.writelines(f'9-{n},"{text}"\n' for n in range(n_patients))
    command = [sys.executable, "-c", PEAK, str(file)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(out[0]) == n_patients
    assert int(out[1]) < 12_000  # kilobytes; the file has 32,000


def test_a_line_break_written_as_a_backslash_and_an_n_becomes_one(
    read: Any, tmp_path: Path
) -> None:
    path = tmp_path / "patients.csv"
    path.write_text(
        "patient_uid,patient,age,gender\n"
        '7000001-1,"A man of 40 had a cough.\\nHe recovered.","[[40.0, \'year\']]",M\n',
        encoding="utf-8",
    )
    (document,) = read(path).documents
    assert document.text == "A man of 40 had a cough.\nHe recovered."
