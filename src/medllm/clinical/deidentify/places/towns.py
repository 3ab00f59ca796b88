"""Places smaller than a state: cities, villages, counties; institutions and addresses are apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.credentials import CREDENTIALS
from medllm.clinical.deidentify.names.eponyms import is_eponym_use, is_firm
from medllm.clinical.deidentify.names.reader import is_namelike
from medllm.clinical.deidentify.text import Found, Words
from medllm.clinical.deidentify.vocabulary import vocabulary

PLACE_RANK = 13
_PREPOSITIONS = frozenset(
    "in from to near at outside of via through around into toward towards".split()
)
_BETWEEN = re.compile(r"\bbetween (?:[A-ZÀ-Þ][\w'’-]+ ){1,3}and $|\bbetween $|\b[Bb]orn $")
_CUE = re.compile(
    r"\b(?:liv(?:es?|ed|ing) (?:alone |now |currently |together |just )?(?:in|near|outside)"
    r"|(?:moved|moving|relocated|flying|driving|travelling|traveling|cycling|sailing|returned|emigrated|immigrated|travel(?:l?ed|l?ing|s)?|went|flew"
    r"|drove"
    r"|transferred|trip|visit|drive|journey|commutes?)(?: here| up| down| away| back| over)?"
    r" (?:to|from|in)|(?:born|raised|residing|resides|resided|settled|grew up|based"
    r"|vacation(?:ing)?"
    r"|holiday|arrested|working|works|worked|stationed|home|house|farm|incarcerated|clinic|office"
    r"|studying|studies|staying|visiting relatives|family) (?:in|near|at)"
    r"|(?:resident|native|citizen|inhabitant|outskirts|mayor) of|visit(?:ed|ing|s)|hometown[:,]?"
    r"(?: of)?|(?:originally|comes?|came|hails?|family|is|are|was|were|patient|lady|man|woman|boy"
    r"|girl"
    r"|up|away|down|parents|people|moved|visitor|flight|trip|return(?:ed|ing)?) from"
    r"|city ?:|town ?:|place of birth ?:?|birthplace ?:?|from [A-Z][\w', -]{2,30} to"
    r"|(?:city|town|village|hamlet|suburb|district|municipality) of|near|outside) $",
    re.IGNORECASE,
)
_STAGE = re.compile(r"\s(?:stage|stag|[IV]{1,3}[ABES]{0,2}\b)", re.IGNORECASE)
"""Behind Ann Arbor: of a lymphoma."""
_SAINTLY = frozenset("st saint mt ft fort port los las san santa mount holy la le el".split())
_CUE_ENDS = frozenset("in near outside to from of at visited visits visiting hometown".split())
_GOES_ON = re.compile(
    r"[,.;:)?!\n]|$|\s(?:and|with|who|where|whose|presented|on|to|at|for|since|after|before|when|by"
    r"|because|is|was|has|had|but|or|city|province|district|state|area|region|county|last|this|in"
    r"|until|during|as|were|weighing|seen|she|he|they|aged)\b"
)
"""What stands behind a place and not behind the first word of a thing: "in Wistar rats"."""
_RESIDENT = re.compile(
    r"(?:'s)?[ -](?:resident|native|suburb|metropolitan area)\b|(?<!the [A-Z]) area\b(?! of)"
)
_SHIRE = re.compile(r"shire(?<=[A-Z][a-z]{3}shire)(?![a-z])|shire(?<=[a-z]{4}shire)(?![a-z])")
_NO_COUNTY = frozenset("the this our that each a other another same local home state".split())
_COUNTY_STARTS = frozenset("san santa st los el fort new palm".split())
_COUNTY_WORDS = frozenset("county co parish borough township shire".split())
_OF = frozenset(
    """university hospital college church city town village county parish borough diocese hamlet
    suburb municipality district""".split()
)
_NOT_AFTER_OF = frozenset(
    """medicine science sciences technology health nursing dentistry surgery veterinary
    art arts law business engineering education pharmacy music physicians surgeons
    pathologists emergency""".split()
)
_JOINTS = (" ", ". ", "-", "'s ", "’s ", "'S ", "’S ", "' ", "’ ")
_LOW_PARTS = frozenset("de la le upon on under by the of or in al les du cum next".split())
PLACE_WORDS = frozenset(
    """much twin temple chipping stoke kings king's bishop's bishops abbots monks steeple long high
    pleasant silver white black red blue old new far middle hope mercy grace faith trinity grand
    great little nether upper lower golden big green hill park lake beach city town falls springs
    river rock wood woods bay port north south east west royal cross bridge valley heights view
    point market church mill hall spring island st consequences regis forest grove creek ford field
    fields ridge sainte abbey common end gate heath moor cove harbor harbour mountain mount plains
    prairie summit terrace gardens""".split()
)
_OPENING_PLACES = frozenset(
    "mount mt st saint holy prince queen king royal sacred our good all".split()
)
_MIXED = frozenset(
    """mobile reading bath nice hull deal cork split essen orange buffalo boulder phoenix normal
    sparks surprise independence concord vista corona bend wells ely bury sandwich rugby poole hue
    fez surat medina kent gary victoria chandler madison jackson lincoln tyler norman florence
    savannah georgia carmel santiago rosario cordoba mendoza windsor columbia bethlehem salem aurora
    providence stanford princeton elizabeth warren allen carrollton hamilton clinton gilbert
    bethesda mansfield stafford derby newport chester lancaster adana cali lund""".split()
)
"""Cities that are also words, names or eponyms: they count only behind a preposition."""


def find_places(words: Words) -> Iterator[Found]:
    """Give cities, villages and counties."""
    yield from _find_cities(words)
    yield from _find_cued(words)
    for at in words.where(_COUNTY_WORDS):
        yield from _find_county(words, at)
    for at in words.where(_OF):
        yield from _find_of(words, at)
    for match in _SHIRE.finditer(words.text):
        at = words.at_or_after(match.start())
        if (
            words.is_capital(at)
            and words.surfaces[at].endswith("shire")
            and (words.surfaces[at] != "Hampshire" or words.lowers[at - 1] != "new")
        ):
            yield place(words.starts[at], words.ends[at], PLACE_RANK + 1)


def place(start: int, end: int, rank: int = PLACE_RANK) -> Found:
    """Give a found place."""
    return Found(start, end, "geographic", rank, "place")


def phrase_at(words: Words, at: int, rows: tuple[tuple[str, ...], ...]) -> int:
    """Give one past the last word of the longest phrase of `rows` that begins at `at`, else 0."""
    for row in rows:
        end = at + len(row)
        if tuple(words.lowers[at:end]) == row and all(
            words.gap(here) in (*_JOINTS, "\u00a0") for here in range(at, end - 1)
        ):
            return end
    return 0


def region_end(words: Words, at: int) -> int:
    """Give one past the last word of a land or state that begins at word `at`, else 0."""
    return phrase_at(words, at, vocabulary().regions.get(words.lowers[at], ()))


def city_end(words: Words, at: int) -> int:
    """Give one past the last word of a listed city that begins at word `at`, else 0."""
    return phrase_at(words, at, vocabulary().cities.get(words.lowers[at], ()))


def _find_cities(words: Words) -> Iterator[Found]:
    """Give the cities of the list, but those that are also words or names only behind "in"."""
    for at in words.where(vocabulary().cities):
        small = words.is_without_capitals and words.lowers[at - 1] in _PREPOSITIONS
        if not words.is_capital(at) and not (small and _is_sure_city(words, at)):
            continue
        end = city_end(words, at)
        if not end or not (words.is_capital(end - 1) or small):
            continue
        if any(is_eponym_use(words, i) for i in range(at, end)) or region_end(words, at) >= end:
            continue
        if words.lowers[at] == "ann" and _STAGE.match(words.text, words.ends[end - 1]):
            continue
        if _is_doubtful_city(words, at, end) and not _is_behind_preposition(words, at, end):
            continue
        if words.surfaces[at].isupper() and not _is_in_capitals(words, at, end):
            continue
        yield place(words.starts[at], words.ends[end - 1], PLACE_RANK + 1)


def _is_sure_city(words: Words, at: int) -> bool:
    """Whether a word in small letters is a city's name and nothing else."""
    known, low = vocabulary(), words.lowers[at]
    return known.is_city(low) and not known.is_plain(low) and low not in _MIXED


