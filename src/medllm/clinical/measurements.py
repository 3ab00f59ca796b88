"""Numbers with their units in a text, before it is known what they measure."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from medllm.clinical.numbers import parse_number
from medllm.clinical.reference import is_unit, normalise_unit
from medllm.clinical.tokens import Tokens

_NUMBER = r"\d+(?:[.,·]\d+)*"
VOLUME = r"(?:dl|l|ml|mm\s?[3³]|cumm|cmm|[µμu]l|mcl)\b"
"""What laboratory units are per, as a pattern."""

_UNIT = rf"""(?:
    [x×*·]\s?10\s?\^?\s?[3569¹²³⁶⁹]{{1,2}}\s?/\s?{VOLUME}
  | (?:gm?|mg|[µμu]g|mcg|ng|pg|[mµμunp]?mol|meq|[µμumk]?(?:iu|ui|u)|units|cells?|elements|copies
      |giga|k)\s?/\s?{VOLUME}
  | (?:mosm(?:ol)?|mmol)\s?/\s?kg\b | mmol\s?/\s?mol\b | mg\s?/\s?(?:g|mmol)\b
  | m?l\s?/\s?(?:min(?:ute)?(?:\s?/\s?1[.,]73\s?m\s?[2²])?|day)\b
  | m?g\s?/\s?(?:day|24\s?h(?:ours?|rs?)?)\b
  | (?:gm?|mg)\s?%
  | mm\s?/\s?(?:1st\s?)?(?:h(?:ou)?r?|1h)\b
  | (?:beats?|breaths?|cycles?|respirations|pulses|[bc])?\s?(?:/|per\b)\s?min(?:ute)?\b
  | bpm\b | cpm\b
  | /\s?{VOLUME}
  | mm\s?hg\b | kpa\b | cm\s?h2o\b
  | (?:°|º|˚|deg(?:rees?)?)\s?(?:celsius|fahrenheit|[cf]\b)? | ℃ | ℉ | [o0]?\s?[cf]\b | celsius\b
  | kg\s?/\s?c?m\s?[2²]
  | (?:centi|milli)met(?:er|re)s?\b
  | (?:kg|kgs|kilograms?|grams?|gm?|lbs?|pounds?|cm|mm|m|inches|mg|[µμu]g|ml)\b
  | % | s(?:ec(?:onds?|s)?)?\b | fl\b | pg\b
)"""
_QUANTITY = re.compile(
    rf"""(?<![\d.,·])(?P<number>{_NUMBER})
    (?P<more>(?:\s?(?:cm|mm)?\s?[x×*]\s?(?!10\s?\^?\s?[3569¹²³⁶⁹]{{1,2}}\s?/){_NUMBER})+
      | \s?(?:-|–|—|to)\s?{_NUMBER} | \s?/\s?\d{{1,3}}(?![\d/]) | \s?±\s?{_NUMBER} | :\d+)?
    (?:\s?(?P<unit>{_UNIT}))?""",
    re.VERBOSE | re.IGNORECASE,
)
_NOT_A_RESULT = re.compile(  # "HR" in capitals is the heart rate
    r"[\s-]{0,2}(?:years?|yrs?|y/?o|months?|weeks?|wks?|days?|hours?|(?-i:hrs?)|min(?:ute)?s?\b"
    r"|tablets?|doses?|mcg|IU\b|units?\b|cycles\b|patients|cases|th\b|st\b|nd\b|rd\b|L\b|liters?"
    r"|litres?|packs?|French|Fr\b|G\b|gauge|of\s+\d|out\s+of|mg|/\s?kg|kg|times\s+(?:a|per|daily))",
    re.IGNORECASE,
)
_SPELT_NUMBERS = {
    word: float(number)
    for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)
}
_SPELT = re.compile(
    rf"\b({'|'.join(_SPELT_NUMBERS)})\s?(?:(cm|mm|centimet(?:er|re)s?|millimet(?:er|re)s?)\b"
    r"|plus(?:es)?\b)"
    r"|(?<![\w.])([1-4])\s?plus(?:es)?\b"
    r"|(?<![\w+])([1-4]\s?\+|\+{2,4})(?![\w+])"
    r"|\b(\d+(?:\.\d+)?)(?:\s?[x×]|[\s-]?fold|\s?times)\s+(?:the\s+)?"
    r"(?:upper\s+limit(?:\s+of\s+(?:the\s+)?normal)?|uln)\b"
    r"|\((?:(?<![:,;\n]\()(?<![:,;\n]\s\()|(?=[ +–−-]{1,6}\)(?!\s?[A-Za-z])))\s?([+–−-]{1,4})\s?\)",
    re.IGNORECASE,
)


class Measurement(NamedTuple):
    """A number with its unit at a place of the text."""

    start: int
    end: int
    token: int
    """The token that the number is, or is in."""
    value: float
    unit: str
    written_unit: str
    is_pair: bool
    """A blood pressure: "120/80"."""
    is_size: bool
    """Several dimensions: "4 × 3 cm"."""
    is_range: bool
    """From one number to another: "12-16"."""


def find_measurements(text: str, tokens: Tokens) -> list[Measurement]:
    """Give every number of `text` that may be a result, in order; ages and times are left out."""
    found = [
        measured
        for match in _QUANTITY.finditer(text)
        if (measured := _measurement(text, tokens, match)) is not None
    ]
    taken = {measured.start: at for at, measured in enumerate(found)}
    for match in _SPELT.finditer(text):
        measured = _spelt(tokens, match)
        if measured.start in taken:
            found[taken[measured.start]] = measured
        else:
            found.append(measured)
    return sorted(found)


def _measurement(text: str, tokens: Tokens, match: re.Match[str]) -> Measurement | None:
    written = match["unit"] or ""
    more = match["more"] or ""
    if written in ("c", "f") or not is_unit(written):
        written = ""
    end = match.end() if written else match.end("more" if more else "number")
    if not written and _NOT_A_RESULT.match(text, end):
        return None
    is_size = "x" in more.lower() or "×" in more or "*" in more
    numbers = [parse_number(n) for n in re.findall(_NUMBER, match["number"] + " " + more)]
    return Measurement(
        start=match.start(),
        end=end,
        token=_token_at(tokens, match.start()),
        value=max(numbers) if is_size else numbers[0],
        unit=normalise_unit(written) if written else "",
        written_unit=written,
        is_pair=len(more) > 2 and "/" in more,
        is_size=is_size,
        is_range=bool(re.match(r"\s?(?:-|–|—|to)", more)),
    )


def _spelt(tokens: Tokens, match: re.Match[str]) -> Measurement:
    """Give "ten cm", "two pluses", "3+", "(-)" or "4 times the upper limit of normal"."""
    if match[1]:
        value = _SPELT_NUMBERS[match[1].lower()]
        unit = normalise_unit(match[2]) if match[2] else "+"
    elif match[3]:
        value, unit = float(match[3]), "+"
    elif match[4]:
        value = float(match[4][0]) if match[4][0].isdigit() else float(len(match[4]))
        unit = "+"
    elif match[5]:
        value, unit = float(match[5]), "ULN"
    else:
        value, unit = float(match[6].count("+")), "+"
    start, end = match.span()
    return Measurement(start, end, _token_at(tokens, start), value, unit, unit, False, False, False)


def _token_at(tokens: Tokens, at: int) -> int:
    """Give the token that begins at this character or holds it."""
    token = bisect_left(tokens.starts, at)
    return token if token < len(tokens.starts) and tokens.starts[token] == at else token - 1
