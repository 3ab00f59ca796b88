"""Whether a name stands for a disease, a sign, a tool or a firm and for nobody in the text."""

from __future__ import annotations

import re

from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_OF_BEFORE = re.compile(r"(?:declaration|plaster) of $", re.IGNORECASE)
_NUMERALS = frozenset("ii iii iv".split())
_DASHES = ("-", "–", "‐", "‑")
_GAPS = (" ", "'s ", "’s ", "' ", "’ ", "-", "\n")
_PLACE_EPONYMS = frozenset(
    """bristol oxford boston glasgow nottingham edinburgh manchester milan rome
    vancouver toronto ottawa paris chicago seattle rotterdam montreal barcelona
    philadelphia amsterdam sydney helsinki""".split()
)
"""Places that scales and schemes are named after: "Bristol stool 6", "Oxford knee score"."""
_BETWEEN = frozenset(
    """stool brain muscular mental postnatal bowel visual cell modified anxiety depression cognitive
    critical care physical knee hip shoulder extremity salvage sleep quality diagnostic aphasia
    clinic liver cancer coma outcome rating hand disability back neck pain elbow ankle foot life
    functional gastrointestinal symptom health fatigue severity developmental motor early child
    river""".split()
)
"""Words that may stand between a name and its head: "Edinburgh Postnatal Depression Scale"."""
_MAX_WORDS = 6
_FIRMS = frozenset(
    ("carl zeiss", "biosense webster", "ivor lewis", "john cunningham", "merck sharp", "eli lilly")
    + ("smith nephew", "johnson johnson", "auden mckenzie", "cook medical", "fisher paykel")
    + ("fisher scientific", "thermo fisher", "bard parker", "kimberly clark", "baxter healthcare")
    + ("becton dickinson", "stryker howmedica", "st jude", "parke davis", "hudson rci", "b braun")
    + ("cavalier king", "charles spaniel", "king charles", "german shepherd", "jack russell")
    + ("le fort", "ivoclar vivadent", "boehringer ingelheim", "epstein barr", "nobel biocare")
    + (
        "merck millipore",
        "bruker microflex",
        "siemens magnetom",
        "labrador retriever",
        "bull terrier",
        "ross river",
        "murray valley",
        "soc sec",
        "west nile",
    )
)
"""Two words that begin like a name and are a firm's, a virus's, an operation's or a breed's."""


def is_firm(words: Words, at: int) -> bool:
    """Whether the words from `at` are the name of a firm, a virus, an operation or a breed."""
    return " ".join(words.lowers[at : at + 2]) in _FIRMS


def is_eponym_use(words: Words, at: int, *, by_head: bool = False) -> bool:
    """Whether a head follows ("Wilson disease", "Chelsea Physical Assessment") or a twin by dash.

    A clinical word behind an eponym is enough ("Foley bag"), but where a given name stands in front
    `by_head` asks for a head: "Ann Foley's condition" is a person's.
    """
    known = vocabulary()
    low = words.lowers[at]
    start = words.starts[at]
    if _OF_BEFORE.search(words.text[max(0, start - 16) : start]):
        return True
    for here in range(at, min(at + _MAX_WORDS, len(words) - 1)):
        following = words.lowers[here + 1]
        gap = words.gap(here)
        if gap in _DASHES and words.is_capital(here + 1):
            return following in known.eponyms or low in known.eponyms
        if gap not in _GAPS or (gap == "\n" and words.is_capital(here + 1)):
            break  # a line that goes on begins with a small letter
        heads = known.eponym_heads
        if following in _NUMERALS or following in heads or following.rstrip("s") in heads:
            return True
        if (
            here == at
            and not by_head
            and (following in known.clinical or following in _BETWEEN | {"type", "like"})
        ):
            if low in known.eponyms or (low in _PLACE_EPONYMS and words.surfaces[at + 1].islower()):
                return True
            if not words.is_capital(at + 1):
                return False
        named = known.is_clinical(following) or following in _BETWEEN
        if following not in known.eponyms and not (named and words.is_capital(here + 1)):
            break
    before = words.text[start - 1 : start] if start else ""
    return before in _DASHES[1:] or (before == "-" and low in known.eponyms)
