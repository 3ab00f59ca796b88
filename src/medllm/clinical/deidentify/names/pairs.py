"""Two words with capitals that no list has: a person by what stands around them, or nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.eponyms import is_eponym_use, is_firm
from medllm.clinical.deidentify.names.reader import (
    Span,
    begins_land,
    is_initial,
    is_namelike,
    read_name,
)
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_PERSONAL = re.compile(
    r",?\s?[(,;–-]?\s?(?:DOB|d\.?o\.?b|born|MRN|NHS|aged?\b|grade \d|s/p|G\d|an?\s\d{1,3}[ -]year"
    r"|\d{1,3}\s?yrs|e-?mail|tel\b|phone|cell\b"
    r"|\d{1,3}[ -]?(?:y|yo|yr|M|F|year)\b|\d{1,3}\s?[yY]/?[oO]|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"
    r"|\d{1,2} [A-Z][a-z]{2,8} \d{4}|\d{4}-\d\d-\d\d|\(?\+?[\d(). -]{9,16}\d"
    r"|,?\s\d{1,5}[A-Za-z]?\s[A-Z][a-z]+\s[A-Z]|,?\s\d{1,5}\sThe\s|,?\s(?:Flat|Apt|Unit"
    r"|P\.?O\.? Box)\s|[\w.+-]{2,40}@)"
)
"""What stands behind the name of a person and no other: a birth date, an age, a number."""
_NUMBERED = re.compile(
    r"(?:\s[A-Z]\.?)?\s{0,4}[(\[,]?\s?"
    r"(?:\d{5,10}\b|\d{1,2}/\d{1,2}/\d{2,4}|DOB|MRN|\d{1,3}[ ]?[yMF])"
)
_DOES = re.compile(r" (?:was|is|has|had|denies|came|presented|will|called|states|reports)\b")
SHOUTED_BEHIND = re.compile(r"\s?[,;(]|\s{1,3}(?:\d|DOB|MRN|D\d)|\n|$")
"""What may follow a family name in capitals behind a given name."""
FIRM_NEAR = re.compile(
    r"[®™]|\bAG[,)]|\b(?:Inc|Ltd|Corp|Co|GmbH|LLC|SpA|Srl|S\.?A|USA|UK)\b|\b(?:Germany|Japan"
    r"|China|France|Italy"
    r"|Technolog|Medical|Systems?|Pharma|Scientific|Laborator|Biosystems|Diagnostics|version)"
)
HEAD_OF_LINE = re.compile(r"(?:^|\n|[;|>:]\s|\.\s)[ \t]{0,4}$")


PERSON_VERBS = frozenset(
    """presented presents complains complained denies denied states stated says said tells told
    lives lived smokes smoked drinks attended attends endorses declined declines recalls admits
    weighs remembers moved woke felt feels slept phoned telephoned texted posts agrees understands
    walks reports reported noticed mentions mentioned drives worked describes died returns returned
    walked spoke speaks asked asks wants wanted visited visits thinks thought arrived refuses
    refused wishes enjoys likes ate eats sat cried wept hopes hoped worries laughed called calls
    rang stood coughed vomited fainted fell drove swam ran climbed recalled insisted insists
    preferred prefers tolerated tolerates ambulated ambulates voided snored smiled sleeps consented
    consents looks seems appears""".split()
)
BE_VERBS = frozenset("is was has had will also now then".split())
BE_FOLLOWED = frozenset(
    """a an admitted seen born referred discharged brought readmitted reviewed well alert doing keen
    feeling aware unwell unable able happy comfortable married single retired living given told
    asked advised informed visited transferred taken started worried anxious tearful calm awake
    asleep sitting walking eating sleeping been had not accompanied called prescribed still stable
    waiting due ready going sent escorted helped found noted observed examined""".split()
)
THINGS_DO = frozenset(
    """reports reported is was has had works returns returned mentions ran fell looks seems appears
    calls called prefers preferred insists visits""".split()
)
"""Verbs that papers, machines and departments do as well."""
_NOT_BEFORE_PERSON = frozenset(
    """the a an using via under version model type called named brand performed platform software
    kit device system region province prefecture district""".split()
)
_BEFORE_PERSON = frozenset("dr mr mrs ms miss prof patient pt".split())
_THINGS = frozenset(
    """kit kits system systems scanner platform panel software stain catheter guidewire stent device
    devices assay analyzer analyser machine microscope ventilator test tests gel powder spray tablet
    tablets cream score scale index criteria classification method technique procedure operation
    infection species virus database program model version protocol trial study group hospital
    clinic university technology technologies province district city county region area syndrome
    disease sign filter pump lens lenses implant implants screw screws plate plates cement suture
    sutures mesh graft probe needle robot laser camera broth agar medium buffer reagent antibody
    antibodies primer sequencing imaging aligner tools tool browser library array chip reader cycler
    workstation sp spp composite resin file files instrument instruments bur burs brackets wire
    wires""".split()
)
_NEVER_FREE = frozenset(
    """island islands republic retriever lineage genome genomic synthesis sera cyclin golden nobel
    lankan arabian korean african black white binocular trabecular fragmented normalized
    computerized powered splicing finder maternal committee program programme project database
    calmette alpine bacille antistreptolysin interventional aerobic anaerobic liberty day""".split()
)
_GENUS = re.compile(r"(?:us|ia|ella|coccus|bacter|monas|myces|ium|ma|ea|era|ix|es|um|la)$")
_SPECIES = re.compile(
    r"(?:is|us|um|ii|ae|ans|ens|osa|inum|aris|atum|icola|oni|alis|ata|ica|icus|ria)$"
)


def unlisted_pair(words: Words, at: int) -> Span | None:
    """Give two words that name a person by what the second is or by what stands behind.

    "Quillon Ortiz", "Quillon Zamboro (3/4/1950)", "Quillon Paget was admitted".
    """
    known = vocabulary()
    low, surface = words.lowers[at], words.surfaces[at]
    if surface.isupper():
        return _shouted(words, at)
    if not is_namelike(words, at) and low not in known.eponyms:
        return None
    if begins_land(words, at):
        return None
    span = read_name(words, at, trusted=False, cued=True)
    if span is None or span.last - span.first < 2:
        return None
    if any(is_eponym_use(words, i, by_head=i > at) for i in range(span.first, span.last)):
        return None
    last = words.lowers[span.last - 1]
    if _is_person_behind(words, span) or _is_last_field(words, span):
        return span
    if low in known.eponyms:
        return None
    if known.is_surname(last) and not known.is_city(low):
        plain = last in known.ordinary or known.is_city(last) or last in known.eponyms
        free = _is_free_part(words, at) and _stands_free(words, span)
        if not plain or free or _opens(words, span):
            return span
    return None


def find_free_pairs(words: Words) -> Iterator[Span]:
    """Give two or three unlisted words with capitals that look like a person and like no firm.

    No article stands in front, no further capital word beside, no device's word behind; the
    weakest of the rules, so whatever another rule found in the same place goes first.
    """
    done = -1
    for at in words.capitals:
        if (
            at < done
            or begins_land(words, at)
            or words.gap(at)[:1] != " "
            or not _is_free_part(words, at)
        ):
            continue
        span = read_name(words, at, trusted=False)
        if span is None or span.last - span.first < 2:
            continue
        done = span.last
        parts = [i for i in range(at, span.last) if words.is_capital(i)]
        parts = [i for i in parts if i == at or i == span.last - 1 or not is_initial(words, i)]
        if all(_is_free_part(words, i) for i in parts[1:]) and _stands_free(words, span):
            yield span


def _is_free_part(words: Words, at: int) -> bool:
    """Whether a word is no abbreviation, land, thing, eponym in use or Latin name's part."""
    known, low = vocabulary(), words.lowers[at]
    if len(low) < 3 or words.surfaces[at].isupper() or low in _NEVER_FREE or low in _THINGS:
        return False
    listed = known.is_listed_name(low)
    if (known.is_plain(low) and not listed) or not is_namelike(words, at):
        return False
    return not (low in known.regions or is_firm(words, at) or is_eponym_use(words, at))


