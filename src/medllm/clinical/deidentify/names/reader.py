"""Reading a name forwards from its first word, or backwards from what stands behind it."""

from __future__ import annotations

import re
from typing import NamedTuple

from medllm.clinical.deidentify.names.credentials import CREDENTIALS
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_PARTICLES = frozenset(
    """van von der den de del della di da dos das du la le ter ten bin ibn al el af av zu y e san st
    mac mc o abu""".split()
)
_NEVER = frozenset(
    """the of and or to for was is has had have were are be been at on in with by from who whom
    whose which that this these those he she they we you i it his her their our my your its not no
    as if dear when while until patient patients pt doctor doctors nurse team clinic hospital
    department unit date dob mrn age sex phone tel fax address today tomorrow yesterday also would
    can could should did does do said says say told states stated reported reports reviewed seen
    admitted called advised recommended agreed agrees denies presented came returned requested
    signed dictated please per via re cc bid tid sir madam colleague colleagues all there then name
    surname forename first last middle male female title ref nhs ssn id number unknown none nil n/a
    na self yes ok okay same see plan impression assessment history exam diagnosis follow consultant
    physician surgeon attending resident fellow registrar practitioner specialist assistant student
    secretary wife husband son daughter mother father brother sister parent guardian next emergency
    contact relationship mom dad mum but so after before because poa dpoa hcpoa""".split()
)
_NOT_LAST = frozenset(
    """province district county city state region island islands prefecture infirmary academy
    practice surgery elementary nursery institute nursing hospital clinic school university college
    center centre home street road memorial general pediatrics paediatrics orthopedic orthopaedic
    orthopedics orthopaedics cardiology dermatology oncology radiology medicine medical associates
    group dental pharmacy""".split()
)
_SAYS = frozenset(
    """is was has had denies presented reports states who returned lives said died s/p says told
    agreed present attended came called will""".split()
)
_CLOSES = re.compile(
    r"\s(?:e-?mail|DOB|dob|MRN|ID\b)|\.(?:\s|$)|\s{2}|\t|\s[-–(]|\s(?:ext\.?|tel|on|at)?\s?\(?\+?\d"
)
_GAP = re.compile(r"\.?[ \u00a0]|\.|\^| ?[\"“(]| ?[\"”)] ?")
_COMMA_GAP = re.compile(r"\s?,[ \u00a0]{0,2}|\^")
_MONTHS = frozenset(
    """january february march april may june july august september october november december jan feb
    mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday
    sunday mon tue tues wed thu thur thurs fri sat sun""".split()
)
_MONTH_NAMES = frozenset("april june jun jan may august".split())
_OF_TIME = frozenset("in since during until till from of last next this early late mid by".split())
_SYLLABLES = frozenset(
    """min jun soo jin hyun woo ji seo yeon hee sung young kyung eun mi sun ho jae hwan mei ling
    xiao yan wei hua fang li yu jian ming xin hong yi chen jie ying hui zhen ping bo tao jing lan
    sze wing kit man siu ka wai""".split()
)
"""Two of these with a hyphen are a given name: "Soo-jin", "Mei-Ling"."""
_SHAPE = re.compile(
    r"(?:(?:Mc|Mac|De|Di|Du|Da|La|Le|Van|Von|Fitz|Ni|Al|El|[OD]['’])?[^\W\d_a-zà-ÿ][^\W\d_A-ZÀ-Þ]*"
    r"|[^\W\d_]['’][^\W\d_]+|[^\W\d_a-zà-ÿ]+)(?:[-'’‐](?:[^\W\d_a-zà-ÿ][^\W\d_A-ZÀ-Þ]+|[a-z]{2,6}"
    r"|[^\W\d_a-zà-ÿ]+|[^\W\d_a-zà-ÿ][a-z]+[A-Z][a-z]+))*"
)
"""One capital in front, or all of them: "Roe", "McRoe", "O'Roe", "ROE"; not "ShenRoe", "PLMs"."""
_LOW_PARTICLE = re.compile(r"(?:ap|al|el|ab|bint|bin|ibn|de|van|von|da|di|du)-(?=[A-Z])")
_PARTS = re.compile(r"[-'’‐]")
_MAX_PARTS = 5


class Span(NamedTuple):
    """Words from `first` to before `last`."""

    first: int
    last: int


