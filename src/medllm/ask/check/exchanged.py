"""Numbers and names that have changed places: each is in the source, but with other words."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from medllm.ask.check.names import is_code, named_places
from medllm.ask.check.units import TIMES
from medllm.ask.check.wording import Word, around, beside, content_keys, read_words

_TURNS = frozenset("from to then versus vs".split())
_HOW_OFTEN = frozenset("daily weekly monthly hourly twice once every each times".split())
_STATISTICS = frozenset(
    "hazard odds ratio risk interval confidence ci rate rates score hr or rr adjusted associated "
    "higher lower increased about approximately nearly respectively consecutive assigned allocated "
    "randomised randomized".split()
)
"""Words between a thing and its number that say what kind of number it is."""
_MARKS = frozenset([",", ";", ".", "(", ")", "and", "but"])
_PASSED_OVER = _HOW_OFTEN | _STATISTICS


def exchanged_number(claim: str, source: str) -> str:
    """Give a number or unit of the claim for which the source, in the same words, has another."""
    mine, theirs = read_words(claim), read_words(source)
    matcher = SequenceMatcher(
        None, [word.key for word in mine], [word.key for word in theirs], autojunk=False
    )
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag != "replace" or max(a_end - a, b_end - b) > 3:
            continue
        for is_alike in (_is_number, _is_unit, is_code):
            ours = [at for at in range(a, a_end) if is_alike(mine[at])]
            others = [at for at in range(b, b_end) if is_alike(theirs[at])]
            if not ours or not others or mine[ours[0]].key in {theirs[at].key for at in others}:
                continue
            if _is_same_place(mine, ours[0], theirs, others[0]):
                return mine[ours[0]].written
    return _number_of_another(mine, theirs) or _number_in_brackets(mine, theirs)


def _number_in_brackets(mine: Sequence[Word], theirs: Sequence[Word]) -> str:
    """Give a number of the claim that the source has in brackets after something else.

    Of "thrombosis (18%) and diarrhoea (44%)" "44% had thrombosis" makes another thing.
    """
    held: dict[tuple[str, str], set[str]] = {}
    for at, word in enumerate(theirs):
        if word.is_number and at > 1 and theirs[at - 1].written == "(":
            held.setdefault((theirs[at - 2].key, _unit(theirs, at)), set()).add(word.key)
    for at, word in enumerate(mine):
        if word.is_number:
            before = {w.key for w in _before(mine, at)}
            found = [held.get((key, _unit(mine, at)), set()) for key in before]
            heads = {_head(theirs, n)[0] for n, w in enumerate(theirs) if w.key == word.key}
            if any(found) and not (before & heads or any(word.key in values for values in found)):
                return word.written
    return ""


def _before(words: Sequence[Word], at: int) -> list[Word]:
    """Give the words that say something before a number, back to the number before it."""
    found: list[Word] = []
    for word in reversed(words[:at]):
        if word.is_number or word.written in (";", "."):
            break
        if word.is_content:
            found.append(word)
    return found


def exchanged_name(claim: str, source: str) -> str:
    """Give a name of the claim that stands where the source, in the same words, has another.

    "Lithium was replaced by valproate" turned round, or "vegetation on the mitral valve" where it
    was on the tricuspid one and the mitral valve was normal. "X and Y" is as good as "Y and X".
    """
    mine, theirs = read_words(claim), read_words(source)
    ours, others = named_places(claim), named_places(source)
    keys = {mine[at].key for at in ours}
    for at in sorted(ours):
        here, next_to = around(mine, at), beside(mine, at)
        own = [place for place, word in enumerate(theirs) if word.key == mine[at].key]
        if not own or any(next_to & beside(theirs, place) for place in own):
            continue
        most = max(len(here & around(theirs, place)) for place in own)
        for place, kind in others.items():
            is_alike = kind == ours[at] and theirs[place].key not in keys
            is_there = is_alike and next_to & beside(theirs, place)
            if is_there and len(here & around(theirs, place)) >= most + 2:
                return mine[at].written
    return _turned_round(mine, theirs, sorted(ours), sorted(others)) or _compared_otherwise(
        mine, theirs
    )


def _turned_round(
    mine: Sequence[Word], theirs: Sequence[Word], ours: Sequence[int], others: Sequence[int]
) -> str:
    """Give the first of two names that have changed places around the same words."""
    first = [mine[at].key for at in ours]
    second = [theirs[at].key for at in others]
    for one, other in zip(ours, ours[1:], strict=False):
        keys = mine[one].key, mine[other].key
        between = {w.key for w in mine[one + 1 : other] if w.key.startswith("#")}
        if not between or first.count(keys[0]) + first.count(keys[1]) > 2:
            continue
        if second.count(keys[0]) == second.count(keys[1]) == 1:
            places = [place for key in keys for place in others if theirs[place].key == key]
            middle = {w.key for w in theirs[places[1] + 1 : places[0]] if w.key.startswith("#")}
            if places[1] < places[0] and between == middle:
                return mine[one].written
    return ""


def _compared_otherwise(mine: Sequence[Word], theirs: Sequence[Word]) -> str:
    """Give what the claim compares with "than" where the source compares it the other way round."""
    here, there = _sides_of_than(mine), _sides_of_than(theirs)
    if here is None or there is None:
        return ""
    one = (here[0] & there[1]) - there[0]
    other = (here[1] & there[0]) - there[1]
    return next((word.written for word in mine if word.key in one), "") if other else ""


def _sides_of_than(words: Sequence[Word]) -> tuple[set[str], set[str]] | None:
    at = next((at for at, word in enumerate(words) if word.written.lower() == "than"), None)
    return None if at is None else (content_keys(words[:at]), content_keys(words[at:]))


def _is_same_place(mine: Sequence[Word], at: int, theirs: Sequence[Word], other: int) -> bool:
    """Whether two numbers, which are not the same, stand with the same words."""
    if _is_number(mine[at]) and _is_followed_alike(mine, at, theirs):
        return False
    label, there = _head(mine, at)[0], _head(theirs, other)[0]
    return label == there if label or there else _follower(mine, at) == _follower(theirs, other)


def _number_of_another(mine: Sequence[Word], theirs: Sequence[Word]) -> str:
    """Give a number of the claim that stands beside a word which in the source has other numbers.

    The word after it settles it, if there is one: "16 % on placebo" may come first or second.
    """
    held: dict[tuple[str, ...], set[str]] = {}
    for at, word in enumerate(theirs):
        for name in _labels(theirs, at) if word.is_number else ():
            for label in (name, name[:-1]):  # with the unit, and whatever the unit
                held.setdefault(label, set()).add(word.key)
    for at, word in enumerate(mine):
        known = [x for x in (_labels(mine, at) if word.is_number else ()) if x[1] and x in held]
        if known and word.key not in held[known[0][:-1]]:
            return word.written
    return ""


def _labels(words: Sequence[Word], at: int) -> list[tuple[str, ...]]:
    """Give what stands after a number and what stands before it, both with the number's unit."""
    unit = _unit(words, at)
    head, turn = _head(words, at)
    return [("after", _follower(words, at), unit), ("before", head, turn, unit)]