def _is_in_capitals(words: Words, at: int, end: int) -> bool:
    """Whether the words around are in capitals as well: LIMA by itself is an artery."""
    near = [*words.surfaces[max(0, at - 3) : at], *words.surfaces[end : end + 3]]
    return sum(len(word) > 1 and word.isupper() for word in near) >= 2


def _is_doubtful_city(words: Words, at: int, end: int) -> bool:
    known, low = vocabulary(), words.lowers[at]
    if end - at > 1:
        return False
    doubtful = known.is_listed_name(low) or low in known.eponyms or low in _MIXED
    return doubtful or low in known.ordinary


def _is_behind_preposition(words: Words, at: int, end: int) -> bool:
    before = words.lowers[at - 1] if at else ""
    if before in _PREPOSITIONS and words.gap(at - 1) == " ":
        return not (before in ("of", "to", "at") and vocabulary().is_listed_name(words.lowers[at]))
    return _RESIDENT.match(words.text, words.ends[end - 1]) is not None


def _find_cued(words: Words) -> Iterator[Found]:
    """Give unlisted places behind "lives in", "moved to", and behind any "in" and "from"."""
    for at in words.capitals:
        short = words.surfaces[at].isupper() and len(words.surfaces[at]) < 5
        if not at or (short and not words.has_possessive(at)):
            continue
        start = words.starts[at]
        near = words.lowers[at - 1] in _CUE_ENDS or ":" in words.gap(at - 1)
        before = words.text[max(0, start - 48) : start]
        cued = near and _CUE.search(before) is not None
        cued = cued or _BETWEEN.search(before) is not None
        loose = words.lowers[at - 1] in ("in", "from") and words.gap(at - 1) == " "
        if words.lowers[at - 1] == "at" and words.lowers[at] in _OPENING_PLACES:
            loose = True
        if words.lowers[at - 1] == "of" and at > 2:  # "Ann Roe of Walla Walla"
            loose = is_namelike(words, at - 2) and is_namelike(words, at - 3)
        resident = _RESIDENT.match(words.text, words.ends[at]) is not None
        if not (cued or loose or resident) or not _could_be_place(words, at, cued=cued):
            continue
        end = read_place(words, at)
        if words.lowers[end - 1] in CREDENTIALS and words.surfaces[end - 1].isupper():
            continue
        if cued or resident or _GOES_ON.match(words.text, words.ends[end - 1]):
            yield place(words.starts[at], words.ends[end - 1], PLACE_RANK)


