"""The numbers of a text, in digits and in words, with their units and what they are per."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from medllm.ask.check.units import TIMES, unit_of

_CARDINALS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_TEN_OF = {word: 10 * n for n, word in enumerate(_TENS.split(), start=2)}
_CARDINAL_OF = {word: n for n, word in enumerate(_CARDINALS.split())} | _TEN_OF
_RANK_OF = {word: n for n, word in enumerate(_ORDINALS.split(), start=1)}
_ROMAN_OF = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_COUNT_OF = {"both": 2, "single": 1, "twice": 2, "thrice": 3, "once": 1}
_TIMES_A_DAY = {"qd": 1, "od": 1, "bd": 2, "bid": 2, "tds": 3, "tid": 3, "qds": 4, "qid": 4}

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_POWER = re.compile(
    r"\s*[x×*·]\s*10\s*(?:\^|\*\*|\(|\[)?\s*(\d{1,2}|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})[)\]]?(?![\w.]|,\d)"
)
_FOUND = re.compile(
    r"(?P<date>(?<![\d.])\d{1,4}(?P<bar>[/.-])\d{1,2}(?P=bar)\d{2,4}(?!\d))"
    r"|(?P<number>(?<![^\W_])(?:\d+(?:[.,·]\d+)*|\.\d+))"
    r"|(?P<frequency>\b(?:[bt]\.i\.d|q\.i\.d|t\.d\.s|b\.d|o\.d|[bqt]id|[tq]ds|[bo]d|qd)\b)"
    r"|(?P<word>[^\W\d_]+)"
)
_DEGREES = re.compile(r"\s*(?:degrees?|deg\.?|°|º)\s*(c|f)(?:elsius|ahrenheit|entigrade)?\b")
_UNIT = re.compile(r"\s*[-‐-―]?\s*(?P<unit>[%‰]|per\s?cent\b|[^\W\d_]+[²³23]?)")
_PER = re.compile(r"(?:\s*/\s*|\s+per\s+|\s+(?:an?|each|every)\s+)(?P<unit>[^\W\d_]+[²³23]?)")
_HOW_OFTEN = re.compile(r"\s+(daily|weekly|monthly|hourly|yearly)\b")
_OFTEN = re.compile(r"(?:[- ]|\s+(?:an?|per|every|each)\s+)(daily|day|weekly|week|monthly|month)\b")
_BELOW = re.compile(r"(?:[<≤]|\b(?:less than|fewer than|lower than|below|at most|up to))\s*$")
_ABOVE = re.compile(
    r"(?:[>≥]|\b(?:more than|greater than|higher than|above|at least|exceed(?:s|ed|ing)?))\s*$"
)
_BETWEEN = re.compile(r"\s*(?:[x×*·/±–−-]|to|by|or)\s*")
"""What stands between two numbers that share the unit after the second."""
_NUMBERED = re.compile(r"\b(?:phase|stage|grade|class|type|level)\s+$")
_NAMED_BEFORE = re.compile(r"\b(days?|weeks?|months?|grade|stage|phase|class|type|level)\s+$")
_WITHIN = re.compile(r"\b(?:within|after|for|in|over)\s+$")
_MINUS = re.compile(r"(?:^|[\s(\[=:])[-−–]$")
_STOP = frozenset(
    "of to x and or in on at for was were is are with by from the a an than vs versus had".split()
)


class Quantity(NamedTuple):
    """A number with what it counts."""

    value: str
    """In one form: "1,200" and "1200", "two" and "2", ".5" and "0.50" are equal."""
    unit: str = ""
    """In one form; "" where none follows, "?" where it counts some other thing."""
    per: frozenset[str] = frozenset()
    """What it is per: {"kg", "day"} for mg/kg/day."""
    bound: str = ""
    """ "<" or ">" where it stands under or over the number, else ""."""
    is_claimed: bool = True
    """False where the text hardly means a number ("both", "a week"): it holds one, needs none."""


@lru_cache(maxsize=4096)
def read_quantities(text: str) -> tuple[Quantity, ...]:
    """Give the numbers of a text in order."""
    lower = text.lower()
    found: list[Quantity] = []
    at = 0
    while match := _FOUND.search(lower, at):
        quantity, end = _read(lower, match)
        if quantity:
            if found and _BETWEEN.fullmatch(lower, at, match.start()):
                found[-1] = _with_unit_of(found[-1], quantity)
            found.append(quantity)
        at = end
    return tuple(found)


def number_key(word: str) -> str:
    """Give the one form of a number in digits or a word like "two"; "" for anything else."""
    if word[-1].isdigit() and word[0] in ".0123456789":
        return plain(word)
    return str(_CARDINAL_OF[word]) if word in _CARDINAL_OF and word != "one" else ""


def plain(number: str) -> str:
    """Give one form: no thousands separators, a point for decimals, no zeros that say nothing."""
    number = number.replace("·", ".")
    if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    elif number.count(",") == 1 and "." not in number:
        number = number.replace(",", ".")  # a decimal comma: "12,5"
    if number.count(".") != 1:
        return (number.lstrip("0") or "0") if number.isdigit() else number
    whole, _, decimals = number.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _read(lower: str, match: re.Match[str]) -> tuple[Quantity | None, int]:
    """Give the number that was found, if it is one, and where it ends with its unit."""
    if match["date"]:
        return Quantity(match["date"]), match.end()
    if match["number"]:
        return _read_digits(lower, match)
    if match["frequency"]:
        times = _TIMES_A_DAY[match["frequency"].replace(".", "")]
        return Quantity(str(times), "times", frozenset({"day"})), match.end()
    return _read_word(lower, match)


def _read_digits(lower: str, match: re.Match[str]) -> tuple[Quantity, int]:
    power = _POWER.match(lower, match.end())
    unit, per, end = _read_unit(lower, power.end() if power else match.end())
    if power:
        unit = f"e{power[1].translate(_SUPERSCRIPT)}{unit}"
    before = lower[max(0, match.start() - 16) : match.start()]
    unit = unit or _unit_before(before)
    bound = "<" if _BELOW.search(before) else ">" if _ABOVE.search(before) else ""
    return Quantity(_sign(before) + plain(match["number"]), unit, per, bound), end


def _read_word(lower: str, match: re.Match[str]) -> tuple[Quantity | None, int]:
    """Read a number that is written as a word; None where the word is none."""
    word, end = match["word"], match.end()
    before = lower[max(0, match.start() - 12) : match.start()]
    if word in _CARDINAL_OF:
        return _read_cardinal(lower, match)
    if word in ("a", "an"):
        unit, per, _ = _read_unit(lower, end)
        is_claimed = bool(_WITHIN.search(before))
        return (Quantity("1", unit, per, "", is_claimed) if unit in TIMES else None), end
    if word in _RANK_OF:
        unit, _, _ = _read_unit(lower, end)
        is_fraction = bool(re.search(r"\b(?:a|one|two)[- ]$", before))
        is_claimed = word != "first" and (word != "second" or unit in TIMES) and not is_fraction
        return Quantity(str(_RANK_OF[word]), unit, frozenset(), "", is_claimed), end
    if word in _ROMAN_OF and _NUMBERED.search(before):
        return Quantity(str(_ROMAN_OF[word])), end
    if word in _COUNT_OF:
        value = str(_COUNT_OF[word])
        if often := _OFTEN.match(lower, end):
            return Quantity(value, "times", frozenset({unit_of(often[1])})), often.end()
        return Quantity(value, is_claimed=word in ("twice", "thrice")), end
    return None, end


def _read_cardinal(lower: str, match: re.Match[str]) -> tuple[Quantity, int]:
    value, end = _CARDINAL_OF[match["word"]], match.end()
    ones = re.compile(r"[- ](\w+)").match(lower, end) if match["word"] in _TEN_OF else None
    if ones and 0 < _CARDINAL_OF.get(ones[1], 0) < 10:
        value, end = value + _CARDINAL_OF[ones[1]], ones.end()
    unit, per, after = _read_unit(lower, end)
    unit = unit or _unit_before(lower[max(0, match.start() - 16) : match.start()])
    is_claimed = value != 1 or unit not in ("", "?")
    return Quantity(str(value), unit, per, "", is_claimed), (end if unit in ("", "?") else after)


def _read_unit(lower: str, at: int) -> tuple[str, frozenset[str], int]:
    """Give the unit that follows, what it is per, and where both end."""
    unit, at = _read_base(lower, at)
    per: set[str] = set()
    while unit != "?" and (match := _PER.match(lower, at)):
        known = unit_of(match["unit"])
        if not known:
            break
        per.add(known)
        at = match.end()
    if unit not in ("?", "") and unit not in TIMES and (often := _HOW_OFTEN.match(lower, at)):
        per.add(unit_of(often[1]))
    return unit, frozenset(per), at


def _read_base(lower: str, at: int) -> tuple[str, int]:
    """Give the unit that follows: "?" for some other word, "" for none, a mark or "of"."""
    if degrees := _DEGREES.match(lower, at):
        return f"°{degrees[1]}", degrees.end()
    match = _UNIT.match(lower, at)
    if not match or match["unit"] in _STOP or match["unit"] in _CARDINAL_OF:
        return "", at
    word = match["unit"].replace(" ", "")
    if unit_of(word):
        return unit_of(word), match.end()
    if word in ("beats", "breaths"):  # the number is per minute of nothing else
        return "", match.end()
    beyond = _UNIT.match(lower, match.end())  # "4 consecutive days"
    if beyond and unit_of(beyond["unit"]) in TIMES:
        return unit_of(beyond["unit"]), beyond.end()
    return "?", at


def _unit_before(before: str) -> str:
    """Give the unit of "day 6", and "?" for "grade 3", which is no 3 of anything else."""
    match = _NAMED_BEFORE.search(before)
    return (unit_of(match[1]) or "?") if match else ""


def _with_unit_of(quantity: Quantity, following: Quantity) -> Quantity:
    """Give the first number of "3 x 5 cm" or "3 to 5 cm" the unit that stands after the last."""
    if quantity.unit or quantity.per:
        return quantity
    return quantity._replace(unit=following.unit, per=following.per)


def _sign(before: str) -> str:
    """Give "-" for a minus sign, as against a hyphen or a range."""
    is_range = re.search(r"\d\S*\s*[-−–]$", before)
    return "-" if _MINUS.search(before) and not is_range else ""
