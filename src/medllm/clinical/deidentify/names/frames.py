"""Names by their frame: "Quillon's daughter", "Quillon, 71, was", "Quillon from physio".

The word in the frame is in no list; it must look like a name and be no word that is known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from medllm.clinical.deidentify.names.eponyms import is_eponym_use, is_firm
from medllm.clinical.deidentify.names.labels import listed_on
from medllm.clinical.deidentify.names.reader import Span, is_namelike, read_name
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import fold, vocabulary

_OWNED = frozenset(
    """daughter son wife husband mother father mum mom dad sister brother partner family parents
    children baby aunt uncle niece nephew cousin friend neighbour neighbor carer caregiver house
    room flat home bed chair care blood medication medications name records wishes birthday school
    teacher boyfriend girlfriend grandmother grandfather granddaughter grandson stay case symptoms
    mood behaviour behavior labs bloods discharge progress recovery hair glasses dentures belongings
    phone number appointment""".split()
)
"""What stands behind a person's "'s" and hardly ever behind an eponym's."""
_AGED_BEHIND = re.compile(
    r" \d{2,3} ?(?:[MF]|y/?o)\b|"
    r", an? \d{1,3}[- ]?(?:year|yr|y/?o)| \(\d{1,3} ?(?:[MF]|yo?|yrs?)\)|"
    r",? ?(?:,|\(|–|-) ?(?:(?:aged|age) )?\d{1,3}(?: ?(?:y|yo|yrs?|years?))?(?:\)|,)\s?"
    r"(?:was|is|of|who|a\b|an\b|has|had|came|from|lives|presented|retired|the|admitted|attended|and)"
)
_DIALLED = re.compile(r" (?:at|on|via) (?:\+|\(?\d{2,5}\)?[ .-]\d|ext|x\d)")
_DEPARTMENT = re.compile(
    r" (?:from|in|at) (?:the )?(?:ward|physio|physiotherapy|ot\b|pt\b|occupational|radiology"
    r"|pharmacy|icu|theatre|admissions|admitting|registration|reception|billing|medical records"
    r"|social (?:work|services)|case management|dietetics|speech|palliative|infection control"
    r"|lab\b|microbiology|blood bank"
    r"|outpatients|safeguarding|housekeeping|bed management|home health|hospice|triage)",
    re.IGNORECASE,
)
_HONOURS = re.compile(
    r"(?<![\w/])(?:S/N|Pt(?=\.)|SN|HCA|CNA|RN|EN|RMN|RGN|NP|ANP|ENP|AIN|PCA|LPN|LVN|MO|JMO|RMO|SpR|Mdm|Madam|Dra|Hr|Fr|Mme|Sig|Sigra|Dott|Dottssa|Mstr|Master|Hon|Cllr"
    r"|PCSO|DC|DS|DI|Rev|Sra|Don|Doña|Nurse|Sr|Ustadh|Sheikh|Haji|Pandit|Encik|Puan|Datuk|Ng[aà]i)"
    r"\.? (?=[A-ZÀ-Þ][\w'’-])"
)
_LONE_LINE = re.compile(
    r"^[ \t]{0,12}((?:[^\W\d_][\w'’.-]{0,20} ){1,3}[^\W\d_][\w'’-]{1,20})[ \t]{0,3},?$",
    re.MULTILINE,
)
_CONSULTED = re.compile(
    r"\b(?:cardiology|neurology|surgery|ID|renal|nephrology|GI|pulmonology|pulm|oncology|urology|ENT"
    r"|ortho|orthopa?edics|psychiatry|dermatology|rheumatology|endocrine|endocrinology|ha?ematology"
    r"|PCP|GP|anesthesia|anaesthesia|radiology|pathology|attending|resident|intern|fellow|nurse|RN|PT"
    r"|OT|SW|reg|registrar|SpR|consultant|pharmacist|dietitian|physio)"
    r" \((?:Dr\.? )?(?=[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?\))"
)
_ANNOUNCED = re.compile(
    r"\b(?:[Aa]sk for|[Tt]hank you,|[Tt]hanks,|[Tt]his is|certify that|[Pp]lan for"
    r"|[Ss]urvived by(?: \w+)?|children|[Aa]gent|[Cc]aller|spoke to|speak to|talked to|on behalf of"
    r"|care of|R[xX] by|CC|[Bb]leep|[Pp]age|[Bb]ed \d{1,3}|known to|[Aa]uthored by|[Pp]repared by"
    r"|[Aa]ttn|[Cc]ertifier) (?=[A-ZÀ-Þ])"
)
"""What a name follows, of a person listed or not; what else may follow is a word that is known."""
_ALIASED = re.compile(
    r"(?<![\w'’-])([A-ZÀ-Þ][a-zà-ÿ'’-]{2,20})"
    r"(?= \(?[\"“(]?(?:prefers|goes by|likes to be called|a\.?k\.?a\.?|née|nee)\b)"
)
_SPEAKER = re.compile(r"^[ \t]{0,4}(?:Agent )?([A-ZÀ-Þ][^\W\d_'’-]{1,20}):[ ]", re.MULTILINE)
_REPORTS = frozenset("from here calling on c reports states feels slept says denies had is".split())
_SPEECH_LABEL = re.compile(r"^[ \t]{0,4}[ISBARD]:[ ]", re.MULTILINE)


