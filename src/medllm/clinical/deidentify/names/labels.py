"""Names behind a title or a label: "Dr Roe", "Name: ROE, JANE", "Attending: J. Roe, K. Doe"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from medllm.clinical.deidentify.names.credentials import credential_at
from medllm.clinical.deidentify.names.reader import (
    Span,
    is_initial,
    is_sure,
    read_name,
)
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_TITLES = frozenset(
    """dr drs mr mrs ms miss mx prof professor doctor sir dame rev reverend messrs mme mlle herr
    frau señor señora sra shri smt kumari pastor imam rabbi sgt sergeant trooper detective constable
    capt captain officer sister nurse matron judge baby pc wpc coach guard fr father deacon bishop
    inspector superintendent deputy sheriff lt lieutenant cpl corporal pvt colonel warden headmaster
    headmistress supervisor instructor councillor""".split()
)
_COMMON_TITLES = frozenset("dr mr mrs ms miss prof doctor".split())
_GIVES_LOWER = frozenset("dr mr mrs ms".split())
_NO_DOT = frozenset(
    "doctor professor sister nurse officer captain judge miss matron baby pastor".split()
)
"""Titles that are no abbreviations: a dot behind them ends the sentence."""
_SHY_TITLES = frozenset(
    """miss sister nurse matron judge baby officer captain pc wpc coach guard fr father deacon
    bishop inspector superintendent deputy sheriff lt lieutenant cpl corporal pvt colonel warden
    headmaster headmistress supervisor instructor councillor""".split()
)
"""Also ordinary words: what follows must look like a name."""
_SHOUTED = ("MS", "MR", "DR", "SIR")
_TITLE_GAPS = (" ", ". ", " . ", ".", "\u00a0", ".\u00a0", "  ", ".  ", ".\n", "\n")
_NAME_LABELS = frozenset(
    """name names surname forename forenames firstname lastname fullname nickname alias aka née nee
    insured subscriber policyholder holder author transcriptionist transcriber typist dictated
    signed""".split()
)
_ROLE_LABELS = frozenset(
    """children presenter discussant moderator speaker chair patient pt client attending physician
    surgeon assistant assistants anesthesiologist anaesthetist anesthesia anaesthesia consultant
    provider pcp gp nurse rn referrer referring requester pathologist radiologist cardiologist
    oncologist neurologist psychiatrist urologist mother father parent parents wife husband spouse
    partner son daughter sister brother nok kin contact guardian witness from to cc re attn
    attention crew present officer technologist by technician sonographer pharmacist dietitian
    coordinator pi investigator subject resident intern fellow interpreter midwife carer caregiver
    relative relatives proxy hcp poa doctor dentist optometrist therapist prescriber host proband
    mum mom dad aunt uncle cousin grandmother grandfather neighbor neighbour friend manager
    counselor counsellor chaplain teacher employee scribe reviewer operator endoscopist reporter
    insurance registration approved verified log transcribed sender recipient informant tenant donor
    case attended attendees staff clinician practitioner specialist registrar examiner reader caller
    requestor ordering performing collector phlebotomist perfusionist circulator observer student
    victim driver passenger applicant beneficiary claimant member dependent dependant offender
    assist validated authenticated released cosigned liaison tech md np do pa sticker surname
    requesting""".split()
)
_NAMELESS = frozenset(
    """brand trade generic drug product file test study procedure medication hospital
    company scientific chemical common user domain medicine device clinic pharmacy
    school program gene host""".split()
)
"""A "name" of these is no person's."""
_LABEL_GAP = re.compile(
    r"[\"']?(?:\s?\([\w /,&-]{0,24}\)|\s#?\d{1,3})?[ \t]{0,6}(?:[:=|]|\.(?=:))[ \t]{0,12}"
    r"(?:\n[ \t]{0,4})?[\"'*]{0,2}"
)
_LIST_GAP = re.compile(r"(?:\)|'s|’s)?\s?(?:,|;|/|&|and)\s?(?:and\s)?|\.?\s/\s|\)?,?\sand\s")
_DASH_GAP = re.compile(r"\s[-–]\s(?=[A-Z])")
_COLUMN_GAP = re.compile(r"[ \t]{2,40}|\t")
_GRADES = frozenset("spr fy sho st ct gpst reg cons sec ca pgy ms foundation".split())
"""British grades in front of a name: "SpR Roe", "FY1 Doe"; "Sec" is the secretary."""
_ACTS = frozenset("agrees agreed will has is was said says saw and recommended advised".split())
SKIPPED = frozenset(
    "dr drs mr mrs ms miss prof professor sir dame rev doctor called named is was".split()
)


