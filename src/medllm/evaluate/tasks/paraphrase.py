"""The same question in other words: synonyms, abbreviations and units, by rules and a seed.

Only forms that mean the same stand for each other: the groups of `paraphrases.tsv`, names with the
abbreviations that the lexicon gives for them letter by letter, and units in which the value stays
what it is, to the digits that were given. What a text says is not touched, so that a system that
answers it differently answered the words and not the question.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from medllm.clinical.lexicon import LEXICON_DIR, default_lexicon, is_abbreviation, read_terms
from medllm.evaluate.held_out import Item
from medllm.models.chat import Message

_GROUPS = Path(__file__).with_name("paraphrases.tsv")
_SHORTEST = 3
"""Letters of an abbreviation that is taken from the lexicon: shorter ones mean too many things."""
_NARROWER = frozenset({"HOCM", "TnI"})
"""Abbreviations that the lexicon counts to a name, and that mean a part of it."""
_VOWELS = "aeiou"
_SPELT_WITH_VOWEL = "AEFHILMNORSX"
"""Letters whose names begin with a vowel: an MRI."""


@dataclass(frozen=True, slots=True)
class _Forms:
    """Every form with its group."""

    pattern: re.Pattern[str]
    groups: dict[str, tuple[str, ...]]
    """A form, in lower case where case does not matter -> the forms of its group."""


def with_other_words(item: Item, seed: int) -> Item:
    """Give the item with what its user says in other words; the same ones for the same seed."""
    messages = tuple(
        Message(m.role, paraphrase(m.content, f"{seed} {item.key}")) if m.role == "user" else m
        for m in item.messages
    )
    return replace(item, messages=messages)


def paraphrase(text: str, seed: str) -> str:
    """Give a text in other words; the text itself where no rule applies.

    All places of one group get one form, as one writer would have it.
    """
    forms = _forms()
    generator = random.Random(seed)
    chosen: dict[tuple[str, ...], str] = {}

    def other(found: re.Match[str]) -> str:
        said = found["form"]
        group = forms.groups.get(said) or forms.groups.get(said.lower(), ())
        if not group or (is_abbreviation(said) and said not in group):
            return found[0]
        if group not in chosen:
            choices = [form for form in group if form.lower() != said.lower()]
            chosen[group] = generator.choice(choices)
        return _fit(found["article"] or "", said, chosen[group])

    return _UNITS.sub(_in_other_unit, forms.pattern.sub(other, text))


def _fit(article: str, said: str, form: str) -> str:
    """Give a form with the case of what was said, behind the article that fits it."""
    if said[0].isupper() and form[0].islower() and not is_abbreviation(said):
        form = form[0].upper() + form[1:]
    elif is_abbreviation(said) and not is_abbreviation(form):
        form = form[0].lower() + form[1:] if form[1:2].islower() else form
    if article.strip().lower() in ("a", "an"):
        sounds = _SPELT_WITH_VOWEL if is_abbreviation(form) else _VOWELS + _VOWELS.upper()
        article = f"{article[0]}{'n' if form[0] in sounds else ''} "
    return article + form


@cache
def _forms() -> _Forms:
    """Read the groups and make the pattern that finds their forms, the longest first."""
    lines = _GROUPS.read_text(encoding="utf-8").splitlines()
    written = [line.split("\t") for line in lines if not line.startswith("#")]
    known = {form.strip(">").lower() for group in written for form in group}
    written += [[*pair] for pair in _abbreviations() if not {f.lower() for f in pair} & known]
    by_form = {
        form if is_abbreviation(form) else form.lower(): tuple(one.strip(">") for one in group)
        for group in written
        for form in group
        if not form.startswith(">")
    }
    longest_first = sorted(by_form, key=lambda form: (-len(form), form))
    any_form = "|".join(re.escape(form) for form in longest_first)
    return _Forms(
        re.compile(rf"(?<![\w-])(?P<article>an? )?(?P<form>{any_form})(?![\w-])", re.IGNORECASE),
        by_form,
    )


def _abbreviations() -> list[tuple[str, str]]:
    """Give the names of the lexicon that have one abbreviation which means nothing else."""
    several_meanings = default_lexicon().senses
    pairs = [
        (name, form)
        for path in sorted(LEXICON_DIR.glob("*.tsv"))
        for name, _, forms in read_terms(path)
        for form in forms
        if len(form) >= _SHORTEST
        and form.isalnum()
        and is_abbreviation(form)
        and form not in several_meanings
        and form not in _NARROWER
        and form.lower() not in name.lower()
        and _stands_for(form.lower(), name.lower())
    ]
    names = Counter(name for name, _ in pairs)
    shorts = Counter(short for _, short in pairs)
    return [pair for pair in pairs if names[pair[0]] == shorts[pair[1]] == 1]


def _stands_for(short: str, name: str) -> bool:
    """Whether the letters of an abbreviation stand in a name, in order, the first in front."""
    letters = iter(name)
    return short[:1] == name[:1] and all(letter in letters for letter in short)


_NUMBER = r"(?<![\w.,/-])(?P<value>\d{1,6}(?:\.\d{1,4})?)"
_UNITS = re.compile(
    rf"{_NUMBER} ?(?P<unit>°C|°F|mg|g|µg|mcg|cm|days|weeks)(?![\w/%]|[-.]\d|-)",
)


def _in_other_unit(found: re.Match[str]) -> str:
    """Give a quantity in another unit, where it has as few digits there."""
    value, unit = float(found["value"]), found["unit"]
    n_digits = len(found["value"].partition(".")[2])
    if unit == "°C" and n_digits <= 1:
        return f"{value * 9 / 5 + 32:.1f} °F"
    if unit == "°F":
        return f"{(value - 32) * 5 / 9:.1f} °C"
    if unit == "mg" and value >= 100:
        return f"{value / 1000:g} g"
    if unit == "g" and value < 10:
        return f"{value * 1000:g} mg"
    if unit in ("µg", "mcg"):
        return f"{found['value']} {'mcg' if unit == 'µg' else 'µg'}"
    if unit == "cm" and value >= 100:
        return f"{value / 100:g} m"
    if unit == "days" and value >= 14 and value % 7 == 0:
        return f"{value / 7:g} weeks"
    if unit == "weeks" and 2 <= value <= 4 and value % 1 == 0:
        return f"{value * 7:g} days"
    return found[0]
