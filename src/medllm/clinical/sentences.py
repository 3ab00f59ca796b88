"""Sentences of clinical text, with exact offsets, in one pass over the text.

Libraries were looked at: pysbd takes seconds for a megabyte and gives no safe offsets, spaCy's and
NLTK's splitters need a model or a download for the abbreviations that clinical text is full of.
"""

from __future__ import annotations

import re

_ABBREVIATIONS = frozenset(
    """
    al approx art assoc bros ca cf co corp dept diff dr e.g eds eg est etc ext fig figs gen gov
    hosp i.e ie inc incl inj jr lab lat lt ltd max med min misc mr mrs ms op p.o pat
    p.r.n post pp pref prof pt pts ref refs resp rt sec sens sp spec spp sr ss st stat subsp suppl
    syn tab tabs temp univ viz vol vs wt b.i.d t.i.d q.i.d b.d t.d.s o.d i.v i.m s.c a.m p.m
    """.split()
)
_END_ABBREVIATIONS = frozenset("ca a.m p.m etc b.i.d t.i.d q.i.d b.d t.d.s o.d p.o i.v".split())
"""Those after which a sentence may well end: a capital letter decides."""

_BEFORE_NUMBERS = frozenset("no nos nr".split())
_LETTERED = frozenset(
    "hepatitis vitamin type group class stage grade influenza protein factor category".split()
)
"""Words that a single letter belongs to: "hepatitis B." may end a sentence, "Anna B." does not."""

_BREAK = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s|$)|\n")
_SHORT_LINE = 60
"""A line shorter than this was ended on purpose, not wrapped at a margin (usual margins: 70+)."""


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Give the spans of the sentences, in order, without the white space around them.

    The spans cover every non-blank character: `"".join` of what lies between them is white space.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if _ends_line(text, start, match) if match.group() == "\n" else _ends(text, match):
            _append(spans, text, start, match.end())
            start = match.end()
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add the span without its surrounding white space, unless nothing is left."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left < len(piece):
        spans.append((start + left, start + len(piece.rstrip())))


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop, question or exclamation mark ends a sentence here."""
    following = text[match.end() : match.end() + 80].lstrip()[:2]
    if not following:
        return True
    at = match.start()
    if match.group()[0] == "?" and (at == 0 or text[at - 1] in " \n(:,;-"):
        return False  # "? PE" is a doubt and no question
    if not match.group().startswith(".") or match.group().startswith(".."):
        return not following[0].islower()
    at = match.start()
    if at > 0 and text[at - 1].isspace():  # "levels . the": text that was split into tokens
        return True
    if following[0].islower():
        return False
    before = text[max(0, at - 40) : at].split()
    word = before[-1].lstrip("([\"'“‘").lower() if before else ""
    if word in _ABBREVIATIONS:
        return word in _END_ABBREVIATIONS and following[0].isupper()
    if word in _BEFORE_NUMBERS and following[0].isdigit():
        return False
    return not _is_initial(before)


def _is_initial(before: list[str]) -> bool:
    """Whether the last word is the initial of a name ("Anna B. Cole"), not a "hepatitis B"."""
    if not before or len(before[-1]) != 1 or not before[-1].isupper():
        return False
    if len(before) < 2:
        return True
    return before[-2][0].isupper() and before[-2].lower() not in _LETTERED


def _ends_line(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a line break ends a sentence: a blank line, a list item, a line ended on purpose."""
    line_start = max(start, text.rfind("\n", start, match.start()) + 1)
    line = text[line_start : match.start()].strip()
    rest = text[match.end() : match.end() + 200]
    following = rest.lstrip(" \t")
    if not following or following[0] in "\n-*•":
        return True
    if following[0].islower():
        return False
    return len(line) < _SHORT_LINE or line.endswith(":")
