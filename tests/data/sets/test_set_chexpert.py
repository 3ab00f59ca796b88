from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.sets.chexpert_text import LABELS, findings_text
from medllm.errors import DataError


def test_the_views_of_a_study_are_one_record_with_all_their_images(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("chexpert", set_files / "chexpert" / "train.csv")
    assert result.ids == [
        "train/patient00001/study1",
        "train/patient00002/study1",
        "train/patient00003/study1",
    ]
    second = result.records[1]
    folder = "CheXpert-v1.0-small/train/patient00002/study1"
    assert second.meta["images"] == [f"{folder}/view1_frontal.jpg", f"{folder}/view2_lateral.jpg"]
    assert second.group == "patient00002"
    assert second.messages[0].content == (
        "Write the findings of this chest X-ray study from its labels.\n\n"
        "Views: frontal (PA), lateral\nPatient: man, 41 years\nLabels:\n"
        "- Cardiomegaly: present\n- Edema: uncertain\n- Consolidation: uncertain\n"
        "- Lung Opacity: present\n- Pneumothorax: absent"
    )
    assert second.messages[1].content == (
        "The heart is enlarged. There is an opacity in the lung. "
        "Pulmonary edema and consolidation are possible. There is no pneumothorax."
    )
    assert second.meta["image_prompt"] == (
        "Write the findings of this chest X-ray study.\n\n"
        "Views: frontal (PA), lateral\nPatient: man, 41 years"
    )


def test_blank_labels_say_nothing_and_an_all_blank_study_is_left_out(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("chexpert", set_files / "chexpert" / "train.csv")
    assert result.answers[0] == (
        "Support devices are in place. Heart, mediastinum, lungs and pleura show no abnormality. "
        "There is no pneumothorax."
    )
    assert result.reasons == [(5, "has no label that says anything")]
    unknown = result.records[2]
    assert "Patient" not in unknown.messages[0].content  # sex unknown, age 0


def test_columns_are_read_by_name_in_either_order(read_records: Any, set_files: Path) -> None:
    trained = read_records("chexpert", set_files / "chexpert" / "train.csv").records[2]
    (labelled,) = read_records("chexpert", set_files / "chexpert" / "labeled_reports.csv").records
    assert trained.meta["labels"] == {"Lung Lesion": "present"}
    assert labelled.meta["labels"] == {"Lung Opacity": "present", "Pleural Effusion": "absent"}
    assert labelled.messages[1].content == "Faint shadow in the left base.\n\nNo effusion."


def test_the_split_is_that_of_the_path_whatever_its_prefix(
    read_records: Any, set_files: Path
) -> None:
    (record,) = read_records("chexpert", set_files / "chexpert" / "valid.csv").records
    assert record.meta["split"] == "validation"
    assert record.meta["images"] == ["CheXpert-v1.0/valid/patient64541/study1/view1_frontal.jpg"]
    result = read_records("chexpert", set_files / "chexpert" / "valid.csv", split="val")
    assert result.records == [record]


def test_values_and_paths_that_cannot_be_are_named(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    header, first, *_ = (set_files / "chexpert" / "train.csv").read_text().splitlines()
    bad = first.replace(",,1.0", ",,2.0").replace("patient00001", "patient00009")
    no_path = first.replace("CheXpert-v1.0-small/train/patient00001/study1/", "")
    path = tmp_path / "train.csv"
    path.write_text("\n".join([header, bad, no_path, f"{first},1.0", first]))
    result = read_records("chexpert", path)
    assert result.ids == ["train/patient00001/study1"]
    assert result.reasons == [
        (2, "column Support Devices holds neither 1, 0, -1 nor nothing"),
        (3, "field Path names no split, patient, study and view"),
        (4, "has 20 columns, the first line 19"),
    ]


def test_a_table_that_lacks_a_label_is_refused(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    text = (set_files / "chexpert" / "train.csv").read_text()
    (tmp_path / "train.csv").write_text(text.replace(",Fracture,", ",Broken,", 1))
    with pytest.raises(DataError, match="has neither the columns of CheXpert nor those of its"):
        read_records("chexpert", tmp_path / "train.csv")


def test_views_that_disagree_are_named(read_records: Any, set_files: Path, tmp_path: Path) -> None:
    text = (set_files / "chexpert" / "train.csv").read_text()
    lateral = "view2_lateral.jpg,Male,41,Lateral,,,,"
    path = tmp_path / "train.csv"
    path.write_text(text.replace(f"{lateral}1.0", f"{lateral}0.0"))
    result = read_records("chexpert", path)
    assert result.records[1].meta["labels"]["Cardiomegaly"] == "present"
    assert result.reasons[0] == (
        3,
        "the views of this study differ in labels; the first one's are used",
    )


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ({}, ""),
        ({"No Finding": "absent"}, ""),
        ({"Fracture": "absent"}, "There is no fracture."),
        ({"Pneumonia": "uncertain"}, "Pneumonia is possible."),
        ({"Support Devices": "uncertain"}, "Support devices are possible."),
        (
            {"Support Devices": "absent", "Pleural Other": "absent", "Fracture": "absent"},
            "There are no support devices. There is no other pleural disease or fracture.",
        ),
        (
            {"Edema": "absent", "Fracture": "absent", "Pneumonia": "absent"},
            "There is no pulmonary edema, pneumonia or fracture.",
        ),
    ],
)
def test_findings_are_put_as_a_report_would(states: Any, text: str) -> None:
    assert findings_text(states) == text


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(LABELS), st.sampled_from(["present", "absent"])))
def test_every_label_that_is_said_is_told_and_no_other(states: Any) -> None:
    text = findings_text(states)
    told = {name for name in LABELS if findings_text({name: "present"}) in text}
    assert told == {name for name, state in states.items() if state == "present"}