def _stands_free(words: Words, span: Span) -> bool:
    start, end = words.starts[span.first], words.ends[span.last - 1]
    before = words.lowers[span.first - 1] if span.first else ""
    if before in _NOT_BEFORE_PERSON or words.text[end : end + 1] in ("®", "™", "-", "–", "/", "’"):
        return False
    if any("(" in words.gap(i) for i in range(span.first, span.last - 1)):
        return False
    if start and words.text[start - 1] in "(“‘\"'/[–":
        return words.lowers[span.last] in ("at", "on") and words.gap(span.last - 1) == " "
    graded = words.lowers[span.last] in ("st", "fy", "ct", "pgy", "sho", "rn", "md", "np")
    if words.gap(span.last - 1) in (" ", " (", "-") and words.is_capital(span.last) and not graded:
        return False
    if (
        span.first
        and words.is_capital(span.first - 1)
        and words.gap(span.first - 1) == " "
        and before not in _BEFORE_PERSON
        and not vocabulary().is_plain(before)
    ):
        return False
    thing = words.lowers[span.last] in _THINGS and "(" not in words.gap(span.last - 1)
    if thing or re.match(r"\s?[\d.]*\d", words.text[end : end + 4]):
        return False
    if FIRM_NEAR.search(words.text[max(0, start - 15) : end + 30]):
        return False
    return not _is_species(words.lowers[span.first], words.lowers[span.last - 1])


