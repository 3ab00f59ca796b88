"""What is taken for a note, and what is refused: why, with a hint, and without a word of it."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.ask.note import check_note, read_note
from medllm.data.documents import Reading, read_documents
from medllm.errors import DataError
from tests.ask.sources import EXAMPLES

LIMIT = 2_000
NOTE = "Zanzibar, an invented woman of 50, has fever."

FOREIGN = {
    "German": "Die 58-jährige Patientin wurde mit Fieber und Husten in die Klinik eingewiesen. Sie "
    "ist nicht schwanger. Bei der Untersuchung zeigte sich eine Dämpfung auf der rechten "
    "Seite, und das Labor war auffällig. Seit dem Morgen klagt sie über Schmerzen im Bein.",
    "French": "La patiente de 58 ans est admise pour une fièvre avec une toux depuis trois jours. "
    "Elle ne fume pas et elle est sans antécédents. Au scanner on voit une opacité dans le "
    "lobe inférieur avec des adénopathies. Le traitement est débuté par la doxycycline.",
    "Spanish": "La paciente de 58 años fue ingresada por fiebre y tos de tres días. No tiene "
    "antecedentes de interés y su madre se murió de un cáncer. En la radiografía del tórax "
    "se ve una opacidad con derrame. El tratamiento fue con doxiciclina para las dos "
    "semanas.",
    "Italian": "La paziente di 58 anni è stata ricoverata per febbre con tosse da tre giorni. "
    "Non è fumatrice e nel passato non ha avuto malattie. La radiografia del torace mostra una "
    "opacità della base destra. Si inizia una terapia con doxiciclina per due settimane.",
    "Portuguese": "A paciente de 58 anos foi internada com febre e tosse seca por três dias. "
    "Não tem antecedentes e não é fumadora. A radiografia do tórax mostra uma opacidade na base "
    "direita com um pequeno derrame. Foi tratada com doxiciclina por duas semanas, sem "
    "melhoria.",
    "Dutch": "De 58-jarige patiënte werd opgenomen met koorts en een droge hoest sinds drie dagen. "
    "Er is geen voorgeschiedenis van longziekten. Bij onderzoek werd een demping aan de "
    "rechter zijde gehoord. Het laboratorium is niet afwijkend en zij kreeg doxycycline "
    "voor twee weken.",
}
OTHER_SCRIPTS = {
    "Russian": "Пациентка 58 лет поступила с лихорадкой и кашлем в течение трёх дней.",
    "Chinese": "患者,女,58岁,因发热、咳嗽三天入院。",
    "Arabic": "مريضة تبلغ من العمر 58 عاما تعاني من الحمى والسعال منذ ثلاثة أيام",
    "Greek": "Ασθενής 58 ετών εισήχθη με πυρετό και βήχα από τριημέρου.",
}
ENGLISH = [
    "58F. Fever, cough, SOB x3d. No CP. PMH: HTN, DM2, s/p TKR. Meds: none. NKDA.",
    "LE edema, LA dilated, EF 30%. DES to LAD. ET tube in situ. LE pulses weak. OS normal, OD red. "
    "SE none, EN feeds, PO intake low, MI 2019, ER visit, PAS stain, EST negative, DE none, UN 30.",
    "no fever no cough no chills no rash no weight loss no night sweats no pain no nausea",
    "A fall, a cut, a bruise, a sprain, a fracture and a faint on a stair.",
    "Pt c/o abd pain. Denies N/V/D. Exam: soft, NT/ND. A/P: obs.",
    "FEVER AND COUGH FOR THREE DAYS, WITH A RASH ON THE TRUNK.",
    "UTI",
    "Ménière's disease, Sjögren's syndrome, Guillain-Barré; café-au-lait spots; Behçet.",
    "MRI: hyperintense lesion L frontal, 3 cm, edema. Path: GBM, IDH wt. Plan TMZ + RT.",
    "de novo AML, in situ carcinoma, per os, a priori, en bloc resection, cul de sac fluid",
    "Mrs de la Invented was seen with Dr van der Madeup for pain in the left knee.",
]


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t", "\ufeff", "\u00a0\u2003"])
def test_an_empty_note_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="the note is empty") as caught:
        check_note(text, LIMIT)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["12 34", "!?", "99 % 120/80", "a b"])
def test_a_note_without_words_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no words"):
        check_note(text, LIMIT)


def test_the_longest_note_is_taken_and_a_longer_one_refused() -> None:
    text = ("fever and " * LIMIT)[:LIMIT].rstrip() + "r" * 20
    assert check_note(text[:LIMIT], LIMIT).text == text[:LIMIT]
    with pytest.raises(DataError, match="2,001 characters, the limit is 2,000") as caught:
        check_note(text[:LIMIT] + "x", LIMIT)
    assert "ask.max_note_characters" in caught.value.hint


def test_ten_thousand_pages_are_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    with path.open("wb") as handle:
        handle.write(b"fever and cough ")
        handle.truncate(3_000_000_000)  # a hole: it takes no room on the disk
    with pytest.raises(DataError, match="more than 2,000 characters|not a text file"):
        read_note(path, max_characters=LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n1 0 obj",
        b"PK\x03\x04word/document.xml",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0JFIF",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\x1f\x8b\x08\x00",
        b"{\\rtf1\\ansi fever}",
        b"\x7fELF\x02\x01\x01\x00",
        b"fever\x00and cough",
        "fever and cough".encode("utf-16-le"),
        bytes(range(1, 32)) * 20,
        random.Random(1).randbytes(5_000),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    with pytest.raises(DataError, match="is not a text file") as caught:
        read_note(path, max_characters=10**6)
    assert caught.value.hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_however_it_is_encoded(tmp_path: Path, encoding: str) -> None:
    text = "Zanzibar has a temperature of 39.4 °C and naïve cells; 病."
    path = tmp_path / "note.txt"
    path.write_bytes(text.encode(encoding))
    assert read_note(path, max_characters=LIMIT).text == text


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
def test_both_orders_of_utf_16_are_read(tmp_path: Path, order: str) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(f"\ufeff{NOTE}\r\nNo cough.".encode(order))
    assert read_note(path, max_characters=LIMIT).text == f"{NOTE}\nNo cough."


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("Zanzibar has Ménière's disease.".encode("windows-1252"), "UTF-8"),
        (b"Zanzibar has fever \xff\xfe.", "UTF-8"),
        (b"Zanzibar \xc3", "UTF-8"),
        ("\ufeffZanzibar".encode("utf-16-le") + b"x", "UTF-16"),
    ],
)
def test_a_wrong_encoding_is_named_with_the_place_and_a_cure(
    tmp_path: Path, data: bytes, name: str
) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"is not {name}: byte \\d+ is wrong") as caught:
        read_note(path, max_characters=LIMIT)
    assert "iconv" in caught.value.hint
    assert "Zanzibar" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(("language", "text"), FOREIGN.items())
def test_a_note_in_another_language_is_refused_by_name(language: str, text: str) -> None:
    for version in (text, text.upper(), text.replace(". ", ".\n")):
        with pytest.raises(DataError, match=f"written in {language}") as caught:
            check_note(version, LIMIT)
        assert "translate" in caught.value.hint


@pytest.mark.parametrize("text", OTHER_SCRIPTS.values(), ids=OTHER_SCRIPTS)
def test_a_note_in_another_script_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="another script than Latin"):
        check_note(text, LIMIT)


@pytest.mark.parametrize("text", ENGLISH)
def test_english_of_any_style_is_taken(text: str) -> None:
    assert check_note(text, LIMIT).text == text


def test_every_note_of_the_examples_is_taken() -> None:
    paths = [EXAMPLES / "note.txt", *sorted((EXAMPLES / "notes").glob("*.txt"))]
    assert len(paths) > 3
    for path in paths:
        assert read_note(path, max_characters=200_000).text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_lines_end_in_one_way(end: str) -> None:
    assert check_note(f"Fever.{end}Cough.{end}{end}Rash.", LIMIT).text == "Fever.\nCough.\n\nRash."


@pytest.mark.parametrize("text", ["fever\x00cough", "\x01\x02\x03fever"])
def test_control_characters_are_refused_where_no_file_was_read(text: str) -> None:
    with pytest.raises(DataError, match="the note is not text"):
        check_note(text, LIMIT)


@given(st.text(max_size=200))
def test_whatever_is_taken_can_be_written_as_utf_8(text: str) -> None:
    try:
        taken, error = check_note(text, LIMIT).text, None
    except DataError as exc:
        taken, error = "", exc
    taken.encode("utf-8")
    assert "\r" not in taken
    assert error is None or (str(error).startswith("the note ") and error.hint)


def test_half_a_character_does_not_break_what_comes_after() -> None:
    assert check_note("Fever \ud800 and cough.", LIMIT).text == "Fever ? and cough."


def test_the_note_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(f"{NOTE}\r\n".encode())

    monkeypatch.setattr("sys.stdin", Input())
    assert read_note(None, max_characters=LIMIT).text == f"{NOTE}\n"
    Input.buffer = io.BytesIO(b"fever and " * LIMIT)
    with pytest.raises(DataError, match="the note has more than 2,000 characters"):
        read_note(None, max_characters=LIMIT)
    Input.buffer = io.BytesIO(b"\xe9")
    with pytest.raises(DataError, match="standard input is not UTF-8"):
        read_note(None, max_characters=LIMIT)


@pytest.mark.parametrize("name", ["nowhere.txt", "."])
def test_a_path_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such file|is a directory") as caught:
        read_note(tmp_path / name, max_characters=LIMIT)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.hint


@pytest.mark.real_data
def test_no_real_english_note_is_taken_for_another_language(real_data: Path) -> None:
    path = real_data / "pmc-patients-sample" / "PMC-Patients-sample-1000.csv"
    if not path.exists():
        pytest.skip("the sample of PMC-Patients is not there")
    notes = [document.text for document in read_documents(path, reading=Reading())]
    assert len(notes) > 900
    for text in notes:
        check_note(text, 10**6)
