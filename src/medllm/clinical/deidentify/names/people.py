"""Names that a relation, a role, a phrase or a degree announces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.credentials import CREDENTIALS, credential_at
from medllm.clinical.deidentify.names.labels import SKIPPED, listed_on, skip_titles
from medllm.clinical.deidentify.names.reader import (
    Span,
    is_initial,
    is_namelike,
    is_sure,
    read_name,
    read_name_before,
)
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_RELATIVES = frozenset(
    """wife husband spouse partner fiancé fiancée fiance fiancee son sons daughter daughters mother
    father mum mom dad brother brothers sister sisters twin sibling siblings uncle aunt cousin
    cousins nephew niece grandmother grandfather grandson granddaughter granddaughters grandsons
    stepmother stepfather stepson stepdaughter child children girlfriend boyfriend widow widower
    parents friend neighbor neighbour roommate flatmate carer caregiver guardian ex-wife
    brother-in-law sister-in-law mother-in-law father-in-law son-in-law daughter-in-law half-brother
    half-sister step-father step-mother great-aunt great-uncle grandma grandpa nan gran granny
    ex-husband godmother colleague boss carers caregivers neighbours neighbors friends aunts uncles
    nieces nephews grandparents colleagues guardians witnesses partners husbands babysitter nanny
    bystander housekeeper caretaker stepsister stepbrother fosterer employer landlord mate housemate
    tenant baby twins hija hijo esposo esposa madre padre hermana hermano abuela abuelo tia tio
    madrina padrino""".split()
)
_ROLES = frozenset(
    """nurse midwife coordinator interpreter worker officer secretary pharmacist therapist visitor
    physiotherapist physio manager teacher trooper registrar dietitian psychologist psychiatrist
    surgeon physician oncologist cardiologist neurologist urologist dermatologist gynecologist
    gynaecologist paediatrician pediatrician radiologist pathologist anesthesiologist anaesthetist
    consultant gp pcp hcp poa dentist optometrist podiatrist counselor counsellor chaplain pastor
    attending resident intern fellow hospitalist provider specialist sonographer technologist
    technician operator assistant sponsor lawyer attorney solicitor landlord proxy contact rn np
    prescriber scribe paramedic policeman constable coroner student nok pi md sw ot slp receptionist
    aide employee client patient pt proband infant tech phlebotomist optician audiologist hygienist
    neonatologist geriatrician nephrologist endocrinologist gastroenterologist hematologist
    haematologist rheumatologist pulmonologist intensivist tutor headteacher supervisor instructor
    trainer recorder endoscopist caller foreman principal translator executor trustee volunteer
    porter dispatcher sitter guard coach perfusionist orthotist prosthetist embryologist sonologist
    orthodontist rep representative advocate keyworker buddy
    adviser advisor crew cns hca clerk caseworker emt medic navigator adjuster sponsor nephro cards
    pulm neuro uro ortho endo rheum psych anes dietician matron""".split()
)
_BARE = frozenset("pt patient client proband infant employee student".split())
"""Roles of the patient: what follows must be a sure name, as in "Pt Ann Roe"."""
_BY_VERBS = frozenset(
    """consent consented signed dictated seen reviewed reported performed referred accompanied
    witnessed transcribed authorised authorized verified typed prepared written recorded checked
    taken interpreted requested ordered placed certified examined followed managed treated assisted
    supervised sent completed brought attended escorted informed entered implanted approved filed
    countersigned obtained administered assessed evaluated cpr driven discussed cosigned finalized
    confirmed inserted""".split()
)
_WITH_VERBS = frozenset(
    """discussed d/w spoke spoken meeting seen reviewed lives lived talked met consulted conferred
    conversation appointment session interview call chat visit follow-up followup resides living
    staying clinic d s w""".split()
)
_TO_VERBS = frozenset(
    "called reported communicated conveyed spoke spoken talked relayed sent copied addressed given "
    "handed over letter".split()
)
_TOLD = frozenset(
    "called reported communicated conveyed spoke spoken talked discussed met seen reviewed".split()
)
_BEFORE_SOMEBODY = frozenset(
    """referring re reach reached regarding contacted called paged texted phoned rang notified
    informed updated saw met see seeing visited emailed telephoned asked told thanked""".split()
)
"""Words in front of a person or of a thing: only two parts, or a listed name, are a name."""
_ON_BEHALF = frozenset("on about for".split())
_ABOUT_VERBS = frozenset(
    "dictating calling dictation report letter opening concerning seen".split()
)
_SPEECH = frozenset("session interview conversation chat".split())
_LIVES = frozenset("lives living lived resides staying stays".split())
_TIME_BEFORE = re.compile(r"\d:\d\d(?:\s?[ap]m)?\s$")
_CALLED = re.compile(r"(?:known as|goes by|call me|name is|name was|i'm|i am|this is|called)$")
_SHORT_GAP = re.compile(r"(?:'s|’s)?,?\s?[(:]?\s?[\"“]?")
_CREDENTIAL_WORDS = CREDENTIALS | frozenset("m d r n p ph".split())


def find_people(words: Words) -> Iterator[Span]:
    """Give the names that the words around them announce, titles and labels apart."""
    for at in words.where(_ROLES):
        yield from _before_role(words, at)
    for at in words.where(_RELATIVES | _ROLES):
        yield from _after_person(words, at)
        yield from _before_relation(words, at)
    for at in words.where(
        ("by", "with", "w", "d/w", "to", "me", "is", "as", "am", "i'm", "was", "w")
    ):
        yield from _after_phrase(words, at)
    for at in words.where("sdwch"):
        yield from _after_parentage(words, at)
    for at in words.where(_BEFORE_SOMEBODY | _ON_BEHALF):
        yield from _after_verb(words, at)
    for at in words.where(_CREDENTIAL_WORDS):
        if at and credential_at(words, at):
            yield from _before_credential(words, at)


def _after_person(words: Words, at: int) -> Iterator[Span]:
    """Read "his wife Maria", "daughter (Ann Roe)", "social worker, Ann Roe", "sons Tom and Ben"."""
    if not _SHORT_GAP.fullmatch(words.gap(at)):
        return
    start = at + 1
    while words.lowers[start] in SKIPPED | {"name", "names", "called", "named"}:
        if not re.fullmatch(r"(?:'s|’s)?[.,:]?\s?", words.gap(start)):
            return
        start += 1
    if not words.is_capital(start) or (
        re.match(r"\s\d", words.text[words.ends[start] :][:2])
        and vocabulary().is_plain(words.lowers[start])
    ):
        return  # "his wife (Case 4)"
    low = words.lowers[at]
    shouted = words.surfaces[at].isupper() and words.surfaces[start].isupper()
    capitals = low in ("pt", "patient") or (shouted and low in _RELATIVES)
    span = read_name(words, start, trusted=False, cued=True, capitals=capitals)
    if (
        span is None
        and low in _RELATIVES
        and words.lowers[start] in vocabulary().given
        and (words.gap(start)[:1] in (",", ")", ".", ";") or words.has_possessive(start))
    ):
        span = Span(start, start + 1)  # "her sister Grace, who", though grace is a word
    if span is None and _is_plain_surname(words, at, start):
        span = Span(start, start + 1)  # "Attending Little" at the end of a line
    if span is None or (words.gap(at).strip() == ":" and not is_sure(words, span)):
        return
    if (
        low in ("md", "sw", "ot", "slp", "np", "rn", "cns", "hca", "emt")
        and not words.surfaces[at].isupper()
    ):
        return
    if low in _BARE and not is_sure(words, span) and words.surfaces[at] != "Pt":
        return
    yield span
    yield from listed_on(words, span, cued=low in _RELATIVES)


def _is_plain_surname(words: Words, at: int, start: int) -> bool:
    """Whether a family name that is a word too closes the line behind somebody's role."""
    known, surface = vocabulary(), words.surfaces[start]
    if words.gap(at) != " " or words.lowers[start] not in known.surnames or surface.isupper():
        return False
    closed = words.gap(start)[:1] in ("\n", ",", "", ")", ".") and words.lowers[at] in _ROLES
    return closed and not known.is_clinical(words.lowers[start])


