"""Unknown words with a capital in a text that is about somebody by name.

A published case names nobody, and its unknown words are firms and devices. Where a title, a label
or a birth date shows that a text is a patient's, an unknown word with a capital in mid-sentence is
a name more often than not, and is taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.eponyms import is_eponym_use, is_firm
from medllm.clinical.deidentify.names.pairs import FIRM_NEAR
from medllm.clinical.deidentify.names.reader import Span, is_initial, is_namelike, read_name
from medllm.clinical.deidentify.text import Words, is_chart
from medllm.clinical.deidentify.vocabulary import vocabulary

_OPENS = re.compile(r"(?:[.!?:•*|#>–]|\d[.)])[\"'”’)\]]?\s*$|\n\s*$|^\s*$|\s-\s$")
"""What stands in front of the first word of a sentence, a line or an item."""
_THING_BEHIND = re.compile(
    r"\s?(?:[®™/+=%]|\d|\(?\d+(?:\.\d+)?\s?(?:mg|mcg|g|ml|units)|mg|mcg|tab|cap|cream|gel|spray|inhaler"
    r"|drops|patch|injection|catheter|tube|drain|scan|test|score|scale|index|stain|criteria|sign|line"
    r"|dressing|mesh|stent|valve|pump|device|monitor|collar|boot|brace|syndrome|disease|virus|spp?\b"
    r"|protocol|regimen|diet|exercises?|manoeuvre|maneuver|position|technique|procedure|method)",
    re.IGNORECASE,
)
_LATIN = re.compile(
    r"(?:coccus|cocci|bacter|monas|ella|illus|idium|myces|plasma|virus|viridae|phaga|sporum|toma|nema"
    r"|ase|ine|ide|ate|ole|ium|cin|lin|xin|zin|mab|nib|pam|lam|vir|sone|lone|olol|pril|tan|fen|zole)$"
)
"""Ends of microbes', drugs' and elements' names, which no list holds whole."""


_GENUS = re.compile(r"(?:us|ia|ella|coccus|bacter|monas|myces|ium|ma|ea|era|ix|es|um|la)$")
_SPECIES = re.compile(r"(?:us|is|um|ii|i|ae|ans|ens|osa|ata|ica|ria|la|oni|arum|ilis)$")


def find_unknown_names(words: Words, *, has_names: bool) -> Iterator[Span]:
    """Give unknown words with a capital in mid-sentence, of a text that is a patient's.

    `has_names` says that a title, a label or a frame showed a name in it.
    """
    if not (has_names or is_chart(words.text)):
        return
    done = -1
    for at in words.capitals:
        if at >= done and is_initial(words, at) and words.gap(at) in (". ", "."):
            if _is_unknown(words, at + 1) and not _is_thing(words, Span(at, at + 2)):
                yield Span(at, at + 2)  # "read by R. Zamboro"
                done = at + 2
            continue
        if at < done or not _is_unknown(words, at) or _is_opening(words, at):
            continue
        span = read_name(words, at, trusted=False, cued=True) or Span(at, at + 1)
        if _is_thing(words, span):
            continue
        yield span
        done = span.last


def _is_unknown(words: Words, at: int) -> bool:
    low, surface = words.lowers[at], words.surfaces[at]
    if len(low) < 3 or surface.isupper() or not surface[1:].islower() or not is_namelike(words, at):
        return False
    known = vocabulary()
    if known.is_plain(low) or low in known.eponyms or low in known.regions or known.is_city(low):
        return False
    if low.endswith("s") and known.is_plain(low[:-1]):
        return False
    return not (is_firm(words, at) or is_eponym_use(words, at) or _LATIN.search(low))


def _is_opening(words: Words, at: int) -> bool:
    """Whether the word opens a sentence or an item, or stands among capitals as headings do."""
    before = words.text[max(0, words.starts[at] - 6) : words.starts[at]]
    if at == 0 or _OPENS.search(before):
        return True
    return words.gap(at - 1) in (" ", "-", "/") and words.is_capital(at - 1)


def _is_thing(words: Words, span: Span) -> bool:
    end = words.ends[span.last - 1]
    follows = words.surfaces[span.last]
    if words.gap(span.last - 1) == " " and follows.islower() and _SPECIES.search(follows):
        return _GENUS.search(words.lowers[span.last - 1]) is not None  # "Escherichia coli"
    if _THING_BEHIND.match(words.text, end) or words.gap(span.last - 1) == "-":
        return True
    if words.gap(span.last - 1) == " " and words.is_capital(span.last):
        known, low = vocabulary(), words.lowers[span.last]
        return known.is_plain(low) and not known.is_listed_name(low)
    return FIRM_NEAR.search(words.text[words.starts[span.first] : end + 25]) is not None
