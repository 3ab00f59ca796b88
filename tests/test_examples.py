"""The invented corpus in `examples/`: whole, consistent, and nowhere copied from itself."""

import csv
import json
import re
import unicodedata
from functools import cache
from pathlib import Path

import pytest

from medllm.data.documents import Reading, read_documents

FOLDER = Path(__file__).resolve().parent.parent / "examples"
NOTES = [FOLDER / "note.txt", *sorted((FOLDER / "notes").glob("*.txt"))]
SHARED = {"id", "title", "text", "year", "source", "licence"}
FIELDS = {
    "patients": SHARED | {"age_years", "sex"},
    "articles": SHARED | {"mesh", "publication_types", "retracted"},
}
LENGTHS = {"patients": (120, 260), "articles": (80, 220)}
HOURS = {"year": 8766.0, "month": 730.5, "week": 168.0, "day": 24.0, "hour": 1.0}
NUMBERS = {"four": 4, "five": 5}
AGES = (
    rf"(\d+|{'|'.join(NUMBERS)})[ -](year|month|week|day|hour)s?[ -](?:old|of age)",
    r"\b(?:aged|[Mm]an of|boy of|girl of) (\d+|four|five)\b",
    r"(\d+) (years) and (\d+) months old",
)
SEXES = {
    "F": r"\b(woman|girl|female|primigravida|primiparous|she|her|daughter)\b",
    "M": r"\b(man|boy|male|he|his|son)\b",
}
RUN = 12
PERMITTED = set("°µ×²⁹₂±≥≤–éäöü\n")
"""Signs beyond ASCII that the texts may hold."""


@cache
def records(name):
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@cache
def qrels():
    with (FOLDER / "qrels.tsv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def all_texts():
    texts = {record["id"]: record["text"] for name in FIELDS for record in records(name)}
    return texts | {path.stem: path.read_text(encoding="utf-8") for path in NOTES}


def stated_age(text):
    """Give the age in years that a text opens with, or None."""
    opening = " ".join(re.split(r"(?<=[.;]) ", text)[:2])
    found = re.search(AGES[2], opening)
    if found:
        return int(found[1]) + int(found[3]) / 12
    found = re.search(AGES[0], opening)
    if found:
        return _number(found[1]) * HOURS[found[2]] / HOURS["year"]
    found = re.search(AGES[1], opening)
    return float(_number(found[1])) if found else None


def _number(written):
    return NUMBERS[written] if written in NUMBERS else int(written)


def stated_sex(text):
    """Give the sex of the first word in a text that tells it, or None."""
    places = {
        sex: found.start()
        for sex, pattern in SEXES.items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    }
    return min(places, key=places.__getitem__) if places else None


def runs(text):
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}


def is_clean(text):
    return text == unicodedata.normalize("NFC", text) and all(
        sign in PERMITTED or (sign.isascii() and sign.isprintable()) for sign in text
    )


@pytest.mark.parametrize("name", FIELDS)
def test_each_file_has_sixty_records_with_exactly_the_fields_of_its_kind(name):
    assert len(records(name)) == 60
    for record in records(name):
        assert record.keys() == FIELDS[name], record["id"]
        assert all(record[field] not in ("", None, []) for field in FIELDS[name]), record["id"]


def test_no_id_and_no_title_occurs_twice():
    everything = [*records("patients"), *records("articles")]
    assert len({record["id"] for record in everything}) == len(everything)
    assert len({record["title"] for record in everything}) == len(everything)


@pytest.mark.parametrize("name", FIELDS)
def test_each_text_has_the_length_of_its_kind(name):
    fewest, most = LENGTHS[name]
    lengths = {record["id"]: len(record["text"].split()) for record in records(name)}
    assert {key: n for key, n in lengths.items() if not fewest <= n <= most} == {}


@pytest.mark.parametrize("name", FIELDS)
def test_every_line_is_one_object_in_clean_text_without_a_carriage_return(name):
    data = (FOLDER / f"{name}.jsonl").read_bytes()
    assert data.endswith(b"}\n")
    assert b"\r" not in data
    strings = (record[field] for record in records(name) for field in ("id", "title", "text"))
    assert [text for text in strings if not is_clean(text) or "\n" in text or "  " in text] == []


def test_the_age_of_a_patient_is_the_one_that_the_text_opens_with():
    ages = {record["id"]: stated_age(record["text"]) for record in records("patients")}
    told = [record for record in records("patients") if ages[record["id"]] is not None]
    assert len(told) >= 50
    for record in told:
        assert ages[record["id"]] == pytest.approx(record["age_years"], rel=0.05), record["id"]


def test_the_sex_of_a_patient_is_the_one_that_the_text_tells_first():
    told = {record["id"]: stated_sex(record["text"]) for record in records("patients")}
    wrong = [r["id"] for r in records("patients") if told[r["id"]] != r["sex"]]
    assert wrong == []


def test_years_are_plausible_and_varied():
    years = [record["year"] for name in FIELDS for record in records(name)]
    assert all(1998 <= year <= 2025 for year in years)
    assert len(set(years)) >= 15


def test_exactly_one_article_is_retracted_and_says_so_everywhere():
    marked = [record for record in records("articles") if record["retracted"]]
    typed = [r for r in records("articles") if "Retracted Publication" in r["publication_types"]]
    assert len(marked) == 1
    assert typed == marked
    assert marked[0]["title"].startswith("RETRACTED: ")
    assert marked[0]["id"] not in {row["corpus-id"] for row in qrels()}


def test_no_two_texts_share_a_run_of_twelve_words():
    seen: dict[tuple[str, ...], str] = {}
    shared = []
    for key, text in all_texts().items():
        for run in runs(text):
            if seen.setdefault(run, key) != key:
                shared.append((seen[run], key, " ".join(run)))
    assert shared == []


def test_there_are_six_notes_of_fewer_than_two_hundred_words():
    assert len(NOTES) == 6
    for path in NOTES:
        text = path.read_text(encoding="utf-8")
        assert 60 <= len(text.split()) < 200, path.name
        assert is_clean(text), path.name


def test_the_queries_are_the_notes():
    queries = {record["_id"]: record["text"] for record in records("queries")}
    assert queries == {path.stem: path.read_text(encoding="utf-8").strip() for path in NOTES}


def test_the_judgements_name_queries_and_articles_that_exist():
    queries = {record["_id"] for record in records("queries")}
    articles = {record["id"] for record in records("articles")}
    assert list(qrels()[0]) == ["query-id", "corpus-id", "score"]
    assert {row["query-id"] for row in qrels()} == queries
    assert {row["corpus-id"] for row in qrels()} <= articles
    assert {row["score"] for row in qrels()} <= {"1", "2"}
    pairs = [(row["query-id"], row["corpus-id"]) for row in qrels()]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("name", FIELDS)
def test_the_reader_takes_every_record_without_a_problem(name):
    reading = Reading()
    documents = list(read_documents(FOLDER / f"{name}.jsonl", kind=name, reading=reading))
    assert len(documents) == 60
    assert reading.problems == []
    assert {document.licence for document in documents} == {"CC0-1.0"}


def test_the_readme_says_that_everything_is_invented_and_free():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "All of it is invented" in readme
    assert "CC0" in readme
    named = re.findall(r"`([\w.]+\.(?:jsonl|tsv|txt))`", readme)
    assert {"patients.jsonl", "qrels.tsv"} <= set(named)
    assert all((FOLDER / name).is_file() for name in named)