def is_namelike(words: Words, at: int, *, capitals: bool = False) -> bool:
    """Whether a word could be a name by itself: capital, and listed or no word that is known.

    A short word all in capitals is an abbreviation unless `capitals` says that names are so there.
    """
    if not words.is_capital(at):
        return False
    known, surface, low = vocabulary(), words.surfaces[at], words.lowers[at]
    if _CONTRACTED.search(low):
        return False
    parts = _PARTS.split(low)
    if low in _MONTHS:
        return low in _MONTH_NAMES and not _is_in_date(words, at)
    if known.is_listed_name(low):
        return True
    if len(parts) > 1 and any(map(known.is_listed_name, parts)):
        return min(map(len, parts)) > 1 or "'" in low or "’" in low
    if len(parts) == 2 and _SYLLABLES.issuperset(parts):
        return True
    if _LOW_PARTICLE.match(surface):
        return True
    short = surface.isupper() and all(len(part) <= 6 for part in parts)
    if (short and not (capitals and len(surface) > 2)) or not _SHAPE.fullmatch(surface):
        return False
    plain = [known.is_plain(part) or part in _PARTICLES for part in parts]
    elided = "'" in low or "’" in low
    if (
        plain[0]
        and not elided
        and (len(parts) == 1 or all(plain) or words.surfaces[at][-1:].isupper())
    ):
        return False
    last = surface.split("-")[-1]
    if len(parts) > 1 and last.islower() and (known.is_plain(parts[-1]) or surface[:2].isupper()):
        return False
    return len(surface) > 1 and not known.is_land(low)


def _is_in_date(words: Words, at: int) -> bool:
    """Whether a number or a word of time stands beside a month."""
    start, end = words.starts[at], words.ends[at]
    if words.text[end : end + 3].strip(" .,-/'")[:1].isdigit() or words.lowers[at - 1] in _OF_TIME:
        return True
    return words.text[max(0, start - 5) : start].rstrip(" ,-/tshndr")[-1:].isdigit()


_CONTRACTED = re.compile(r"^(?:i|you|we|they|he|she|it|that|there|what|who)['’](?:m|ve|d|ll|re)$")


def begins_land(words: Words, at: int) -> bool:
    """Whether a land or state of several words begins at word `at`: "Puerto Rico"."""
    rows = vocabulary().regions.get(words.lowers[at], ())
    return any(len(row) > 1 and tuple(words.lowers[at : at + len(row)]) == row for row in rows)


def is_initial(words: Words, at: int, *, trusted: bool = False) -> bool:
    """Whether a word is an initial: one capital, which is not the pronoun or the article."""
    surface = words.surfaces[at]
    if len(surface) != 1 or not surface.isupper():
        return False
    if words.text[words.ends[at] : words.ends[at] + 1] == "." or surface not in "IA":
        return True
    return trusted and words.gap(at) == " " and words.is_capital(at + 1)


def read_name(
    words: Words,
    at: int,
    *,
    trusted: bool,
    cued: bool = False,
    comma: bool = False,
    capitals: bool = False,
) -> Span | None:
    """Give the name that begins with word `at`, else None.

    `trusted` takes any first word with a capital that is not a function word: after "Dr" or
    "Name:" even "Young" is a name. `cued` takes such a word only behind a first part that looks
    like a name: "aunt Giulia Down". `comma` allows one comma: "ROE, JANE A.". `capitals` takes
    short words in capitals too.
    """
    last, n_full, before = at, 0, ""  # `last`: one past the last word that can end a name
    for here in range(at, min(at + _MAX_PARTS, len(words))):
        if here > at and not _is_joined(words, here - 1, comma=comma):
            break
        if here > at and words.text[words.ends[here - 1]] in ",^":
            comma = False
        if is_initial(words, here, trusted=(trusted or cued) and not n_full):
            last = here + 1
        elif words.lowers[here] in _PARTICLES and _is_particle(words, here):
            continue
        elif _is_part(words, here, before, trusted=trusted, cued=cued or trusted) or (
            capitals
            and words.lowers[here] not in _NEVER | CREDENTIALS
            and is_namelike(words, here, capitals=True)
        ):
            last = here + 1
            n_full += 1
            before = words.lowers[here]
        else:
            break
    if last == at or (not n_full and not trusted):
        return None
    return Span(at, last)


def _is_joined(words: Words, at: int, *, comma: bool) -> bool:
    gap = words.gap(at)
    if "(" in gap:  # "Ann (Nan) Roe", but not "Roe (GMC 4711)"
        return words.gap(at + 1)[:1] == ")" and not words.surfaces[at + 1].isupper()
    if _GAP.fullmatch(gap):
        return not (gap[0] == "." and len(gap) > 1 and not _may_have_dot(words, at))
    if comma and _COMMA_GAP.fullmatch(gap):
        after = words.lowers[at + 1]
        return after not in CREDENTIALS and after not in _NEVER
    return False