def find_titled_names(words: Words) -> Iterator[Span]:
    """Give the names behind titles and behind labels with a colon."""
    for at in words.where(_TITLES):
        yield from _after_title(words, at)
    for at in words.where((_NAME_LABELS | _ROLE_LABELS) - _talkers(words.text)):
        yield from _after_label(words, at)
    for at in words.where(_GRADES):
        if re.fullmatch(r"\d?[: ]{1,2}", words.gap(at)) and words.is_capital(at):
            span = read_name(words, at + 1, trusted=False, cued=True)
            if (
                span
                and (words.lowers[at] in ("spr", "fy", "sho", "gpst") or is_sure(words, span))
                or span
                and words.lowers[at] == "sec"
                and words.gap(span.last - 1)[:4] == " ext"
            ):
                yield span


def _after_title(words: Words, at: int) -> Iterator[Span]:
    low, surface, gap = words.lowers[at], words.surfaces[at], words.gap(at)
    if gap not in _TITLE_GAPS or (low in _NO_DOT and gap[0] == "."):
        return
    after = at + 1
    if low == "baby" and words.lowers[after] in ("boy", "girl"):
        after += 1
    if words.lowers[after] == "and" and low in _COMMON_TITLES:
        return  # "Mr. and Mrs. Roe": the second title has the name
    second = words.lowers[after] in _TITLES and words.is_capital(after)
    if second and words.gap(after) in _TITLE_GAPS and words.is_capital(after + 1):
        return  # "Dr. Prof. Roe", but not "Dr Bishop."
    span = read_name(words, after, trusted=not _is_shy(words, at, after), cued=True)
    lower = _GIVES_LOWER | ({"doctor", "miss"} if words.is_without_capitals else set())
    if span is None and low in lower and surface not in _SHOUTED:
        span = _lower_name(words, after)
    if span:
        yield span
        yield from listed_on(words, span, cued=low in ("drs", "messrs"))


def _is_shy(words: Words, at: int, after: int) -> bool:
    """Whether the title may be another word here, so that only what looks like a name is one."""
    low, surface = words.lowers[at], words.surfaces[at]
    if (
        low == "baby"
        and surface == "Baby"
        and words.gap(after)[:2] in (" (", ", ", ",", ". ", "'s")
    ):
        return False
    if surface in _SHOUTED and not (words.gap(at)[0] == "." and words.surfaces[after].isupper()):
        return True
    return low in _SHY_TITLES or (surface.islower() and low not in _GIVES_LOWER)


def _lower_name(words: Words, at: int) -> Span | None:
    """Give a name in lower case behind a title: "dr. roe"."""
    low = words.lowers[at]
    known = vocabulary()
    if words.surfaces[at].islower() and (len(low) > 2 or low in known.surnames):
        listed = low in known.surnames
        acts = words.lowers[at + 1] in _ACTS or words.is_without_capitals
        if not known.is_plain(low) or (listed and acts):
            return Span(at, at + 1)
    return None


def listed_on(words: Words, span: Span, *, cued: bool = False) -> Iterator[Span]:
    """Give the names that a list goes on with: "J Roe, K Doe and L Poe".

    Where the list is `cued` ("sons Tom and Ben") a single unlisted name is believed behind "and".
    """
    for _ in range(12):
        last = span.last
        joint = _LIST_GAP.fullmatch(words.gap(last - 1)) or words.lowers[last] in ("and", "or")
        if last >= len(words) or not joint:
            return
        last += words.lowers[last] in ("and", "or")
        if words.lowers[last] in SKIPPED:
            return
        following = read_name(words, last, trusted=is_initial(words, last, trusted=True))
        if following is None:
            return
        joined = words.gap(following.first - 1).strip()
        believed = cued and (words.lowers[following.first - 1] == "and" or joined in ("/", "&"))
        if not believed and not is_sure(words, following):
            return
        yield following
        span = following


