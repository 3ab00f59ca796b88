"""What a sentence names: diseases, drugs, organs, organisms, codes. No paraphrase brings one in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from medllm.ask.check.wording import Word, read_words
from medllm.clinical.findings import find_findings
from medllm.clinical.tokens import canonical
from medllm.clinical.words import ANATOMY, DESCRIPTOR, LATERALITY, STRONG, WordClasses

_DRUG = re.compile(
    r"(?:cef|sulfa)\w{4,}|.{3,}(?:mab|nib|cillin|mycin|micin|azole|pril|sartan|statin|olol"
    r"|cycline|floxacin|vir|parin|xaban|gatran|gliptin|gliflozin|glutide|tidine|dipine|azepam|zolam"
    r"|setron|triptan|caine|oxetine|ipramine|isone|solone|thiazide|semide|lukast|terol|tropium"
    r"|platin|rubicin|taxel|bactam|penem|barbital|profen|coxib|dronate|limus|[ae]rcept|tacept|kinra)s?"
)
_GENUS = re.compile(r"[A-Z][a-z]{3,}(?:us|um|a|is|er|as|es|on|ys|ema|ium)|[A-Z]\.?")
_SPECIES = re.compile(r"(?:is|us|um|ae|i|ans|ens|ax|ex|ix|a|osa|oides|ys|er)$")
_ROMAN = frozenset("I II III IV V VI".split())
_NO_NAME = frozenset("appear concept".split())
_NAMED_KINDS = ("symptom", "disorder", "medication", "procedure")
_CLASSES = WordClasses()


def unheld_name(claim: str, held: set[str], source: str) -> str:
    """Give a name in the claim that the source lacks: of a disease, a drug, an organ, an organism.

    `held` are the keys of the source's words. Words that name nothing clinical are not looked at.
    """
    return (
        _unheld_finding(claim, held, _names(source))
        or _unheld_code(claim, source)
        or _unheld_word(claim, held)
    )


def _unheld_finding(claim: str, held: set[str], names: frozenset[str]) -> str:
    for finding in find_findings(claim):
        if finding.kind in _NAMED_KINDS and finding.normalised not in names:
            forms = [
                {word.key for word in read_words(form) if word.is_content}
                for form in (finding.text, finding.normalised)
            ]
            if not any(form and form <= held for form in forms):
                return finding.text.lower()
    return ""


def _unheld_code(claim: str, source: str) -> str:
    words = read_words(claim)
    codes = Counter(word.key for word in words if is_code(word))
    there = Counter(word.key for word in read_words(source) if is_code(word))
    return next((word.written for word in words if codes[word.key] > there[word.key]), "")


def _unheld_word(claim: str, held: set[str]) -> str:
    words = read_words(claim)
    is_shouted = claim.isupper()
    for at, word in enumerate(words):
        if word.is_content and not word.is_number and word.key not in held:
            previous = words[at - 1] if at else None
            if is_specific(word, previous, is_shouted=is_shouted) and not _explains(words, at):
                return word.written
    return ""


def _explains(words: Sequence[Word], at: int) -> bool:
    """Whether a word in brackets is short for what precedes: "carpal tunnel syndrome (CTS)"."""
    if not 1 < at < len(words) - 1 or (words[at - 1].written, words[at + 1].written) != ("(", ")"):
        return False
    initials = [word.written[0].lower() for word in words[max(0, at - 8) : at - 1]]
    letters = iter(initials)
    return all(letter in letters for letter in words[at].written.lower())


def is_code(word: Word) -> bool:
    """Whether a word has a digit in it, like "L4" or "CD20": it counts as often as it stands."""
    return not word.is_number and any(letter.isdigit() for letter in word.written)


def _is_drug(word: Word) -> bool:
    return bool(_DRUG.fullmatch(canonical(word.written)))


def is_specific(word: Word, previous: Word | None, *, is_shouted: bool) -> bool:
    """Whether a word names something: no paraphrase brings it in."""
    written = word.written
    lower = canonical(written)
    if is_code(word) or _is_drug(word):
        return True
    if lower in _NO_NAME:
        return False
    if _CLASSES[lower] & (ANATOMY | STRONG | DESCRIPTOR | LATERALITY):
        return True
    if is_shouted or previous is None or written in _ROMAN:
        return False
    is_species = bool(_GENUS.fullmatch(previous.written)) and written.islower()
    return (written[0].isupper() and previous.written not in ".!?:") or (
        is_species and bool(_SPECIES.search(written))
    )


@lru_cache(maxsize=4096)
def named_places(text: str) -> dict[int, str]:
    """Give the places of the words that name a disease, a drug, an organ or the like, and which."""
    words = read_words(text)
    places: dict[int, str] = {}
    for at, word in enumerate(words):
        if word.is_content and not word.is_number and is_specific(word, None, is_shouted=True):
            is_part = _CLASSES[canonical(word.written)] & (ANATOMY | LATERALITY | DESCRIPTOR)
            places[at] = "part" if is_part else "medication" if _is_drug(word) else "disorder"
    for finding in find_findings(text):
        if finding.kind in _NAMED_KINDS:
            kind = "disorder" if finding.kind == "symptom" else finding.kind
            for at, word in enumerate(words):
                if finding.start <= word.start < finding.end and word.is_content:
                    places.setdefault(at, kind)
    return {at: kind for at, kind in places.items() if not words[at].is_number}


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    return frozenset(f.normalised for f in find_findings(text) if f.kind in _NAMED_KINDS)
