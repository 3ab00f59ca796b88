from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError

HEADER = "ID,section_header,section_text,dialogue\n"


def test_mts_dialog_asks_for_the_section_in_words(read_records: Any, set_files: Path) -> None:
    result = read_records("mts-dialog", set_files / "mts-dialog")
    assert result.ids == [
        "MTS-Dialog-TrainingSet/0",
        "MTS-Dialog-TrainingSet/1",
        "MTS-Dialog-ValidationSet/0",
    ]
    first = result.records[0]
    assert first.messages[0].content.startswith(
        "Write the section 'history of present illness' of the clinical note from this "
        "conversation.\n\nDoctor: What brings you in? \nPatient: A cough, since Sunday.\n"
    )
    assert first.messages[1].content.startswith("The patient is a 61-year-old woman")
    assert [record.meta["split"] for record in result.records] == ["train", "train", "validation"]


def test_the_correlation_study_beside_it_is_named_and_not_read(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("mts-dialog", set_files / "mts-dialog")
    assert [reason for _, reason in result.reasons] == [
        "was not read: it is the summaries of MTS-Dialog's correlation study"
    ]
    assert result.reading.left_out == 0


@pytest.mark.parametrize("split", ["dev", "val", "Validation"])
def test_a_split_is_chosen_by_any_of_its_names(
    read_records: Any, set_files: Path, split: str
) -> None:
    result = read_records("mts-dialog", set_files / "mts-dialog", split=split)
    assert result.ids == ["MTS-Dialog-ValidationSet/0"]


def test_a_missing_split_file_is_named_with_those_that_are_there(
    read_records: Any, set_files: Path
) -> None:
    with pytest.raises(DataError, match="has no file of the split test") as caught:
        read_records("mts-dialog", set_files / "mts-dialog", split="test")
    assert caught.value.hint == "it has train, validation"


def test_a_stray_quote_costs_its_own_row_and_no_line_of_a_dialogue_becomes_a_row(
    read_records: Any, tmp_path: Path
) -> None:
    path = tmp_path / "MTS-Dialog-TrainingSet.csv"
    path.write_text(
        HEADER + '0,CC,Cough.,"Doctor: Hm?\nPatient: A cough."\n'
        '1,CC,"Fever with a "stray quote.,"Doctor: Fever?\n'
        'Patient: Yes, high, at night, mostly.\nDoctor: Oh."\n'
        '2,CC,Gout.,"Doctor: Hm?\nPatient: My toe."\n'
        "3,CC,Rash.,Doctor: Hm?\n"
    )
    result = read_records("mts-dialog", path)
    assert result.answers == ["Cough.", "Gout.", "Rash."]
    assert result.reasons == [(4, "has a stray quote or line break (to line 6)")]
    assert result.reading.left_out == 1


def test_aci_bench_gives_whole_notes_and_passes_over_its_metadata(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("aci-bench", set_files / "aci-bench")
    (record,) = result.records
    assert (record.id, record.group) == ("virtassist/X2N001", "X2N001")
    assert record.messages[1].content == "CC:\n\nAnkle pain.\n\nPLAN\n\nRest, and an X-ray."
    assert "Testperson" not in str(record)
    assert [r for _, r in result.reasons] == ["was not read: it is the metadata of ACI-BENCH"]


def test_pmc_patients_asks_for_the_title_and_groups_by_article(
    read_records: Any, fixtures: Path
) -> None:
    result = read_records("pmc-patients", fixtures / "pmc_patients_v1.csv")
    first = result.records[0]
    assert first.id == "9000001-1"
    assert first.group == "9000001"
    assert first.messages[1].content == 'A "silent" phaeochromocytoma: an invented report'
    assert first.messages[0].content.startswith("Give this case the title")
    assert (first.task, first.licence) == ("summary", "CC BY-NC-SA 4.0")
    groups = {record.id: record.group for record in result.records}
    assert all(number.rpartition("-")[0] == group for number, group in groups.items())


def test_both_releases_of_pmc_patients_give_the_same_records(
    read_records: Any, tmp_path: Path
) -> None:
    row = '"patient_uid": "9000001-2", "patient": "A man with gout.", "title": "Gout at sea"'
    age = '"age": [[40.0, "year"]], "gender": "M"'
    (tmp_path / "PMC-Patients-V2.json").write_text(f"[{{{row}, {age}}}]")
    (tmp_path / "PMC-Patients.csv").write_text(
        "patient_id,patient_uid,PMID,file_path,title,patient,age,gender\n"
        "7,9000001-2,5,comm/a.xml,Gout at sea,A man with gout.,\"[[40.0, 'year']]\",M\n"
    )
    new = read_records("pmc-patients", tmp_path / "PMC-Patients-V2.json").records
    old = read_records("pmc-patients", tmp_path / "PMC-Patients.csv").records
    assert new == old
    assert new[0].meta["age_years"] == 40.0


def test_half_a_character_in_a_patient_gives_no_traceback(
    read_records: Any, tmp_path: Path
) -> None:
    row = '{"patient_uid": "9000001-%d", "patient": "A%s", "title": "T"}'
    path = tmp_path / "patients.json"
    rows = [row % (n, "." * 100) for n in range(1, 2000)]
    path.write_text(f"[{', '.join([*rows, row % (2000, chr(92) + 'udfff')])}]")
    result = read_records("pmc-patients", path)
    assert len(result.records) >= 1000


def test_a_patient_without_a_title_is_left_out(read_records: Any, tmp_path: Path) -> None:
    path = tmp_path / "patients.json"
    path.write_text(
        '[{"patient_uid": "9000001-1", "patient": "A.", "title": " "},'
        ' {"patient_uid": "9000001-2", "patient": "B.", "title": "T"}]'
    )
    result = read_records("pmc-patients", path)
    assert result.ids == ["9000001-2"]
    assert result.reasons == [(1, "has no title")]
