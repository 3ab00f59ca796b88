"""Text from a model as plain words: no links, pictures, tags, marks or invisible characters."""

from __future__ import annotations

import re
import unicodedata

_NUMBERS = r"#?\d{1,6}(?:\s*(?:[,;&–-]|and)\s*#?\d{1,6})*"
_KIND = r"(?:(?:sources?|passages?|references?|refs?\.?|patients?|articles?|documents?)\s*)"
MARKS = re.compile(
    rf"\[\s*\^?{_KIND}?{_NUMBERS}\s*\]|【\s*{_KIND}?{_NUMBERS}[^】\n]{{0,20}}】"
    rf"|\(\s*(?:sources?|passages?|references?)\s+{_NUMBERS}\s*\)",
    re.IGNORECASE,
)
"""Citations in running text: [1], [1, 2], [source 3], 【4】, (passages 1 and 2)."""
_NUMBER_OR_RANGE = re.compile(r"(\d{1,6})(?:\s*[–-]\s*#?(\d{1,6}))?")
_MOST_IN_RANGE = 20

_IMAGE_OR_LINK = re.compile(r"!?\[([^\]]*)\]\s?\([^)]*\)?")
_REFERENCE_LINK = re.compile(r"!?\[([^\]]*[^\W\d][^\]]*)\]\s?\[[^\]\d][^\]]*\]")
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,15}://\S*|\b(?:(?:javascript|vbscript|mailto|tel):(?=\S)|data:\w+/)\S*"
    r"|\bwww\.\S+|//[\w-]+(?:\.[\w-]+)+\S*",
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    r"\b(?:[\w-]+\.)+(?:com|net|org|info|biz|io|ru|cn|onion|example|test|invalid)\b(?:[:/]\S*)?"
)
_TAG = re.compile(
    r"</?[a-z][a-z0-9-]*(?:\s+[a-z][\w:-]*\s*=[^<>]*)?\s*/?>|<!--.*?(?:-->|$)|<(?:a|img|script|iframe|object|embed|svg|style|link|form|meta|base)\b"
    r"(?:\s+[\w:-]+\s*=\s*[^\s<>]+)*"
    r"|</?[0-9a-f]{8} \d+>|<\|[^|<>]{1,40}\|>",
    re.IGNORECASE,
)
_TURN = re.compile(r"\[/?(?:INST|SYS)\]|<</?SYS>>")


def clean(text: str) -> str:
    """Give the words of a sentence on one line, without all that is no word of it."""
    text = "".join(letter for letter in text if not _is_invisible(letter))
    text = _IMAGE_OR_LINK.sub(r"\1", _TURN.sub(" ", text))
    text = _REFERENCE_LINK.sub(r"\1", text)
    text = _TAG.sub(" ", text)
    text = _DOMAIN.sub(" ", _ADDRESS.sub(" ", text))
    text = MARKS.sub(" ", text).replace("**", "").replace("`", "")
    text = re.sub(r"\(\s*\)|\[\s*\]", " ", text)
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(text.split()))


def numbers_in(text: str) -> list[int]:
    """Give the numbers of all marks in a text, in order; a range gives all of it."""
    marks = MARKS.findall(text)
    return list(dict.fromkeys(n for mark in marks for n in _numbers_of(mark)))


def _numbers_of(mark: str) -> list[int]:
    numbers: list[int] = []
    for match in _NUMBER_OR_RANGE.finditer(mark):
        first, last = int(match[1]), int(match[2] or match[1])
        is_range = first < last <= first + _MOST_IN_RANGE
        numbers += range(first, last + 1) if is_range else [first, last]
    return numbers


def _is_invisible(letter: str) -> bool:
    """Whether a character shows nothing, or turns the direction of what follows."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co") and not letter.isspace()
