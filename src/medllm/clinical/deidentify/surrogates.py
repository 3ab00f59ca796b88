"""What stands in place of an identifier: the same for the same, keyed by the caller's secret.

Surrogates cannot be anybody's: invented names and places, telephone numbers of an area that does
not exist, addresses that no host has, codes that begin with "ANON". They are told from what a text
brings by their form alone, so none has the form of the usual examples ("555-0123", "192.0.2.1"),
which a text may hold and which then are replaced like any other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache

from medllm.clinical.deidentify.dates.shift import shifted_text, year_only
from medllm.clinical.deidentify.text import Found
from medllm.clinical.deidentify.vocabulary import fold, vocabulary

_INITIALS = "BCDFGHJKLMNPRSTVWZ"
_VOWELS = "aeiou"
_GIVEN_MIDDLES = ("rov", "lim", "nub", "desk", "vad", "zor", "tef", "gul")
_GIVEN_ENDS = ("an", "el", "ri", "o", "ny", "yx", "em", "is")
_SURNAME_MIDDLES = ("lv", "rq", "nd", "mb", "st", "lth", "rk", "nz")
_SURNAME_ENDS = ("orn", "ust", "imber", "aveld", "owick", "urst", "eppe", "ingor")
_PLACE_MIDDLES = ("ln", "rm", "sk", "vd", "nt", "lb", "rz", "mp")
_PLACE_ENDS = ("oxbury", "eshaven", "iquay", "astead", "umoor", "odale", "enmouth", "ifold")
_GIVEN = re.compile(
    rf"[{_INITIALS}][{_VOWELS}](?:{'|'.join(_GIVEN_MIDDLES)})(?:{'|'.join(_GIVEN_ENDS)})", re.I
)
_SURNAME = re.compile(
    rf"[{_INITIALS}][{_VOWELS}](?:{'|'.join(_SURNAME_MIDDLES)})(?:{'|'.join(_SURNAME_ENDS)})", re.I
)
_PLACE = re.compile(
    rf"[{_INITIALS}][{_VOWELS}](?:{'|'.join(_PLACE_MIDDLES)})(?:{'|'.join(_PLACE_ENDS)})", re.I
)
_PLAIN_TEXT = {
    "age": "90+",
    "biometric": "[biometric identifier]",
    "photo": "[photograph]",
    "holiday": "[holiday]",
    "no date": "[date]",
    "ward": "X",
}
_LABELS = {
    "name": "[name]",
    "geographic": "[place]",
    "phone": "[phone]",
    "fax": "[fax]",
    "email": "[e-mail]",
    "ssn": "[social security number]",
    "medical_record": "[record number]",
    "health_plan": "[plan number]",
    "account": "[account number]",
    "licence": "[licence number]",
    "vehicle": "[vehicle number]",
    "device": "[device number]",
    "url": "[web address]",
    "ip": "[IP address]",
    "other": "[identifier]",
}
_BRACKETED = frozenset({*_PLAIN_TEXT.values(), *_LABELS.values()})
_DONE = re.compile(
    r"ANON-[A-Z2-7]{6}|anon\.[a-z2-7]{6}@example\.org|https://example\.org/anon-[a-z2-7]{6}"
    r"|0\.0\.\d{1,3}\.\d{1,3}|100::[0-9a-f]{4}|@anon_[a-z2-7]{6}|000-555-\d{4}|00000|ZZ99 9ZZ|90\+"
    r"|00:00:00:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}|[Xx]+(?:\.? ?[Xx]+)*\.?"
)


def placeholder(text: str, item: Found) -> str:
    """Give the words in brackets that say what was there, a year left where there was one."""
    if item.kind in _PLAIN_TEXT:
        return _PLAIN_TEXT[item.kind]
    if item.category == "date":
        return year_only(text, item)
    return _LABELS[item.category]


def is_surrogate(text: str, item: Found) -> bool:
    """Whether what was found is already a surrogate of ours, which stays as it is."""
    said = text[item.start : item.end]
    if item.kind == "known":
        return False
    if text[item.start - 1 : item.start] == "[" and text[item.end : item.end + 1] == "]":
        return f"[{said}]" in _BRACKETED
    if item.kind == "age":
        return said == "90+"
    if item.kind in ("person", "company", "place", "street"):
        words = re.findall(r"[^\W\d_]+", said)
        return any(len(word) > 1 for word in words) and all(map(_is_invented, words))
    return _DONE.fullmatch(said) is not None


def _is_invented(word: str) -> bool:
    if len(word) == 1 or word in _KEPT_PARTS:
        return True
    return any(p.fullmatch(word) for p in (_GIVEN, _SURNAME, _PLACE)) or word in (
        "Road",
        "Group",
        "ZZ",
    )


_NAME_PART = re.compile(r"(?:['’]?[^\W\d_][\u0300-\u036f]*)+")
"""Of "O'Neill" and "ONeill" the same is made."""


class Surrogates:
    """Makes surrogates with one key: equal identifiers get equal ones, whatever their case."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        number = int.from_bytes(self._digest("date shift")[:8], "big")
        self.shift_days = -_SHIFTS[number % len(_SHIFTS)]
        self.word = lru_cache(maxsize=1 << 14)(self._word)

    def _digest(self, *parts: str) -> bytes:
        message = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).digest()

    def code(self, said: str) -> str:
        """Give six letters and figures that stand for any text."""
        return _base32(self._digest("code", said)).lower()

    def replace(self, text: str, item: Found) -> str:
        """Give what stands for a found identifier."""
        said = text[item.start : item.end]
        if item.kind in _PLAIN_TEXT:
            return _PLAIN_TEXT[item.kind]
        if item.kind == "date":
            return shifted_text(text, item, self.shift_days)
        if item.kind == "initials":
            return re.sub(r"[^\W\d_]", lambda m: "X" if m[0].isupper() else "x", said)
        if item.kind in ("person", "known"):
            return _NAME_PART.sub(lambda match: self._name_part(match[0]), said)
        if item.kind == "company":
            return f"{self.word('place', said.lower())} Group"
        if item.kind == "place":
            return _cased(self.word("place", said.lower()), said)
        if item.kind == "street":
            return f"1 {self.word('place', said.lower())} Road"
        return self._number(said, item)

    def _name_part(self, part: str) -> str:
        low = fold(part).replace("'", "").replace("’", "")
        if low in _KEPT_PARTS and not part[0].isupper():
            return part
        initial = self._initial(low[0])
        if len(part) == 1:
            return initial
        if part.isupper() and len(part) <= 3 and low not in vocabulary().surnames:
            return "".join(self._initial(letter) for letter in low)
        kind = "given" if low in vocabulary().given else "surname"
        return _cased(initial + self.word(kind, low)[1:], part)

    def _initial(self, letter: str) -> str:
        """Give the letter that stands for an initial, so that "A. Roe" stays Ann Roe."""
        return _INITIALS[self._digest("initial", letter)[0] % len(_INITIALS)]

    def _word(self, kind: str, said: str) -> str:
        digest = self._digest(kind, said)
        middles, ends = {
            "given": (_GIVEN_MIDDLES, _GIVEN_ENDS),
            "surname": (_SURNAME_MIDDLES, _SURNAME_ENDS),
            "place": (_PLACE_MIDDLES, _PLACE_ENDS),
        }[kind]
        initial = _INITIALS[digest[0] % len(_INITIALS)]
        vowel = _VOWELS[digest[1] % len(_VOWELS)]
        return initial + vowel + middles[digest[2] % len(middles)] + ends[digest[3] % len(ends)]

    def _number(self, said: str, item: Found) -> str:
        normal = re.sub(r"[\W_]", "", said).lower()
        digest = self._digest(item.category, normal)
        code = _base32(digest)
        if item.category in ("phone", "fax"):
            return f"000-555-{int.from_bytes(digest[:2], 'big') % 10_000:04d}"
        if item.kind == "code":
            return "00000" if normal.isdigit() else "ZZ99 9ZZ"
        by_kind = {
            "email": f"anon.{code.lower()}@example.org",
            "url": f"https://example.org/anon-{code.lower()}",
            "ip": f"0.0.{digest[0]}.{digest[1]}",
            "ip6": f"100::{digest[0]:02x}{digest[1]:02x}",
            "mac": f"00:00:00:{digest[0]:02x}:{digest[1]:02x}:{digest[2]:02x}",
            "handle": f"@anon_{code.lower()}",
        }
        return by_kind.get(item.kind, f"ANON-{code}")


_KEPT_PARTS = frozenset("van von der den de del della di da dos du la le bin ibn al el y".split())
_SHIFTS = [days for days in range(30, 366) if days % 7]
"""Days into the past: no whole weeks, so that weekdays move too; no date falls in the future."""


def _base32(digest: bytes) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "".join(letters[byte % 32] for byte in digest[:6])


def _cased(new: str, old: str) -> str:
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new if old[0].isupper() or old[0].isdigit() else new.lower()
