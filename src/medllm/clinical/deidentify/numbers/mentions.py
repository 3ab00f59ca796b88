"""Mentions of biometric data and of photographs that show who somebody is.

Clinical pictures stay: fundus photographs, photomicrographs, fingerprint bodies, retinal scans,
swabs and samples that are sent to a laboratory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.text import Category, Found, Words

_BIOMETRIC_RANK = 2
_PHOTO_RANK = 3
_CODE = r"(?:\s?(?:no\.?|number|id|#|code|:)){0,2}\s?#?[A-Z0-9]{0,6}[-_/]?\d[\w/-]{1,20}"
"""A number behind a mention: "fingerprint scan FS-0417"."""
_NOUN = (
    r"(?:\s(?:scan|template|record|image|photo|data|hash|file|reader|sample|recognition|id|code|log"
    r"|lock|unlock|login|authentication|verification|signature))"
)
_MARK = (
    r"(?:finger|thumb|palm|hand|voice|face|foot)[\s-]?prints?"
    r"(?!\s?(?:sign|appearance|bod|dystroph|pattern|profile|clubbing|analys|cataract|myopath)|\w)"
)
"""The prints of fingers, palms and voices; fingerprint bodies and profiles are findings."""
_SENSED = (
    r"(?:iris|retinal?|palm[\s-]vein|finger[\s-]vein|hand[\s-]geometry|gait|voice|facial|face"
    r"|palm|finger|vein|keystroke|ear)"
)
_STRONG = re.compile(
    rf"{_MARK}{_NOUN}{{0,2}}(?:{_CODE})?(?:\sand\sDNA\s(?:swab|sample|profile)s?)?"
    rf"|(?:facial|face|voice|iris|gait|palm[\s-]vein|finger[\s-]vein)\srecognition{_NOUN}?(?:{_CODE})?"
    rf"|(?:iris|palm[\s-]vein|finger[\s-]vein)\s(?:scan|image|code|template|photo|pattern|print)s?(?:{_CODE})?"
    rf"|(?:face|facial)\s?(?:id|geometry|template|scan|map)\b(?!\s?[/-]\s?plate)(?:{_CODE})?"
    rf"|hand[\s-]geometry{_NOUN}?(?:{_CODE})?"
    rf"|biometrics?\b(?:\s(?:identifier|id|template|data|record|scan|sample|login|lock|gate|match)s?)?(?:{_CODE})?",
    re.IGNORECASE,
)
_WEAK = re.compile(
    rf"(?:{_SENSED}\s(?:scan|template|image|sample|pattern|code|record(?:ing)?|signature|id)s?"
    r"|dna\s(?:profile|fingerprint|barcode|swab|sample|record)s?)",
    re.IGNORECASE,
)
"""Also what a clinic does: only with a number, or where it is stored or opens a door."""
_KEPT = re.compile(
    rf"{_CODE}|(?:\sof\s(?:the|an?|his|her)\s\w{{3,15}})?(?:\s(?:was|were|is|are))?\s(?:on\s(?:file|record)|enrolled|stored|registered|logged"
    r"|captured|held|used\s(?:for|to|as)\s(?:identif|login|access|unlock|verif))",
    re.IGNORECASE,
)
_KEPT_BEHIND = re.compile(
    r"(?:\s(?:template|id|no\.?|number|image|record|data)){0,2}(?:\s[A-Z]{0,4}-?\d[\w-]{2,20})?"
    r"(?:\s(?:(?:are|is|was|were)\s)?(?:taken|obtained|recorded|captured|enrolled|stored|on\s(?:file|record)))?"
)
_SECURITY_NEAR = re.compile(
    r"(?:finger|palm|thumb|voice|face)[\s-]?prints?|palm[\s-]vein|iris|face\sphoto|voice\srecording|biometric|log[\s-]?in|unlock|door|custody|badge|identity|access\b",
    re.IGNORECASE,
)
_BEFORE_PRINT = re.compile(
    r"(?:\ban?\s)?(?:(?:right|left)\s)?(?:index\s|thumb\s|ring\s|middle\s|ten-?\s?print\s|digital\s"
    r"|latent\s)?$",
    re.IGNORECASE,
)
_BIOMETRIC_STARTS = frozenset(
    """fingerprint fingerprints finger thumb thumbprint thumbprints palm palmprint palmprints hand
    hand-geometry handprint handprints voice voiceprint voiceprints footprint footprints iris retina
    retinal gait facial face faceprint dna biometric biometrics palm-vein finger-vein finger-print
    finger-prints thumb-print voice-print vein ear keystroke""".split()
)
_FILE = (
    r"(?:[\w-]{1,40}\.(?:jpe?g|png|heic|tiff?|bmp|gif|mp4|mov)\b|[A-Z]{2,5}\d{0,4}[_-]?\d{2,10}\b)"
)
_PICTURE = (
    r"(?:photo(?:graph)?s?|pictures?|snapshots?|portraits?|pics?|polaroids?|selfies?"
    r"|head\s?shots?|mug\s?shots?)"
)
_SIGHT = r"(?:images?|stills?|videos?|footage|views?\sphoto(?:graph)?s?|scans?\sof\sthe\sface)"
_WHOSE = (
    r"(?:(?:the\s|this\s|our\s)?(?:patient|child|baby|infant|boy|girl|man|woman|lady|gentleman"
    r"|mother|father|couple|family)(?:['’]s)?|his|her|their|my|him|them|(?:(?:his|her|the|their|my)\s)?face)"
)
_FACE = (
    r"(?:full[\s-]?face|full[\s-]facial|facial|face|frontal(?:\sface|\sfacial)?"
    r"|head[\s-]and[\s-]shoulders?|head)"
)
_PAPER = (
    r"(?:(?:id|identification|staff|work)\sbadge|passport(?:[\s-](?:size|style|type))?|identification|identity|id|id-card|portrait|profile"
    r"|custody|booking|police|arrest|school|family|wedding|(?:driver'?s|driving)\slicen[cs]e|licen[cs]e|badge"
    r"|webcam|admission|enrol?lment|wristband|missing[\s-]person)"
)
_PHOTO = re.compile(
    rf"(?:(?:colou?r|digital|clinical|standard)\s)?(?:{_FACE}\s(?:{_PICTURE}|{_SIGHT})|{_PAPER}\s{_PICTURE})"
    rf"(?:\s(?:of\s)?{_WHOSE}(?:\sface)?)?(?:\s{_FILE})?"
    rf"|{_PICTURE}\sof\s{_WHOSE}(?:\sface)?(?:\s{_FILE}|\sand\s\w+)?"
    rf"|(?:{_PICTURE}|images?|video)\s(?:showing|shows?|includ(?:es|ing)|with)\s(?:(?:his|her|the|their)\s|the\spatient['’]s\s)?(?:whole\s|full\s)?face"
    rf"|(?:his|her|their|(?:the\s)?patient['’]?s?)\s{_PICTURE}(?!\w)(?:\s{_FILE})?"
    r"|(?:camera|cctv|webcam|video)\s(?:still|image|footage|photo)s?(?:\s"
    rf"{_FILE})?|portraits?\b|selfies?\b|photo[\s-](?:id|identification)\b|head\s?shots?\b|mug\s?shots?\b",
    re.IGNORECASE,
)
_NOT_SHOWN = re.compile(r"(?:'?s)?\s(?:is|was|of)\s(?:consistent|typical|one|suggestive)", re.I)
"""What tells "her picture is consistent with sepsis" from a photograph."""
_PHOTO_STARTS = frozenset(
    """full full-face fullface full-facial facial face frontal passport passport-style passport-size
    identification identity id id-card portrait portraits profile custody booking police arrest head
    head-and-shoulders family school wedding driver driver's drivers licence license badge webcam
    admission enrolment enrollment wristband missing missing-person color colour digital clinical
    standard photo photos photograph photographs picture pictures selfie selfies snapshot snapshots
    headshot headshots mugshot mugshots mug pic pics polaroid polaroids image images video camera
    cctv his her their the patient""".split()
)
_FILE_END = re.compile(r"\.(?:jpe?g|png|heic|tiff?|bmp|gif|mp4|mov)\b", re.IGNORECASE)
_FILE_NAME = re.compile(r"[\w-]{1,40}$")
_ARTICLE = re.compile(r"\ban?\s$", re.IGNORECASE)


def find_mentions(words: Words) -> Iterator[Found]:
    """Give mentions of biometric data, of photographs of a person, and names of picture files."""
    text = words.text
    for at in words.where(_BIOMETRIC_STARTS):
        end = _biometric_end(text, words.starts[at])
        if end:
            start = _start_with(text, words.starts[at], _BEFORE_PRINT)
            end = _KEPT_BEHIND.match(text, end).end()  # type: ignore[union-attr]
            yield _found(start, end, "biometric", _BIOMETRIC_RANK)
    for at in words.where(_PHOTO_STARTS):
        match = _PHOTO.match(text, words.starts[at])
        if match and not _NOT_SHOWN.match(text, match.end()):
            start = _start_with(text, match.start(), _ARTICLE)
            yield _found(start, match.end(), "photo", _PHOTO_RANK)
    for ending in _FILE_END.finditer(text):
        name = _FILE_NAME.search(text, max(0, ending.start() - 41), ending.start())
        if name:
            yield _found(name.start(), ending.end(), "photo", _PHOTO_RANK)


def _biometric_end(text: str, start: int) -> int:
    """Give where the mention of biometric data ends that begins at `start`, else 0."""
    strong = _STRONG.match(text, start)
    if strong:
        return strong.end()
    weak = _WEAK.match(text, start)
    if not weak:
        return 0
    kept = _KEPT.match(text, weak.end())
    if kept:
        return kept.end()
    near = text[max(0, start - 80) : start] + text[weak.end() : weak.end() + 80]
    return weak.end() if _SECURITY_NEAR.search(near) else 0


def _start_with(text: str, start: int, before: re.Pattern[str]) -> int:
    match = before.search(text[max(0, start - 30) : start])
    return start - len(match.group()) if match else start


def _found(start: int, end: int, category: Category, rank: int) -> Found:
    return Found(start, end, category, rank, category)
