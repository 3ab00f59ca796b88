"""Employers: HIPAA counts their identifiers as the patient's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.small_letters import find_firms_in_small_letters
from medllm.clinical.deidentify.text import Found, Words
from medllm.clinical.deidentify.vocabulary import vocabulary

EMPLOYER_RANK = 9
_CUE_WORDS = frozenset(
    """works work worked working employed job driver position retired employer operator clerk
    cashier cleaner manager engineer teacher hired employee workplace supervisor insured""".split()
)
_CUE = re.compile(
    r"(?:(?:works?|worked|working|employed|job|driver|position|retired|hired|operator|clerk|cashier"
    r"|cleaner|manager|engineer|teacher|employee|supervisor)"
    r"(?: (?:part|full)[- ]time| nights| days| shifts)?"
    r"(?: as (?:an? )?[\w-]+(?: [\w-]+)?)? (?:at|for|by|from|with)|employee of"
    r"|insured (?:through|by|via|with)|employer(?= [A-Z])|(?:employer"
    r"|workplace)"
    r"(?: name)?\s?[:=|]|employer is)\s+(?:the\s)?",
    re.IGNORECASE,
)
_LEGAL = frozenset("co ltd limited inc llc llp plc corp".split())
_FIRM_BEFORE = re.compile(
    r"(?:\b(?:at|for|to|from|by|with|of|owns|driver \()\s?|^|[:|]\s?|\n)"
    r"((?:[A-Z][\w'’&-]*,?\s|&\s){1,5})$"
)
"""A firm with its legal form behind "at" or "for": "accountant at Roe Haulage Ltd"."""
_PARTNERS = re.compile(
    r"\b(?=[A-Z])([\w'’-]{2,20}\s&\s(?:Sons|Daughters|Partners|Bros|Associates|Company))\b|"
    r"\b(?:at\s|for\s|work(?:s|ing)?\s\()([A-Z][\w'’-]{2,20}\s&\s[A-Z][\w'’-]{2,20})\b"
)
_COMPANY = re.compile(
    r"[A-Z0-9][\w'’&-]*(?:(?<=\b[A-Z])\.)?(?:,? (?:[A-Z0-9&][\w'’&-]*(?:(?<=\b[A-Z])\.)?"
    r"|and(?= [A-Z])|plc"
    r"|ltd|inc|gmbh|co)(?=[\s,.;)]|$)){0,5}"
)
_COMPANY_END = re.compile(
    r"\b(?:ltd|limited|inc|llc|llp|plc|corp|corporation|company|co|bros|brothers|sons|gmbh|group"
    r"|pty"
    r"|buses|mills?|foods|stores?|motors|logistics|industries|services|bank|groceries|supermarket"
    r"|bakery"
    r"|associates|partners|enterprises|systems|solutions|airlines|railways?|construction|farms?"
    r"|press"
    r"|electric|steel|shipping|freight|garage|restaurant|café|cafe|hotel|insurance|council)\b\.?",
    re.IGNORECASE,
)
_SENTENCE_GOES_ON = re.compile(r"\s(?:WITH|SINCE|WHO|AND|FOR|IN|AT|ON|FROM|HAS|IS|WAS|BUT|BY)\s")
"""Behind an employer in a text all in capitals."""


def find_employers(words: Words) -> Iterator[Found]:
    """Give the firm behind "works for", "driver at" and "Employer:"."""
    text, known = words.text, vocabulary()
    for at in words.where(_LEGAL):
        firm = _FIRM_BEFORE.search(text[max(0, words.starts[at] - 50) : words.starts[at]])
        if firm and words.is_capital(at) or firm and words.lowers[at] == "plc":
            start = words.starts[at] - len(firm[1])
            yield Found(start, words.ends[at], "name", EMPLOYER_RANK, "company")
    for start, end in find_firms_in_small_letters(words):
        yield Found(start, end, "name", EMPLOYER_RANK, "company")
    for partners in _PARTNERS.finditer(text):
        yield Found(*partners.span(1 if partners[1] else 2), "name", EMPLOYER_RANK, "company")
    for at in words.where(_CUE_WORDS):
        cue = _CUE.match(text, words.starts[at])
        match = _COMPANY.match(text, cue.end()) if cue else None
        if not match or not cue:
            continue
        parts = re.findall(r"[^\W\d_]{2,}", match.group().lower())
        told = any(mark in cue.group() for mark in ":=|")
        named = parts and (len(parts) > 1 or not all(map(known.is_plain, parts)))
        shouted = match.group().isupper() and len(match.group()) < 4
        if named and (told or _COMPANY_END.search(match.group()) or not shouted):
            said = _SENTENCE_GOES_ON.split(match.group())[0]  # "BLUE FREIGHT WITH COLIC"
            end = match.start() + len(said) - said.endswith(".")
            yield Found(match.start(), end, "name", EMPLOYER_RANK, "company")