def _is_species(genus: str, species: str) -> bool:
    """Whether two words have the endings of a Latin name: "Enterococcus Faecalis"."""
    return _GENUS.search(genus) is not None and _SPECIES.search(species) is not None


def _is_person_behind(words: Words, span: Span) -> bool:
    """Whether what follows is what only a person has or does."""
    if _PERSONAL.match(words.text, words.ends[span.last - 1]):
        return not FIRM_NEAR.search(words.text[words.starts[span.first] :][:60])
    if words.gap(span.last - 1) != " ":
        return False
    after, next_but_one = words.lowers[span.last], words.lowers[span.last + 1]
    start = words.starts[span.first]
    if (not start or words.text[start - 1] == "\n") and words.surfaces[span.last].islower():
        return after[-1:] == "s" or after.endswith("ed") or after in ("came", "will", "has")
    return after in PERSON_VERBS - THINGS_DO or (after in BE_VERBS and next_but_one in BE_FOLLOWED)


def _shouted(words: Words, at: int) -> Span | None:
    """Give "ROE JANE" where a birth date or a record number follows."""
    if not is_namelike(words, at, capitals=True) or len(words.surfaces[at]) < 3:
        return None
    if not words.surfaces[at + 1].isupper() or not is_namelike(words, at + 1, capitals=True):
        return None
    known = vocabulary()
    listed = any(known.is_listed_name(low) for low in words.lowers[at : at + 2])
    if listed and _DOES.match(words.text, words.ends[at + 1]):
        return Span(at, at + 2)
    return Span(at, at + 2) if _NUMBERED.match(words.text, words.ends[at + 1]) else None


def _is_last_field(words: Words, span: Span) -> bool:
    """Whether two words stand between a comma and the end of the line: "RE: chart 12, Ann Roe"."""
    start, end = words.starts[span.first], words.ends[span.last - 1]
    line = words.text[words.text.rfind("\n", 0, start) + 1 : start]
    return (
        words.text[end : end + 1] in ("", "\n")
        and line.endswith((", ", "; ", "| "))
        and len(line) < 80
        and any(letter.isdigit() for letter in line)
        and not FIRM_NEAR.search(line)
    )


def _opens(words: Words, span: Span) -> bool:
    """Whether the name opens a line or a field and closes it, or a comma follows."""
    start = words.starts[span.first]
    behind = words.gap(span.last - 1)[:1]
    return (
        HEAD_OF_LINE.search(words.text[max(0, start - 6) : start]) is not None
        and behind in (",", ";", "|", "\n", ":", "(", "", ".")
    ) or (behind in (",", ";", ")") and words.lowers[span.first - 1] in ("with", "by", "and", "to"))
