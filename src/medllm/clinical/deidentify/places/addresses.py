"""Postal addresses: streets, post boxes, and the parts that stand in one line with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.reader import is_namelike
from medllm.clinical.deidentify.places.charts import unit_end
from medllm.clinical.deidentify.places.towns import PLACE_WORDS, city_end, region_end
from medllm.clinical.deidentify.text import Found, Words
from medllm.clinical.deidentify.vocabulary import vocabulary

ADDRESS_RANK = 9
STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM "
    "NY NC"
    " ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR NSW VIC QLD TAS ACT ON QC BC AB MB "
    "SK NS"
    " NB NL PE"
).split()
_STREET_WORDS = (
    r"Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Court|Ct|Crescent|Cres|Close"
    r"|Place"
    r"|Pl|Terrace|Ter|Way|Gardens|Gdns|Grove|Square|Sq|Parkway|Pkwy|Circle|Cir|Trail|Trl|Highway"
    r"|Hwy"
    r"|Mews|Row|Walk|Hill|View|Gate|Parade|Quay|Wharf|Green|Park|Rise|Vale|Drove|Loop|Path|Pike"
    r"|Plaza"
    r"|Alley|Esplanade|Broadway|Mall|Bypass|Turnpike|Croft|Yard|Wynd|Strasse|Straße|STREET|ST"
    r"|AVENUE"
    r"|AVE|ROAD|RD|DRIVE|LANE|BLVD|BOULEVARD|COURT|CT|TERRACE|CRESCENT|CLOSE|WAY|PLACE|PARKWAY"
    r"|CIRCLE|HIGHWAY|GARDENS|SQUARE|Quays|Cottages|Buildings|Villas|Heights|Point|Landing"
    r"|Crossing"
    r"|Run|Ridge|Bend|Trace|Cove|Knoll|Glen|Meadows?|Fields?|Woods?|Bank|Brae|Approach|Causeway"
    r"|Links"
    r"|Paddock|Hollow|Glade|Spur|Overlook|Commons|Wynd|Gables|Chase|Dene|Mount|Copse|Pde|Tce|Cct|Esp"
)
_SURE_STREET = re.compile(
    r"\b(?:Street|Avenue|Ave|Road|Rd|Drive|Lane|Boulevard|Blvd|Crescent|Terrace|Parkway|Highway)\b"
    r"|\b(?:STREET|AVENUE|AVE|ROAD|RD|LANE|BOULEVARD|BLVD|CRESCENT|TERRACE|PARKWAY|HIGHWAY)\b"
)
_SURE_PARTS = re.compile(
    r"\d\s(?:[NSEW]{1,2}|North|South|East|West)\.?\s|\b(?:Apt|Suite|Ste|Unit|Flat)\b|#\d"
    r"|\s(?:Main|High|Church|Mill|Station|Market|Bridge|School|College|Grand|Broad|Front|Water)\s(?:St|Dr|Ct)\b"
)
_HOUSE = r"\d(?<![\w.,:/-].)\d{0,4}[A-Za-z]?(?:[-/]\d{1,5}[A-Za-z]?)?,?\s"
_NAME_WORD = r"(?:[A-Z][\w'’.-]{0,20}|\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH)|of|the|de|la|des|du|del)"
_UNIT_PART = (
    r"(?:,?\s?(?:Apt|Apartment|Unit|Suite|Ste|Flat|Room|Rm|Floor|Fl|Bldg|Lot|Box|#)"
    r"\.?\s?#?[\w-]{1,6}\b)"
)
_STREET = re.compile(
    rf"{_HOUSE}(?!of\s|de\s)(?:[NSEW]{{1,2}}\.?\s|North\s|South\s|East\s|West\s)?"
    rf"(?:{_NAME_WORD}\s){{1,5}}?(?:{_STREET_WORDS})\b\.?(?:\s(?:Street|Road|Rd|St|Ave(?:nue)?|Drive|Dr"
    r"|Lane|Ln|Way|Court|Ct|Trail|Blvd|Boulevard|Circle|Place|Terrace|Close)\b\.?)?(?:\s(?:N|S|E|W|NE|NW|SE"
    rf"|SW)\b)?{_UNIT_PART}{{0,2}}"
)
_SEEDS = (
    re.compile(
        r"\d(?<![\w.,:/-].)\d{0,5}\s(?:(?:County|State|Rural|Farm\sto\sMarket)\s(?:Road|Route"
        r"|Highway)"
        r"|Route|RR|FM|US|Highway|Hwy)\s\d{1,4}\b"
    ),
    re.compile(
        rf"{_HOUSE}(?:[Rr]ue|[Aa]venue|[Vv]ia|[Cc]alle|[Pp]lace|[Bb]oulevard|[Rr]ua|[Pp]iazza|[Cc]hemin|[Ii]mpasse|[Aa]llée|[Qq]uai"
        r"|[Aa]venida)\s(?:(?:des?|du|la|le|les|l'|d'|del|di|della|dos|da)\s?){0,2}[A-Z][\w'’-]+"
        r"(?:\s[A-Z][\w'’-]+)?"
    ),
    re.compile(rf"{_HOUSE}(?:Avenue|Street|Route|Highway)\s[A-Z0-9]{{1,3}}\b"),
    re.compile(
        r"\b[A-ZÄÖÜ][a-zäöüß-]{1,20}(?:stra(?:ß|ss)e|str\.|weg|gasse|allee|platz|ring|damm|ufer|gracht"
        r"|straat|laan|plein|kade|gade|vej|vägen|gatan|gata|veien|utca|katu)\s\d{1,4}\s?[a-z]?\b"
    ),
    re.compile(
        r"\b(?:Via|Viale|Piazza|Corso|Calle|C/|Avenida|Avda\.|Rua|Rue|Paseo|Plaza|Carrer|Am|An der"
        r"|Im|Zum|Unter den|ul\.|Ulica|Ulice|Praça)\s(?:(?:de|la|del|du|des|di|da|do)\s){0,2}"
        r"[A-ZÀ-Þ][\w'’-]+"
        r"(?:\s[A-ZÀ-Þ][\w'’-]+)?,?\s\d{1,4}\s?[a-z]?\b"
    ),
    re.compile(
        r"\d(?<![\w.,:/-].)\d{0,4}[A-Za-z]?\s[A-Z][a-z]{2,12}(?:way|gate|side|fields?|croft|holme|acre|view"
        r"|mead|bank|hurst|lea|garth|stead)(?=[,.;\n])"
    ),
    re.compile(rf"{_HOUSE}The\s[A-Z][a-z]+(?=\s?[,\n])"),
    re.compile(rf"{_HOUSE}[A-Z][a-zß]{{2,20}}(?:straße|strasse|weg|gasse|platz|straat|laan)\b"),
)
_UNIT_FIRST = re.compile(
    r"(?:Flat|Apt|Apartment|Unit|Suite|Block|House|Plot)\.?\s#?\d{1,5}[A-Za-z]?,\s"
    rf"(?:(?:{_NAME_WORD}\s){{1,3}}?[A-Z][\w'’]+,\s)?(?=\d|[A-Z])"
)
_UNNAMED = re.compile(
    r"(?:\bat|\blives|\),|:|,)\s(\d{1,4}[A-Z]?\s[A-Z][a-zà-ÿ'’]{2,20}(?:\s(?:y|yr|an|na|de|la|du|des|the|of"
    r"|[A-Z][a-zà-ÿ'’]{2,20})){1,3})(?=[,.;\n])"
)
"""A number and unlisted words between marks: "at 22 Ffordd y Mynydd."."""
_BOX = re.compile(
    r"(?:P\.?\s?O\.?\s?Box|Post\sOffice\sBox|Postbus|GPO\sBox|Private\sBag)\s?#?\s?\d{1,7}\b",
    re.IGNORECASE,
)
_NAMED_STREET = re.compile(
    r"(?:[Oo]n|off|[Ii]n|[Aa]t|[Ff]rom|via|along|of|[Nn]ear|junction|corner|and|to)\s"
    rf"((?:[A-Z][\w'’.-]{{1,20}}\s){{1,3}}(?:{_STREET_WORDS}))\b"
)
_NAMED_HOUSE = re.compile(
    r"\bThe\s[A-Z][a-z]+(?:\s[A-Z][a-z]+)?,\s(?=\d{1,4}[A-Za-z]?\s[A-Z][\w'’]+\s[A-Z])"
)
"""The house in front of a number and a street: "The Lodge, 4 Park Road"."""
_STREET_BETWEEN = re.compile(
    r"[,\n]\s?((?:[A-Z][\w'’.-]{1,20}\s){1,3}(?:Street|Road|Avenue|Lane|Drive|Boulevard|Highway|Terrace"
    r"|Crescent|Parkway)|(?:Route|Highway)\s\d{1,3})(?=[,.\n])"
    r"|\b(?:on|from|at|near|of)\s((?:County|State|Farm)\s(?:Road|Route|Highway)\s\d{1,4})\b"
)
"""A street without a number between the commas of an address."""
_HOUSE_NAME = re.compile(
    r"(?:[A-Z][\w'’]{1,20}\s){1,2}(?:Cottage|House|Farm|Lodge|Villa|Bungalow|Barn|Hall),\s"
    rf"(?:(?:[A-Z][\w'’.-]{{1,20}}\s){{1,3}}(?:{_STREET_WORDS})\b)"
)
_LABEL_WORDS = frozenset(
    """address addresses addr residence r o seen home add lives living live resides residing located
    resident visit visited property stays staying write""".split()
)
_LABEL = re.compile(
    r"(?:address(?:es)?|addr|residence|r/o|seen at home|home|liv(?:es?|ing)(?:\salone)? at"
    r"|lives(?=\s\d)|add(?=\s?:)|resid(?:es|ing)"
    r" at|located at|resident at|visit(?:ed)? at|property at|stay(?:s|ing) at"
    r"|write to)\s?[:=,|]?\s",
    re.IGNORECASE,
)
_SEGMENT = re.compile(
    r"(?:\d{1,5}[A-Za-z]?(?:[-/]\d{1,5})?\s)?(?:(?:(?:St|Mt|Ft|Pt|N|S|E|W)\.|[A-Z][\w'’-]{0,20}"
    r"|\d{1,5}[A-Z]?|de|la|du|des|upon|on|under|of|the|le|or|y|yr|an|na|am)(?:[ \t]|(?=[,.;\n]|$)"
    r"|[ \t]?$)){1,5}"
)
_JOINT = re.compile(r"[,\n]\s{0,20}|\.\s(?=[A-Z]{1,2}\d)")
_STATE = re.compile(rf"(?:{'|'.join(STATES)})\b")
_CODE_AFTER = re.compile(
    r",?\s?[-–]?\s?(\d{5,6}(?:-\d{4})?|\d{4}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![\d]|[.,]\d|\s?(?:mg|ml|/"
    r"|%))"
)
_ENDING_WORDS = frozenset(
    """tel phone fax email dob mrn nhs date dear patient gp dr mr mrs ms re hx hospital
    ward seen mob mobile ref son daughter hello medicaid medicare ssn billing keysafe
    h/o d.o.b name age sex""".split()
)


def find_streets(words: Words) -> Iterator[Found]:
    """Give streets and boxes, and the parts of the address that follow them."""
    text = words.unaccented
    seeds = [seed._replace(end=unit_end(text, seed.end)) for seed in _find_seeds(words)]
    yield from seeds
    for seed in seeds:
        yield from _read_on(words, seed.end)
    for at in words.where(_LABEL_WORDS):
        label = _LABEL.match(text, words.starts[at])
        if label:
            yield from _read_on(words, label.end(), first=True)


def geographic(start: int, end: int, kind: str = "place") -> Found:
    """Give a found part of an address."""
    return Found(start, end, "geographic", ADDRESS_RANK, kind)


def _find_seeds(words: Words) -> Iterator[Found]:
    text = words.unaccented
    for pattern in (_STREET, *_SEEDS):
        for match in pattern.finditer(text):
            if pattern is not _STREET or not _is_clinical_street(match.group()):
                yield geographic(match.start(), _stripped_end(match), "street")
    for at in words.where(("flat", "apt", "apartment", "unit", "suite", "block", "house", "plot")):
        unit = _UNIT_FIRST.match(text, words.starts[at])
        if unit:
            yield geographic(unit.start(), _stripped_end(unit), "street")
    for unnamed in _UNNAMED.finditer(text):
        parts = [part.lower() for part in re.findall(r"[^\W\d_]{3,}", unnamed[1])]
        if parts and not any(map(vocabulary().is_plain, parts)):
            yield geographic(*unnamed.span(1), "street")
    for at in words.where(("p", "po", "post", "postbus", "gpo", "private")):
        box = _BOX.match(text, words.starts[at])
        if box:
            yield geographic(*box.span(), "street")
    yield from _find_named(words)


def _find_named(words: Words) -> Iterator[Found]:
    """Give streets and houses by their names, without a number in front."""
    text = words.unaccented
    for at in words.where(_BEFORE_STREET):
        if words.is_capital(at + 1):
            named = _NAMED_STREET.match(text, words.starts[at])
            if named and not _is_clinical_street(named[1]):
                yield geographic(*named.span(1), "street")
    for house in _NAMED_HOUSE.finditer(text):
        yield geographic(house.start(), _stripped_end(house), "street")
    for between in _STREET_BETWEEN.finditer(text):
        yield geographic(*between.span(1 if between[1] else 2), "street")
    for at in words.where(_HOUSES):
        for first in (at - 2, at - 1):
            cottage = _HOUSE_NAME.match(text, words.starts[first]) if first >= 0 else None
            if cottage:
                yield geographic(*cottage.span(), "street")
                break


_BEFORE_STREET = frozenset("on from via off in at along of near junction corner and to".split())
_HOUSES = frozenset("cottage house farm lodge villa bungalow barn hall".split())


def _stripped_end(match: re.Match[str]) -> int:
    return match.end() - len(match.group()) + len(match.group().rstrip(" ,."))


def _is_clinical_street(street: str) -> bool:
    """Whether "2 Part Place" is no street: its words are clinical ones and nobody's name."""
    if _SURE_STREET.search(street) or _SURE_PARTS.search(street):
        return False
    known = vocabulary()
    parts = [part.lower() for part in re.findall(r"\b[^\W\d_]{2,}\b", street)[:-1]]
    directions = {"north", "south", "east", "west", "upper", "lower", "old", "new", "the"}
    parts = [part for part in parts if part not in directions]
    if re.match(r"\d{3}", street) or any(map(known.is_listed_name, parts)):
        return False
    return any(map(known.is_clinical, parts))


