"""Which data set a file holds, by the names of its fields, its marks, and only then by its name."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from medllm.data.reading import BadInputError, Reading
from medllm.data.sets import bioread, medquad, pubmedqa
from medllm.data.sets.chexpert_text import LABELS
from medllm.data.sets.conversation import ANSWERS, QUESTIONS
from medllm.data.sets.keys import keys_of
from medllm.data.sets.walk import files_below
from medllm.data.streams import is_folder, read_head
from medllm.data.xml_stream import read_root_name
from medllm.errors import DataError

# The first whose fields are all there; what has more fields stands before what has fewer.
_FIELDS: tuple[tuple[str, set[str]], ...] = (
    ("pmc-patients", {"patient_uid", "patient"}),
    ("ehr-ds-qa", {"note", "qa_pairs"}),
    ("icliniq", {"input", "answer_icliniq"}),
    ("medical-o1-reasoning-sft", {"Question", "Complex_CoT", "Response"}),
    ("medical-o1-verifiable-problem", {"Open-ended Verifiable Question", "Ground-True Answer"}),
    ("medmcqa", {"question", "opa", "opb", "opc", "opd"}),
    ("medqa", {"question", "options", "answer_idx"}),
    ("pubmedqa", {"question", "context", "long_answer"}),
    ("medquad", {"qid", "qtype", "question", "answer"}),
    ("medquad", {"question_focus", "question", "answer"}),
    ("mts-dialog", {"section_header", "section_text", "dialogue"}),
    ("aci-bench", {"encounter_id", "dialogue", "note"}),
    ("chexpert", {"Path", *LABELS}),
    ("chexpert", {"Reports", *LABELS}),
    ("biomrc", {"abstract", "title", "entities_list", "answer"}),
    ("messages", {"messages"}),
    ("sharegpt", {"conversations"}),
    ("alpaca", {"instruction", "output"}),
)
# One object whose lists may be longer than the head of the file: any of its names will do.
_LARGE_OBJECTS: tuple[tuple[str, set[str]], ...] = (
    ("biomrc", {"abstracts", "titles", "answers"}),
    ("healthqa", {"paras", "ques", "article_range"}),
)
_OTHERS: tuple[tuple[str, set[str]], ...] = (
    ("the metadata of ACI-BENCH", {"encounter_id", "doctor_name"}),
    ("the summaries of MTS-Dialog's correlation study", {"Reference Summary", "Automatic Summary"}),
    ("the scores of MTS-Dialog's correlation study", {"FactualPrecision", "FactualRecall"}),
    ("a table of diseases, as ChatDoctor's", {"disease", "Symptom"}),
    ("relevance judgements for retrieval", {"query-id", "corpus-id", "score"}),
    ("queries or documents for retrieval", {"_id", "text"}),
)
ALPACAS = {
    "genmedgpt-5k": "genmedgpt|chatdoctor5k",
    "healthcaremagic-100k": "healthcaremagic",
    "clinmed": "clinmed",
}
"""The sets with Alpaca's three fields, and what their files are called."""

_RANKED_PAIR = re.compile(rb"[01]\t[^\t\n]+\t[^\t\n]+,\r?$", re.MULTILINE)
_MAX_FILES = 200  # a folder of millions is told by its first


def detect_set(path: Path) -> str:
    """Give the name of the data set that a file or a folder holds.

    Raises `DataError` where it cannot be read, or is none that is known, saying what was seen.
    """
    try:
        found = _sets_in(path) if is_folder(path) else {shape_of(path): path.name}
        other = "" if is_folder(path) else other_of(path)
    except BadInputError as exc:
        raise DataError(f"cannot read {path}: {exc}", hint=_HINT) from exc
    found.pop("", None)
    if len(found) > 1:
        names = ", ".join(f"{file} ({name})" for name, file in found.items())
        raise DataError(f"{path} holds several data sets: {names}", hint="name one of the files")
    if not found:
        what = f"it is {other}" if other else "its fields are those of no data set"
        raise DataError(f"cannot tell the data set of {path}: {what}", hint=_HINT)
    return next(iter(found))


_HINT = "name the data set; medllm data list shows them"


def shape_of(path: Path) -> str:
    """Give the set whose form a file has, "" where it has none that is known.

    Raises `BadInputError` where the file cannot be read.
    """
    head = read_head(path, 65536)
    keys = set(keys_of(path))
    if pubmedqa.is_keyed_by_pmid(head) and b'"QUESTION"' in head:
        return "pubmedqa"
    if read_root_name(head) in medquad.ROOTS and head.lstrip().startswith(b"<"):
        return "medquad"
    if {"data"} <= keys and b'"document"' in head:
        return "clicr"
    for name, any_of in _LARGE_OBJECTS:
        if keys & any_of and head.lstrip().startswith(b"{"):
            return name
    if found := _by_fields(keys):
        return _alpaca_of(path) if found == "alpaca" else found
    if _RANKED_PAIR.search(head):
        return "healthqa"
    return "bioread" if bioread.is_bioread(head) else ""


def other_of(path: Path) -> str:
    """Say what a file is that comes with a data set and holds none of its records, else ""."""
    keys = set(keys_of(path))
    return next((what for what, wanted in _OTHERS if wanted <= keys), "")


def accepts(name: str, shape: str) -> bool:
    """Whether the reader of a set can read a file of this form.

    The in-house readers read any: they say themselves which fields they miss. A file with Alpaca's
    fields and no telling name may be any of the sets that have them.
    """
    if shape in ("", name) or name in _OWN:
        return True
    if name == "medical-o1-verifiable-problem":
        return shape == "medical-o1-reasoning-sft"  # its larger files hold both
    return name in ALPACAS and shape == "alpaca"


_OWN = ("messages", "sharegpt", "alpaca", "question-answer")


def _by_fields(keys: Collection[str]) -> str:
    found = next((name for name, wanted in _FIELDS if wanted <= set(keys)), "")
    if not found and set(QUESTIONS) & set(keys) and set(ANSWERS) & set(keys):
        return "question-answer"
    return found


def _alpaca_of(path: Path) -> str:
    name = re.sub("[^a-z0-9]", "", path.name.lower())
    return next((key for key, words in ALPACAS.items() if re.search(words, name)), "alpaca")


def _sets_in(folder: Path) -> dict[str, str]:
    """Give the sets that the first files of a folder hold, each with the name of one file."""
    if (folder / "queries").is_dir() and ((folder / "PPR").is_dir() or (folder / "PAR").is_dir()):
        return {"pmc-patients-recds": folder.name}
    found: dict[str, str] = {}
    for file in islice(files_below(folder, Reading()), _MAX_FILES):
        try:
            found.setdefault(shape_of(file), file.name)
        except BadInputError:
            continue  # the reading names it
    return found