def _may_have_dot(words: Words, at: int) -> bool:
    return len(words.surfaces[at]) == 1 or words.lowers[at] in ("st", "jr", "sr", "wm", "chas")


def _is_particle(words: Words, at: int) -> bool:
    """Whether a capital follows, behind another particle or not: "de la Cruz"."""
    while words.lowers[at] in _PARTICLES and words.gap(at) in (" ", "-", "'", "\u00a0"):
        at += 1
        if words.is_capital(at):
            return True
    return False


def _is_part(words: Words, at: int, before: str, *, trusted: bool, cued: bool) -> bool:
    """Whether a word can be a full part of a name; `before` is the full part in front of it."""
    low, surface = words.lowers[at], words.surfaces[at]
    if not words.is_capital(at):
        return False
    if low in _NEVER and not (surface == "Do" and before and _ends_here(words, at)):
        return False
    if not before:
        return low not in CREDENTIALS - {"ma", "do", "rd"} if trusted else is_namelike(words, at)
    if low in CREDENTIALS and surface.isupper():
        return False
    if low in _NOT_LAST and not (trusted and _is_sure_given(before) and _ends_here(words, at)):
        return False
    if low in _MONTHS and words.text[words.ends[at] : words.ends[at] + 3].strip()[:1].isdigit():
        return False
    known = vocabulary()
    if known.is_listed_name(low):
        return not (surface.isupper() and (len(low) < 3 or low in known.ordinary))
    if is_namelike(words, at) or (low in known.eponyms and trusted):
        return True
    if not (cued or _is_sure_given(before)):
        return False
    if surface.isupper():
        return cued and len(surface) > 2 and _ends_here(words, at)
    sure = _is_sure_given(before)
    clinical = known.is_clinical(low) and low not in known.ordinary
    loose = (sure or (cued and not clinical)) and words.surfaces[at + 1].islower()
    return _ends_here(words, at) or (loose and words.gap(at) == " ")


def _is_sure_given(word: str) -> bool:
    """Whether a word, lower case, is a given name and means nothing else."""
    known = vocabulary()
    return word in known.given and not known.is_plain(word) and not known.is_city(word)


def _ends_here(words: Words, at: int) -> bool:
    """Whether what follows shows that a word which means something else closes a name here."""
    behind = words.text[words.ends[at] : words.ends[at] + 7]
    if behind[:1] in ("", ",", ";", ")", "(", "\n", "|", "<") or _CLOSES.match(behind):
        return True
    return behind[:1] == " " and words.lowers[at + 1] in _SAYS


def read_name_before(words: Words, at: int, *, fewest: int) -> Span | None:
    """Give the name that ends with word `at`, of at least so many parts, else None."""
    first = at + 1
    n_full = 0
    for here in range(at, max(-1, at - 5), -1):
        if here < at and not _is_joined_back(words, here):
            break
        low = words.lowers[here]
        if is_initial(words, here, trusted=True):
            first = here
        elif low in _PARTICLES and here < at and words.surfaces[here].islower():
            continue
        elif low not in _NEVER and (
            is_namelike(words, here, capitals=True)
            or (low in vocabulary().eponyms and words.is_capital(here))
            or (here == at and words.is_capital(here) and _may_close(words, here))
        ):
            first = here
            n_full += 1
        else:
            break
    return Span(first, at + 1) if n_full and at + 1 - first >= fewest else None


def _may_close(words: Words, at: int) -> bool:
    """Whether a plain word closes a name, because an initial or a sure first part is before it."""
    if at < 1 or words.gap(at - 1) not in (" ", ". ") or words.surfaces[at].isupper():
        return False
    alone = words.text[words.starts[at - 1] - 1 : words.starts[at - 1]] in ("", " ", "\n", "(")
    return (is_initial(words, at - 1) and alone) or (
        words.gap(at - 1) == " " and is_namelike(words, at - 1)
    )


def _is_joined_back(words: Words, at: int) -> bool:
    gap = words.gap(at)
    if gap[:1] == "." and len(gap) > 1 and not _may_have_dot(words, at):
        return False
    return _GAP.fullmatch(gap) is not None


def is_sure(words: Words, span: Span) -> bool:
    """Whether a name without a cue of its own is one: listed and no other word, or two parts."""
    known = vocabulary()
    lows = words.lowers[span.first : span.last]
    if len(lows) > 1:
        return True
    return known.is_listed_name(lows[0]) and lows[0] not in known.ordinary
