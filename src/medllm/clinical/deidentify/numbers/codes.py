"""Codes that no label announces, in a patient's own text: "BB77120", "7749 0012 3381", "# bm 4471".

A published case has cell lines, catalogue numbers and variants of genes that look the same, so
these rules read charts only; what is measured has a unit behind it or its name in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.text import Found, Words, is_chart
from medllm.clinical.deidentify.vocabulary import vocabulary

_LAST_RANK = 39
_RUN_RANK = 19
"""Before dates: "10-22-87-4" is none."""
_MIXED = re.compile(r"(?<![\w.@/-])[A-Z0-9]{1,12}(?:[-/][A-Z0-9]{1,10}){0,4}(?![\w@%]|[./-]\w)")
_FIGURES = re.compile(
    r"(?<![\w.,/+$£€-])(?:(?:[A-Z]{4} )?\d{4}(?: \d{4}){1,4}"
    r"|\d{3}(?: \d{3}){2,3}|\d{6,24}(?:-\d{1,4})?)"
    r"(?![\w%/]|[.,-]\d|\s?(?:×|x\s?10|mg|mcg|ml|mL|g\b|IU|U\b|units?|copies|cells|CFU|cfu|bp\b|steps|/))"
)
_CHAINED = re.compile(r"(?<![\w.,/+-])\d{1,4}(?:-\d{1,4}){3,5}(?![\w-]|\.\d)")
_YEARED = re.compile(
    r"(?<![\w.,/+-])(?:1[5-9]|2[0-6])-\d{4}(?![\w%-]|[.,]\d|\s?(?:mg|m[lL]|kcal|steps))"
    r"|\b\d{2}-\d{6,12}-\d\b"
)
"""Cases by their year: "23-4471"."""
_HASHED = re.compile(r"#\s?((?:[A-Za-z]{1,4}[ -]?)?\d{2,}(?:[ -]?[\dA-Z]{2,}){0,3})(?!\w|[./]\d)")
_ZEROED = re.compile(r"\b[A-Z]{2,5} (0\d{1,2}-\d{3,6})(?![\w-]|\.\d)")
_UNIT = re.compile(
    r"\d+(?:[.-]\d+)?(?:MG|MCG|UG|ML|CM|MM|KG|G|L|IU|U|MEQ|HRS?|H|FR|MIN|BPM|MMHG|X\d+\w*|Y|YO|M|F)|"
    r"G\d+P\d+|\d+[X/]\d+\w{0,2}|T\d\w*N\d\w*M\d\w*|[A-Z]{1,2}\d{1,2}[-/][A-Z]?\d{1,2}|[A-Z]\d{2,4}[A-Z]"
    r"|(?:COVID|SARS|HLA|CYP|ICD|NCT|PMC|PMID|CPT|DSM)[-\d].*|[ACGT]\d{3,6}[ACGT]|[A-Z]\d{2,4}[A-Z]|[A-Z]+-(?:19|20)\d\d"
    r"|(?:(?:CD|CK)\d+[A-Z]*[-/]?)+|(?:BP|HR|RR|WT|HT|WBC|PLT)\d.*|[PT]\d{2,3}(?:[./]\d+)?"
)
"""Doses, obstetric counts, sizes, stages, levels of the spine, variants and public numbers."""
_LABELLED = re.compile(
    r"\b([A-Z]{2,6}):?\s((?:[A-Z]{1,2})?\d{5,9}[A-Z]?|\d{4} \d{4}(?: [A-Z])?)"
    r"(?![\w%/]|[.,-]\d|\s?(?:mg|U|IU|x))"
)
_MEASURED = frozenset(
    """cpt icd pmid nct doi loinc snomed hcpcs opcs geo
    wbc wcc plt plts anc bnp ntprobnp cpk ck ast alt alp ldh hcg bhcg ca cea afp psa crp hiv hcv hbv
    ebv cmv vl rbc asma amylase lipase ferritin trop tn feno gbs id is at on by to in""".split()
)
_BEFORE = re.compile(r"([^\W\d_]{2,})[\s:=]{1,3}$")
_FEWEST_FIGURES, _FEWEST_SIGNS = 4, 6


def find_codes_of_charts(words: Words) -> Iterator[Found]:
    """Give mixed codes, long numbers and what stands behind "#", of a text that is a patient's."""
    text = words.text
    if not is_chart(text):
        return
    for match in _MIXED.finditer(text):
        if _is_code(match.group()):
            yield Found(*match.span(), "other", _LAST_RANK, "id")
    for match in _FIGURES.finditer(text):
        if _is_number_of_somebody(text, match):
            yield Found(*match.span(), "other", _LAST_RANK, "id")
    for match in _LABELLED.finditer(text):
        if _is_labelled(text, match):
            yield Found(*match.span(2), "other", _LAST_RANK, "id")
    for match in _YEARED.finditer(text):
        yield Found(*match.span(), "other", _LAST_RANK, "id")
    for match in _CHAINED.finditer(text):
        yield Found(*match.span(), "other", _RUN_RANK, "id")
    for pattern in (_HASHED, _ZEROED):
        for match in pattern.finditer(text):
            if sum(letter.isdigit() for letter in match[1]) >= _FEWEST_FIGURES:
                yield Found(*match.span(1), "other", _LAST_RANK, "id")


def _is_labelled(text: str, match: re.Match[str]) -> bool:
    """Whether capitals in front of a number announce it: "EMIS 18842", but not "PLT 188400"."""
    low = match[1].lower()
    return not (vocabulary().is_clinical(low) or low in _MEASURED or match[2].endswith("00"))


def _is_code(said: str) -> bool:
    """Whether capitals and figures make a code: no dose, level, stage or gene."""
    figures = sum(letter.isdigit() for letter in said)
    letters = sum(letter.isalpha() for letter in said)
    fewest = _FEWEST_SIGNS - ("-" in said)  # "R-7714"
    if not letters or figures < _FEWEST_FIGURES or figures + letters < fewest:
        return False
    return _UNIT.fullmatch(said) is None


def _is_number_of_somebody(text: str, match: re.Match[str]) -> bool:
    """Whether a long number is no count: not round, and behind no word for what is counted."""
    figures = match.group().replace(" ", "").partition("-")[0]
    if figures.endswith("000") or len(figures) < _FEWEST_SIGNS:
        return False
    before = _BEFORE.search(text[max(0, match.start() - 30) : match.start()])
    low = before[1].lower() if before else ""
    return low not in _MEASURED and not vocabulary().is_clinical(low)
