"""Lexicons of the user's own: HPO, UMLS, SNOMED CT, tables; and files that are none of these."""

from pathlib import Path

import pytest

from medllm.clinical.findings import find_findings
from medllm.clinical.lexicon import Lexicon, default_lexicon
from medllm.clinical.lexicon_files import load_lexicon
from medllm.errors import DataError

OBO = """format-version: 1.2

[Term]
id: HP:0000001
name: All

[Term]
id: HP:0000118
name: Phenotypic abnormality
is_a: HP:0000001 ! All

[Term]
id: HP:9000001
name: Violet earlobes
synonym: "Purple ear lobules" EXACT layperson []
synonym: "PEL" EXACT abbreviation []
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:9000002
name: Bygone sign
is_a: HP:0000118 ! Phenotypic abnormality
is_obsolete: true

[Term]
id: HP:9000003
name: Sideways inheritance
is_a: HP:0000001 ! All

[Typedef]
id: part_of
name: part of
"""


def umls_row(concept: str, name: str, language: str = "ENG", suppressed: str = "N") -> str:
    fields = [concept, language, "P", "L1", "PF", "S1", "Y", "A1", "", "", "", "SRC", "PT", "C1"]
    return "|".join([*fields, name, "0", suppressed, "", ""]) + "\n"


def snomed_row(concept: str, name_type: str, name: str, active: str = "1") -> str:
    return "\t".join(["1", "20260101", active, "9", concept, "en", name_type, name, "9"]) + "\n"


SNOMED_HEADER = "\t".join(
    "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId".split()
)
FULL, SYNONYM = "900000000000003001", "900000000000013009"


def names_in(lexicon: Lexicon, text: str) -> list[tuple[str, str]]:
    found = find_findings(text, lexicon=lexicon)
    return [(f.normalised, f.kind) for f in found if f.source == "lexicon"]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_phenotype_ontology_gives_its_abnormalities(tmp_path):
    lexicon = load_lexicon(write(tmp_path, "hp.obo", OBO), alone=True)
    text = "Purple ear lobules, bygone sign, sideways inheritance. PEL."
    assert names_in(lexicon, text) == [("violet earlobes", "symptom")] * 2


def test_the_shipped_names_stay_unless_the_file_shall_stand_alone(tmp_path):
    path = write(tmp_path, "hp.obo", OBO)
    both = load_lexicon(path)
    assert both.n_names == default_lexicon().n_names + load_lexicon(path, alone=True).n_names
    assert ("fever", "symptom") in names_in(both, "Fever and violet earlobes.")


def test_umls_gives_english_names_with_the_kinds_of_its_semantic_types(tmp_path):
    rows = [
        umls_row("C0000001", "Grey wrist disease"),
        umls_row("C0000001", "Morbus carpi griseus", language="LAT"),
        umls_row("C0000001", "Ashen wrist"),
        umls_row("C0000001", "Hidden wrist", suppressed="Y"),
        umls_row("C0000002", "Wristamab"),
        umls_row("C0000003", "Wrist researcher"),
    ]
    path = write(tmp_path, "MRCONSO.RRF", "".join(rows))
    write(
        tmp_path,
        "MRSTY.RRF",
        "C0000001|T047|B2|Disease|AT1||\nC0000002|T121|A1|Drug|AT2||\nC0000003|T097|A1|Job|AT3||\n",
    )
    text = "Ashen wrist, hidden wrist, wristamab, wrist researcher."
    assert names_in(load_lexicon(path, alone=True), text) == [
        ("ashen wrist", "disorder"),
        ("wristamab", "medication"),
    ] or names_in(load_lexicon(path, alone=True), text) == [
        ("grey wrist disease", "disorder"),
        ("wristamab", "medication"),
    ]


def test_umls_without_semantic_types_gives_disorders(tmp_path):
    path = write(tmp_path, "MRCONSO.RRF", umls_row("C0000002", "Wristamab"))
    assert names_in(load_lexicon(path, alone=True), "wristamab") == [("wristamab", "disorder")]


def test_snomed_gives_active_names_with_the_kind_of_the_full_name(tmp_path):
    rows = [
        snomed_row("101", SYNONYM, "Ashen wrist"),
        snomed_row("101", FULL, "Grey wrist (disorder)"),
        snomed_row("102", FULL, "Wristectomy (procedure)"),
        snomed_row("103", FULL, "Wrist structure (body structure)"),
        snomed_row("101", SYNONYM, "Retired wrist", active="0"),
    ]
    path = write(tmp_path, "sct2_Description.txt", SNOMED_HEADER + "\n" + "".join(rows))
    text = "Ashen wrist, wristectomy, wrist structure, retired wrist."
    assert names_in(load_lexicon(path, alone=True), text) == [
        ("grey wrist", "disorder"),
        ("wristectomy", "procedure"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own.tsv", "name\tkind\tsynonyms\nblue spell\tsymptom\tazure turn|cyan fit\n"),
        ("own.csv", 'name,kind,synonyms\n"blue spell",symptom,azure turn|cyan fit\n'),
        ("own.csv", "\ufeffName,Kind,Synonyms\nblue spell,symptom,azure turn\n"),
    ],
)
def test_a_table_gives_names_kinds_and_synonyms(tmp_path, name, text):
    lexicon = load_lexicon(write(tmp_path, name, text), alone=True)
    assert names_in(lexicon, "An azure turn.") == [("blue spell", "symptom")]


def test_a_table_needs_only_names(tmp_path):
    lexicon = load_lexicon(write(tmp_path, "own.tsv", "name\nblue spell\n"), alone=True)
    assert names_in(lexicon, "A blue spell.") == [("blue spell", "disorder")]


@pytest.mark.parametrize(
    "text", ["", "just some prose\nwithout columns\n", "name\tkind\n", '{"name": "x"}\n']
)
def test_a_file_that_is_no_lexicon_is_an_error_with_a_hint(tmp_path, text):
    with pytest.raises(DataError) as error:
        load_lexicon(write(tmp_path, "own.txt", text))
    assert error.value.hint


def test_an_unknown_kind_names_its_line_and_not_its_content(tmp_path):
    path = write(tmp_path, "own.tsv", "name\tkind\nblue spell\tsymptom\nred spell\tmalady\n")
    with pytest.raises(DataError, match="line 3") as error:
        load_lexicon(path)
    assert "red spell" not in str(error.value)


def test_a_file_that_is_absent_or_binary_is_an_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        load_lexicon(tmp_path / "absent.tsv")
    (tmp_path / "binary.tsv").write_bytes(b"\xff\xfe\x00\x01\x80")
    with pytest.raises(DataError, match="UTF-8"):
        load_lexicon(tmp_path / "binary.tsv")