def _read_on(words: Words, at: int, *, first: bool = False) -> Iterator[Found]:
    """Give the further parts of an address, each behind a comma or on the next line."""
    text = words.unaccented
    for number in range(6):
        opens = first and not number
        if not opens:
            joint = _JOINT.match(text, at)
            if not joint:
                return
            at = joint.end()
        segment = _SEGMENT.match(text, at)
        if not segment or not _is_part_of_address(words, segment, opens=opens):
            return
        region = _region_at(words, segment)
        if region:
            code = _CODE_AFTER.match(text, region)
            if code:
                yield geographic(*code.span(1), "code")
            at = code.end() if code else region
            continue
        at = _stripped_end(segment)
        yield geographic(
            segment.start(), at, "street" if text[segment.start()].isdigit() else "place"
        )


def _region_at(words: Words, segment: re.Match[str]) -> int:
    """Give where the state or land ends that the segment begins with, else 0."""
    state = _STATE.match(segment.group())
    if state:
        return segment.start() + state.end()
    here = words.at_or_after(segment.start())
    if words.starts[here] != segment.start() or city_end(words, here):
        return 0
    end = region_end(words, here)
    return words.ends[end - 1] if end else 0


def _is_part_of_address(words: Words, segment: re.Match[str], *, opens: bool) -> bool:
    text = segment.group().strip()
    parts = [part.lower() for part in re.findall(r"[^\W\d_][\w'’]*", text)]
    known = vocabulary()
    if not parts or len(text) < 2 or not _ENDING_WORDS.isdisjoint(parts):
        return False
    behind = words.unaccented[segment.end() : segment.end() + 1]
    if opens and not text[0].isdigit() and behind != ",":
        return False
    here = words.at_or_after(segment.start())
    if segment.group().endswith(" ") and (behind.islower() or behind in "(:"):
        return len(parts) == 1 and is_namelike(words, here)  # "3 The Orchard, Salina for"
    if city_end(words, here) or region_end(words, here) or _STATE.match(text):
        return True
    if len(parts) > 1 and PLACE_WORDS.issuperset(parts[1:]):
        return True  # "Hope Valley"
    plain = [known.is_plain(part) for part in parts]
    return not all(plain) or (text[0].isdigit() and len(parts) > 1)