def _is_followed_alike(mine: Sequence[Word], at: int, theirs: Sequence[Word]) -> bool:
    """Whether the source has the same number before the same word: "16 % on placebo"."""
    follower = _follower(mine, at)
    return bool(follower) and any(
        word.key == mine[at].key
        and _follower(theirs, place) == follower
        and _unit(theirs, place) == _unit(mine, at)
        for place, word in enumerate(theirs)
    )


def _head(words: Sequence[Word], at: int) -> tuple[str, str]:
    """Give the last word that says something before a number, and a "from" or "to" after it."""
    turn = words[at - 1].written.lower() if at else ""
    if turn == "of" and at > 1 and words[at - 2].is_number:  # "231 of 708"
        return "", ""
    for place in range(at - 1, max(-1, at - 12), -1):
        word = words[place]
        if word.written in (";", "."):
            break
        if word.is_content and not word.is_number and word.written.lower() not in _PASSED_OVER:
            return word.key, turn if turn in _TURNS else ""
    return "", ""


def _unit(words: Sequence[Word], at: int) -> str:
    """Give the kind of unit that follows a number: days and weeks are one kind."""
    unit = next((word.key for word in words[at + 1 : at + 3] if _is_unit(word)), "")
    return "time" if unit.removeprefix("unit ") in TIMES else unit


def _follower(words: Sequence[Word], at: int) -> str:
    """Give the next word that says something after a number, before another number."""
    for word in words[at + 1 : at + 8]:
        if word.is_number or word.written.lower() in _MARKS:
            return ""
        if word.is_content and word.written.lower() not in _HOW_OFTEN:
            return word.key
    return ""


def _is_unit(word: Word) -> bool:
    return word.key.startswith("unit ")


def _is_number(word: Word) -> bool:
    return word.is_number