def _after_label(words: Words, at: int) -> Iterator[Span]:
    low = words.lowers[at]
    dashed = low in _NAME_LABELS and _DASH_GAP.fullmatch(words.gap(at)) is not None
    column = _COLUMN_GAP.fullmatch(words.gap(at)) and _opens_line(words, at)
    if not (dashed or column or _LABEL_GAP.fullmatch(words.gap(at))):
        return
    if low in ("name", "names") and at and words.lowers[at - 1] in _NAMELESS:
        return
    start = skip_titles(words, at + 1)
    if low in _TALKERS and words.lowers[start] in _SAID and _is_said(words, start):
        return  # "Doctor: Oh, I see."
    trusted = low in _NAME_LABELS or _is_before_credential(words, start)
    span = read_name(words, start, trusted=trusted, cued=True, comma=True, capitals=True)
    if span is None and _is_last_and_first(words, start):
        span = read_name(words, start, trusted=True, comma=True)
    if span is None:
        return
    if trusted or is_sure(words, span) or _is_closed(words, span):
        yield span
        yield from listed_on(words, span, cued=_is_slashed(words, span))


_TALKERS = frozenset("patient doctor guest client nurse clinician interviewer therapist".split())
_SAID = frozenset("oh good fine great well".split())
"""Names that, in front of a comma and small letters, are rather what is said."""
_TURN = re.compile(r"^[ \t]*([A-Za-z]{5,11}):", re.MULTILINE)
_FEWEST_TURNS = 3


def _talkers(text: str) -> frozenset[str]:
    """Give the labels that only say who speaks: "Patient:" opens several lines of the text."""
    turns = Counter(match[1].lower() for match in _TURN.finditer(text))
    return frozenset(low for low in _TALKERS if turns[low] >= _FEWEST_TURNS)


def _is_said(words: Words, at: int) -> bool:
    is_small = words.lowers[at + 1].partition("'")[0] == "i" or not words.is_capital(at + 1)
    return words.gap(at) == ", " and is_small


def _opens_line(words: Words, at: int) -> bool:
    """Whether the label is the first of its line, as in a table."""
    start = words.starts[at]
    return words.text[max(0, start - 12) : start].rpartition("\n")[2].strip(" -*|") == ""


def _is_slashed(words: Words, span: Span) -> bool:
    return words.gap(span.last - 1) == " / "


def _is_before_credential(words: Words, at: int) -> bool:
    """Whether a degree stands right behind the word: "Anesthesia: May, CRNA"."""
    return words.gap(at) == ", " and credential_at(words, at + 1) != ""


def skip_titles(words: Words, at: int) -> int:
    """Give the first word from `at` that is no title."""
    while words.lowers[at] in SKIPPED and len(words.gap(at)) <= 2:
        at += 1
    return at


def _is_last_and_first(words: Words, at: int) -> bool:
    """Whether "LAST, FIRST" stands there, though "LAST" means something else as well."""
    if words.gap(at) not in (", ", "^", ","):
        return False
    known = vocabulary()
    return (
        words.is_capital(at)
        and words.is_capital(at + 1)
        and (
            words.lowers[at + 1] in known.given
            or not (known.is_plain(words.lowers[at + 1]) or known.is_clinical(words.lowers[at]))
        )
    )


def _is_closed(words: Words, span: Span) -> bool:
    """Whether the line or the field ends behind the name."""
    behind = words.text[words.ends[span.last - 1] : words.ends[span.last - 1] + 3]
    return not behind.strip() or (
        behind[0] in ",;|\n(<" or behind.startswith(("  ", " (", " / ", ". ", ".\n", " at", " in"))
    )