def _before_relation(words: Words, at: int) -> Iterator[Span]:
    """Read "Ann Roe (daughter)" and "Tom (brother)", also an unlisted name before ")"."""
    opened = at > 1 and words.gap(at - 1) == ", " and words.gap(at - 2)[-1:] == "("
    opened = opened and words.is_capital(at - 1)  # "family (Tom, brother)"
    if at and (words.gap(at - 1) in (" (", "(") or opened):
        span = read_name_before(words, at - 1, fewest=1)
        closed = words.gap(at)[:1] in (")", ",", " ", ";")
        if span and (is_sure(words, span) or (closed and words.lowers[at] in _RELATIVES)):
            yield span


def _before_role(words: Words, at: int) -> Iterator[Span]:
    """Read "Ann Roe, charge nurse" and "A Roe, Consultant Neurologist"."""
    for last in range(at - 1, max(-1, at - 4), -1):
        gap = words.gap(last)
        if gap == ", ":
            fewest = 1 if words.lowers[last + 1] in ("charge", "triage", "bedside") else 2
            span = read_name_before(words, last, fewest=fewest)
            if span and is_sure(words, span) and not _is_city(words, span):
                yield span
            return
        if gap != " ":
            return


def _after_phrase(words: Words, at: int) -> Iterator[Span]:
    """Read "signed by Ann Roe", "discussed with Ann Roe", "my name is Ann", "this is Ann Roe"."""
    low, before = words.lowers[at], words.lowers[at - 1] if at else ""
    if low == "by":
        fits = before in _BY_VERBS
    elif low == "with":
        fits = before in _WITH_VERBS or _is_timed(words, at)
    elif low == "w":
        fits = before in ("d", "s") and words.gap(at - 1) == "/"
    elif low == "to":
        fits = before in _TO_VERBS
    else:
        fits = _CALLED.search(f"{before} {low}") is not None
    if not fits or not re.fullmatch(r",?\s[(\"“']?|/\s?", words.gap(at)):
        return
    span = read_name(words, at + 1, trusted=False, cued=True)
    believed = low in ("by", "me", "w") or before in _LIVES | _SPEECH or _is_timed(words, at)
    believed = believed or (span is not None and credential_at(words, span.last) != "")
    if span and before in _TOLD:
        believed = words.lowers[span.last] in (
            "at",
            "by",
            "on",
            "in",
            "from",
            "who",
            "and",
            "about",
            "re",
        )
    if span and (believed or is_sure(words, span)):
        yield span
        yield from listed_on(words, span)