def _could_be_place(words: Words, at: int, *, cued: bool) -> bool:
    known, low = vocabulary(), words.lowers[at]
    if known.is_city(low) or city_end(words, at):
        return not is_eponym_use(words, at)
    if low in known.eponyms:
        return False
    opens = low in PLACE_WORDS or words.has_possessive(at) or low in ("la", "le", "el")
    opens = opens and words.is_capital(at + 1) and words.gap(at) in _JOINTS
    if known.is_plain(low) and not (cued and opens):
        return False
    landed = region_end(words, at) or region_end(words, at + 1)
    if opens and cued and not landed and not known.is_plain(words.lowers[at + 1]):
        return True  # "born in Great Yarmouth"
    if region_end(words, at) or is_eponym_use(words, at) or is_firm(words, at):
        return False
    if low in _SAINTLY:
        return words.is_capital(at + 1)
    if low in ("dr", "gp", "mr", "mrs", "ms", "prof", "professor", "doctor"):
        return False
    if low in known.given and words.is_capital(at + 1) and words.gap(at) == " ":
        return False  # "referral from Ann Roe"
    if words.surfaces[at][1:2] == "-" or (known.is_clinical(low.split("-")[-1]) and "-" in low):
        return False  # "in X-ray"
    return is_namelike(words, at, capitals=True) or (cued and low not in known.ordinary)


def read_place(words: Words, at: int) -> int:
    """Give one past the last word of a place name that begins at `at`: "Ashby de la Zouch"."""
    known = vocabulary()
    end = at + 1
    for here in range(at + 1, min(at + 5, len(words))):
        gap, low = words.gap(here - 1), words.lowers[here]
        if gap not in _JOINTS or (gap == ". " and words.lowers[here - 1] not in _DOTTED):
            break
        if words.is_capital(here) or _ELIDED.match(words.surfaces[here]):
            if known.is_clinical(low) and low not in PLACE_WORDS:
                break
            if low in known.ordinary and low not in PLACE_WORDS:
                break
            end = here + 1
        elif low not in _LOW_PARTS:
            break
    if end - at > 1 and words.lowers[end - 1] == "city" and city_end(words, at) == end - 1:
        return end - 1
    return end


_ELIDED = re.compile(r"[dl]['’][A-Z]")
"""The second word of "Coeur d'Alene"."""
_DOTTED = frozenset("st ste mt ft pt".split())


def _find_of(words: Words, at: int) -> Iterator[Found]:
    """Give the place in "University Hospital of X", "Church of Y", "City of Z"."""
    after, known = at + 2, vocabulary()
    if words.lowers[at + 1] != "of" or words.gap(at) != " " or not words.is_capital(after):
        return
    low = words.lowers[after]
    small = words.lowers[at] in ("city", "town", "village", "hamlet", "suburb", "parish", "borough")
    if not (words.is_capital(at) or small) or low in _NOT_AFTER_OF or region_end(words, after):
        return
    church = words.lowers[at] == "church" and words.is_capital(after + 1)
    if not known.is_plain(low) or small or known.is_city(low) or church:
        end = read_place(words, after)
        yield place(words.starts[after], words.ends[end - 1], PLACE_RANK - 1)


def _find_county(words: Words, at: int) -> Iterator[Found]:
    """Give "Cook" of "Cook County", "Mayo" of "Co. Mayo" and "Durham" of "County Durham"."""
    known, low = vocabulary(), words.lowers[at]
    before = at - 1
    if low != "co" and at and words.is_capital(before) and words.is_capital(at):
        name = words.lowers[before]
        usable = known.is_listed_name(name) or known.is_city(name) or not known.is_plain(name)
        usable = usable or (low == "county" and name not in _NO_COUNTY)  # "Union County"
        if words.gap(before) == " " and (usable or name in PLACE_WORDS):
            first = before
            joined = first and words.is_capital(first - 1) and words.gap(first - 1) in (" ", ". ")
            if joined and words.lowers[first - 1] in _COUNTY_STARTS:
                first -= 1
            yield place(words.starts[first], words.ends[before], PLACE_RANK - 1)
            return
    if low in ("county", "co") and words.is_capital(at) and words.is_capital(at + 1):
        name = words.lowers[at + 1]
        if words.gap(at) in (" ", ". ") and not known.is_plain(name):
            yield place(words.starts[at + 1], words.ends[at + 1], PLACE_RANK - 1)
