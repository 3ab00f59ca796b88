"""Numbers that no label of the list announces: "blood bag number B2840 06", "key safe 0977"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.text import Found, Words

_CODE_RANK, _LAST_RANK = 5, 38
_DATE = re.compile(
    r"(?:\d{1,2}[./]){2}(?:\d{4}|\d{2})|(?:19|20)\d\d-\d\d-\d\d|\d{1,2}[./]\d{1,2}|(?:19|20)\d\d"
)
_ANY_NUMBER = re.compile(
    r"[a-z)] (?:number|no\.|no(?= \d{3})|nr\.?|ID|#) ?[:#]? ?"
    r"([A-Z]{0,4}(?:(?<=[A-Z])[/-])?\d[\dA-Z]*(?:[ /-][\dA-Z]{2,8}){0,4})(?![\w/]|\.\d)"
)
"""Whatever is numbered: "blood bag number B2840 06 528222"; few figures count and do not name."""
_COUNTED = re.compile(r"(?:copy|catalog\w*|lot|batch|model|version|atomic|trial|approval) \w+\.?$")
_CODE_WORDS = re.compile(
    r"(?:key ?safe|(?:door|gate|entry|lock|alarm|access)"
    r" (?:code|pin))[:=]? ([A-Z]?\d{3,8}[A-Z]?)\b",
    re.I,
)


def find_loose_numbers(words: Words) -> Iterator[Found]:
    """Give the codes of doors and safes, and the numbers of whatever is numbered."""
    for at in words.where(("key", "keysafe", "door", "gate", "entry", "lock", "alarm", "access")):
        code = _CODE_WORDS.match(words.text, words.starts[at])
        if code:
            yield Found(*code.span(1), "other", _CODE_RANK, "id")
    yield from _find_numbered(words.text)


def _find_numbered(text: str) -> Iterator[Found]:
    for match in _ANY_NUMBER.finditer(text):
        digits = sum(letter.isdigit() for letter in match[1])
        before = text[max(0, match.start() - 20) : match.start(1)].rstrip(" :#")
        long = digits >= 5 or (
            digits == 4 and match[1].isdigit() and match[1][:2] not in ("19", "20")
        )
        if long and not _COUNTED.search(before) and not _DATE.fullmatch(match[1]):
            yield Found(*match.span(1), "other", _LAST_RANK, "id")
