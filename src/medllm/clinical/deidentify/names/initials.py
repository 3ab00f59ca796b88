"""Initials that stand for a person: at the foot of a dictation, behind "initials", as a subject."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from medllm.clinical.deidentify.text import Found, is_chart
from medllm.clinical.deidentify.vocabulary import fold, vocabulary

NAME_RANK = 10
_PARTICIPANT = re.compile(
    r"\b(?:[Pp]articipant|[Ss]ubject|[Pp]atient|[Vv]olunteer)\s(?:no\.?\s|number\s"
    r"|ID\s)?[\w-]{2,12}\s"
    r"\(([A-ZÀ-Þ]{2,3})\)"
)
_FOOTER = re.compile(
    r"[A-Z](?<![\w/].)[A-Z]{1,2}([/:])([a-z]{2,3})(?=\s*$|\s*\n|\s+[DT][:/ ]|\s+\d{1,2}/\d)",
    re.MULTILINE,
)
_TYPED = re.compile(r"(?<![\w/])([a-z]{2,3})/([a-z]{2,3}\d{2,6})\b")
"""Who dictated and who typed: "jr/mk4711"."""
_DOTTED = re.compile(
    r"(?<![\w.@/-])(?!(?:U\.S|U\.K|I\.V|I\.M|P\.O|S\.C|E\.R|E\.D|O\.R|B\.C|A\.D|Q\.D|C\.T|E\.G|I\.E|A\.M"
    r"|P\.M|N\.S|M\.D|D\.O|R\.N|P\.R|O\.D|O\.S|O\.U|D\.C|L\.A|N\.Y|H\.R|B\.P|R\.R|N\.B|P\.S|P\.T|O\.T|G\.I"
    r"|G\.U|B\.A|B\.S|M\.A|M\.S|P\.A|J\.R|S\.A|N\.P|I\.D|D\.T|S\.P|E\.N|T\.B|V\.A|N\.A|Q\.I)\.)"
    r"[A-Z]\.\s?[A-Z]\.(?:\s?[A-Z]\.)?(?=['’]s\b|,?\s(?:and|is|was|has|had|denies|reports|says|said"
    r"|states|who|presented|came|lives|attended|complains|will|does|did|feels|walked|remains)\b"
    r"|,\s\d{1,3}(?:,|\s?[yMF])|\s\([\"“])"
)
"""Initials that do what a person does: "J.T. denies"; not "I.V. and oral"."""
_INITIALS = re.compile(r"\b[Ii]nitials\b\s?[:=]?\s?\(?([A-Z](?:[.-]?\s?[A-Z]){1,2})\b\.?")
_MIDDLE = re.compile(r"\b(?:MI|M\.I\.|[Mm]iddle [Ii]nitial)\s?[:|]\s?([A-Z])\b")
_WITH_INITIALS = re.compile(
    r"\b(([A-ZÀ-Þ])[\w'’-]{1,30}(?: [A-ZÀ-Þ][\w'’-]{1,30}){1,2}) \(([A-Z]{2,3})\)"
    r"(?= (?:is|was|has|had|presented|came)|,|\.)"
)
"""A name with its initials behind it: "Ann Roe (AR) is"."""
_SIGNED_BY = re.compile(
    r"\b(?:by|tr|trans|typed|entered|keyed|taken|read back|per)[:\s]\s?([A-Z]{2,3}|[a-z]{3})"
    r"(?=\s*$|\s*\n|\.(?:\s|$)|\s*[/|]|\s(?:RN|MD)\b)",
    re.MULTILINE,
)
_NOT_SIGNED = frozenset(
    """ems pcp gp ct mri us ed er id gi ent ir pt ot sw rn md np pa cxr pcr him her them day it us
    fax bus car van ivf icu ccu hcp his icd who nhs cbc lab ecg ekg eeg
    emg egd ngt peg hpi cab all two one""".split()
)
"""What things are done by, or who does them, and no initials."""


def find_initials(text: str) -> Iterator[Found]:
    """Give the initials at the foot of a dictation ("JR/mk") and those a label announces."""
    for match in _FOOTER.finditer(text):
        yield Found(match.start(), match.start(1), "name", NAME_RANK, "initials")
        yield Found(*match.span(2), "name", NAME_RANK, "initials")
    for match in _TYPED.finditer(text):
        yield Found(*match.span(1), "name", NAME_RANK, "initials")
        yield Found(*match.span(2), "other", NAME_RANK, "id")
    for match in chain(_INITIALS.finditer(text), _PARTICIPANT.finditer(text)):
        yield Found(*match.span(1), "name", NAME_RANK - 1, "initials")
    for match in _MIDDLE.finditer(text):
        yield Found(*match.span(1), "name", NAME_RANK, "initials")
    for match in _WITH_INITIALS.finditer(text):
        parts = match[1].split()
        same = match[3][0] == parts[0][0] and match[3][-1] == parts[-1][0]
        if same and not any(map(_is_word, parts)):
            yield Found(*match.span(1), "name", NAME_RANK - 1, "person")
            yield Found(*match.span(3), "name", NAME_RANK - 1, "initials")
    if is_chart(text):
        for match in _SIGNED_BY.finditer(text):
            low = match[1].lower()
            if low not in _NOT_SIGNED and not vocabulary().is_plain(low):
                yield Found(*match.span(1), "name", NAME_RANK + 2, "initials")
    for match in _DOTTED.finditer(text):
        yield Found(*match.span(), "name", NAME_RANK - 1, "initials")


def _is_word(part: str) -> bool:
    """Whether a part of what may be a name is a word and no listed name: "Intensive Care Unit"."""
    known, low = vocabulary(), fold(part)
    if known.is_clinical(low) or (low in known.eponyms and not known.is_listed_name(low)):
        return True
    return (known.is_plain(low) or not part[1:].islower()) and not known.is_listed_name(low)