def _is_timed(words: Words, at: int) -> bool:
    """Whether a time of day stands in front: "at 10:15 with Ann"."""
    start = words.starts[at]
    return _TIME_BEFORE.search(words.text[max(0, start - 8) : start]) is not None


def _after_parentage(words: Words, at: int) -> Iterator[Span]:
    """Read "S/O Ann Roe", "D/O", "W/O": son, daughter, wife of, as Indian notes write."""
    if (
        words.gap(at) == "/"
        and words.lowers[at + 1] == "o"
        and words.surfaces[at].isupper()
        and re.fullmatch(r"[:.]?\s", words.gap(at + 1))
        and words.is_capital(at + 2)
    ):
        span = read_name(words, skip_titles(words, at + 2), trusted=False, cued=True)
        if span:
            yield span


def _after_verb(words: Words, at: int) -> Iterator[Span]:
    """Read "unable to reach Ann Roe", "called Ann", "re Ann.", "dictating on Ann Roe"."""
    low = words.lowers[at]
    if words.gap(at) not in (" ", ": ") or not words.is_capital(at + 1):
        return
    if low in _ON_BEHALF and (not at or words.lowers[at - 1] not in _ABOUT_VERBS):
        return
    span = read_name(words, at + 1, trusted=False, cued=True, comma=low in _ON_BEHALF)
    if span is None:
        return
    behind = words.gap(span.last - 1)[:1]
    if is_sure(words, span) or (
        low in ("re", "regarding") and behind in (".", ",", ";", ")", "\n")
    ):
        yield span


def _before_credential(words: Words, at: int) -> Iterator[Span]:
    gap = words.gap(at - 1)
    if gap not in (", ", " ", ",", "  ", ". ", " (", "., "):
        return
    if words.lowers[at - 1] in ("d", "n") and at >= 2:
        return
    if credential_at(words, at - 1):  # "Ann Roe, RN, BSN": the first degree has the name
        return
    strong = credential_at(words, at) == "strong"
    if not strong and gap != ", ":
        return
    span = read_name_before(words, at - 1, fewest=2)
    nursing = gap == " " and words.lowers[at] in ("rn", "lpn", "cna", "crna", "lvn", "lcsw", "msw")
    if span is None and nursing and is_namelike(words, at - 1):
        span = Span(at - 1, at)
    if (
        span is None
        and strong
        and gap[0] == ","
        and is_namelike(words, at - 1)
        and not vocabulary().is_city(words.lowers[at - 1])
    ):
        span = Span(at - 1, at)
    if span and not _is_city(words, span):
        yield span


def _is_city(words: Words, span: Span) -> bool:
    rows = vocabulary().cities.get(words.lowers[span.first], ())
    said = tuple(words.lowers[span.first : span.last])
    return said in rows and not is_initial(words, span.first)