def find_framed_names(words: Words) -> Iterator[Span]:
    """Give the names that their frame shows, listed in no list or not."""
    for at in words.capitals:
        if _is_framed(words, at):
            yield Span(at, at + 1)
    for match in _HONOURS.finditer(words.text):
        span = read_name(words, words.at_or_after(match.end()), trusted=False, cued=True)
        if span:
            yield span
    for match in _SPEECH_LABEL.finditer(words.text):
        at = words.at_or_after(match.end())
        if _is_unknown(words, at) and words.lowers[at + 1] in _REPORTS:
            yield Span(at, at + 1)
    for pattern in (_CONSULTED, _ANNOUNCED):
        for match in pattern.finditer(words.text):
            yield from _announced(words, words.at_or_after(match.end()), pattern is _CONSULTED)
    for match in _ALIASED.finditer(words.text):
        at = words.at_or_after(match.start())
        if not vocabulary().is_plain(words.lowers[at]):
            yield Span(at, at + 1)
    yield from _find_speakers(words)
    for line in _LONE_LINE.finditer(words.text):
        span = _whole_line(words, line)
        if span:
            yield span


def _announced(words: Words, at: int, in_brackets: bool) -> Iterator[Span]:
    low = words.lowers[at]
    given = low in vocabulary().given and words.gap(at)[:1] in (",", ".", ":")
    surname = in_brackets and low in vocabulary().surnames and words.gap(at)[:1] == ")"
    span = read_name(words, at, trusted=False, cued=True)
    if span is None and (given or surname) and not words.surfaces[at].isupper():
        span = Span(at, at + 1)
    if span and not is_eponym_use(words, at, by_head=True):
        yield span
        yield from listed_on(words, span, cued=True)


def _find_speakers(words: Words) -> Iterator[Span]:
    """Give who speaks in a chat: a word in front of the colon of two lines or more."""
    said = [(match[1], match.start(1)) for match in _SPEAKER.finditer(words.text)]
    counts = Counter(name for name, _ in said)
    known = vocabulary()
    for name, start in said:
        low = fold(name)
        listed = low in known.given and not known.is_clinical(low)
        if counts[name] > 1 and not name.isupper() and (listed or not known.is_plain(low)):
            at = words.at_or_after(start)
            yield Span(at, at + 1)


def _is_unknown(words: Words, at: int) -> bool:
    """Whether a word with a capital could be a person: no eponym, no firm, no abbreviation."""
    low, surface = words.lowers[at], words.surfaces[at]
    if len(low) < 2 or (surface.isupper() and len(surface) < 7) or not is_namelike(words, at):
        return False
    known = vocabulary()
    if known.is_land(low) or low in known.eponyms or is_firm(words, at):
        return False
    return not is_eponym_use(words, at, by_head=True)


def _is_framed(words: Words, at: int) -> bool:
    end = words.ends[at]
    if words.has_possessive(at) and words.lowers[at + 1] in _OWNED:
        return _is_unknown(words, at)
    if not words.text.startswith((" ", ",", "("), end):
        return False
    if _AGED_BEHIND.match(words.text, end) and words.lowers[at] in vocabulary().eponyms:
        return vocabulary().is_listed_name(words.lowers[at])  # "Hunt, 71, was found"
    frames = (_AGED_BEHIND, _DIALLED, _DEPARTMENT)
    return any(frame.match(words.text, end) for frame in frames) and _is_unknown(words, at)


def _whole_line(words: Words, line: re.Match[str]) -> Span | None:
    """Give the name that is all of a line, as in the block of an address or below a letter."""
    known = vocabulary()
    first, last = words.at_or_after(line.start(1)), words.at_or_after(line.end(1) - 1)
    full = [at for at in range(first, last + 1) if len(words.surfaces[at]) > 1]
    lows = [words.lowers[at] for at in full if words.is_capital(at)]
    if len(lows) < 2 or len(full) - len(lows) > 2 or any(map(known.is_city, lows)):
        return None
    if sum(map(known.is_listed_name, lows)) < 1 or any(map(known.is_clinical, lows)):
        return None
    sure = [at for at in full if words.is_capital(at) and is_namelike(words, at, capitals=True)]
    plain = [low for low in lows if low in known.ordinary]
    if len(sure) < len(lows) or len(plain) > 1 or known.is_land(lows[-1]):
        return None
    if any(is_eponym_use(words, at, by_head=True) for at in full):
        return None
    return Span(first, last + 1)
