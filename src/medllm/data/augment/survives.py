"""Whether a rewritten text still says the same where it matters, as far as rules can tell.

Numbers with their units, what is denied, drug names, how certain it is, which side, and whom it is
about. Two measures: where single words were replaced every finding must be read as before; where a
model worded a text anew, other words may say it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from medllm.clinical.findings import find_findings
from medllm.clinical.numbers import parse_number
from medllm.records import Finding

_UNITS = {
    "mg": "mg milligram milligrams",
    "mcg": "mcg µg μg ug microgram micrograms",
    "g": "g gm gram grams",
    "kg": "kg kgs kilo kilos kilogram kilograms",
    "lb": "lb lbs pound pounds",
    "ml": "ml cc millilitre millilitres milliliter milliliters",
    "l": "l litre litres liter liters",
    "dl": "dl decilitre deciliter",
    "mm": "mm millimetre millimetres millimeter millimeters",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "m": "m metre metres meter meters",
    "inch": "inch inches",
    "foot": "foot feet ft",
    "%": "% percent",
    "mmhg": "mmhg",
    "mmol": "mmol",
    "meq": "meq",
    "iu": "iu",
    "bpm": "bpm",
    "f": "f fahrenheit °f",
    "c": "c celsius centigrade °c",
    "second": "second seconds sec secs",
    "minute": "minute minutes min mins",
    "hour": "hour hours hr hrs h",
    "day": "day days",
    "week": "week weeks wk wks",
    "month": "month months",
    "year": "year years yr yrs y yo",
}
_UNIT_OF = {form: unit for unit, forms in _UNITS.items() for form in forms.split()}
_NUMBER = re.compile(r"\d+(?:[.,·]\d+)*")
_UNIT = re.compile(r"\s*[-–]?\s*(°\s?[CF]|%|[a-zµμ]+)", re.IGNORECASE)
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES = {word: float(value) for value, word in enumerate(_ONES)}
_VALUES |= {word: 10.0 * at for at, word in enumerate(_TENS, start=2)}
_VALUES |= {"hundred": 100.0, "once": 1.0, "twice": 2.0, "thrice": 3.0, "half": 0.5}
_NUMBER_WORD = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})[ -](?P<ones>{'|'.join(_ONES[1:10])})"
    rf"|(?P<word>{'|'.join(_VALUES)}))\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+(?:['’]t\b)?")
_CONTRACTED = ("n't", "n’t")
_NEGATIONS = frozenset(
    "no not none never nothing nobody nowhere neither nor without cannot deny denies denied "
    "denying negative absent absence lack lacks lacking free unable except".split()
)
_UNCERTAIN = frozenset(
    "may might could possible possibly probably suspected perhaps maybe likely".split()
)
_POLITE = re.compile(
    r"\b(?:(?:could|may|might) (?:you|i|we|someone|somebody|anyone)"
    r"|(?:what|which|who|how|why|where) (?:could|may|might))\b",
    re.IGNORECASE,
)
"""How a question is asked, which says nothing of how certain something is."""
_DRUG_LIKE = re.compile(
    r"\b(?!cholesterol)[a-z]{2,}(?:mab|tinib|ciclib|prazole|sartan|statin|pril|olol|dipine|zosin|gliptin|gliflozin"
    r"|glutide|formin|glitazone|parin|xaban|gatran|grel|cillin|mycin|micin|floxacin|cycline|azole"
    r"|ciclovir|cyclovir|tegravir|buvir|oxetine|triptan|setron|azepam|azolam|barbital|caine|profen"
    r"|coxib|dronate|terol|sonide|solone|asone|thiazide|semide|oxicam|platin|taxel|rubicin)\b"
)
"""What ends as a drug's name does, whether or not the lexicon knows it. Source: the stems of
international non-proprietary names (WHO stem book)."""
_MEDICINES = ("medication", "allergy")


def is_negation(word: str) -> bool:
    """Whether a word denies."""
    lower = word.lower()
    return lower in _NEGATIONS or lower.endswith(_CONTRACTED)


def numbers_of(text: str) -> Counter[float]:
    """Give the numbers in a text, in digits or in words; "one" is too often a pronoun to count."""
    return Counter(value for value, _ in quantities_of(text))


def quantities_of(text: str) -> list[tuple[float, str]]:
    """Give the numbers in a text, each with the unit behind it, "" where there is none."""
    found = [(parse_number(match.group()), match.end()) for match in _NUMBER.finditer(text)]
    for match in _NUMBER_WORD.finditer(text):
        if match["tens"]:
            value = _VALUES[match["tens"].lower()] + _VALUES[match["ones"].lower()]
        elif match["word"].lower() == "one":
            continue
        else:
            value = _VALUES[match["word"].lower()]
        found.append((value, match.end()))
    return [(value, _unit_at(text, end)) for value, end in found]


def _unit_at(text: str, at: int) -> str:
    match = _UNIT.match(text, at)
    return _UNIT_OF.get(match[1].lower().replace(" ", ""), "") if match else ""


def negations_of(text: str) -> Counter[str]:
    """Give the words that deny, "n't" for every contraction."""
    words = _WORD.findall(text.lower())
    return Counter(
        "n't" if word.endswith(_CONTRACTED) else word for word in words if is_negation(word)
    )


def drugs_of(text: str) -> set[tuple[str, bool]]:
    """Give the drugs that a text names, each with whether it is denied there.

    What only sounds like a drug counts by its name, as not denied.
    """
    found = [finding for finding in find_findings(text) if finding.kind in _MEDICINES]
    named = {(finding.normalised, finding.negated) for finding in found}
    inside = " ".join(finding.text.lower() for finding in found)
    unknown = {name for name in _DRUG_LIKE.findall(text.lower()) if name not in inside}
    return named | {(name, False) for name in unknown}


def lost_with_synonyms(original: str, copy: str) -> str:
    """Give what did not survive the replacing of words, "" if everything did.

    The very same numbers, words of negation and findings must be there, each read as before.
    """
    if Counter(quantities_of(original)) != Counter(quantities_of(copy)):
        return "numbers"
    if negations_of(original) != negations_of(copy):
        return "negations"
    if drugs_of(original) != drugs_of(copy):
        return "drug names"
    before, after = (Counter(map(_reading, find_findings(text))) for text in (original, copy))
    return "" if before == after else "findings"


def _reading(finding: Finding) -> tuple[object, ...]:
    return (
        finding.kind,
        finding.normalised,
        finding.negated,
        finding.experiencer,
        finding.temporality,
        finding.certainty,
        finding.value,
        finding.unit,
    )


def lost_in_rewriting(original: str, rewritten: str) -> str:
    """Give what did not survive a rewriting in other words, "" if everything did.

    One of "numbers", "units", "drug names", "negations", "certainty", "sides", "person", "length".
    """
    if numbers_of(original) != numbers_of(rewritten):
        return "numbers"
    if _units_differ(original, rewritten):
        return "units"
    if drugs_of(original) != drugs_of(rewritten):
        return "drug names"
    before, after = find_findings(original), find_findings(rewritten)
    if _negations_differ(original, rewritten, before, after):
        return "negations"
    if _is_hedged(original) != _is_hedged(rewritten) or _contradict(before, after, "certainty"):
        return "certainty"
    words, new_words = (_WORD.findall(text.lower()) for text in (original, rewritten))
    if not _sides_fit(words, new_words):
        return "sides"
    if _contradict(before, after, "experiencer"):
        return "person"
    few, many = sorted((len(words), len(new_words)))
    return "length" if many > 2 * few + 5 else ""


def _is_hedged(text: str) -> bool:
    words = _WORD.findall(_POLITE.sub(" ", text).lower())
    return not _UNCERTAIN.isdisjoint(words)


def _units_differ(original: str, rewritten: str) -> bool:
    """Whether a number has another unit; one whose unit is not known or left out is not told."""
    units, new_units = _units_by_value(original), _units_by_value(rewritten)
    return any(
        units[value] and new_units[value] and units[value] != new_units[value] for value in units
    )


def _units_by_value(text: str) -> dict[float, set[str]]:
    found: dict[float, set[str]] = defaultdict(set)
    for value, unit in quantities_of(text):
        found[value] |= {unit} - {""}
    return found


def _negations_differ(
    original: str, rewritten: str, before: list[Finding], after: list[Finding]
) -> bool:
    """Whether something is denied that was not, or no longer."""
    if bool(negations_of(original)) != bool(negations_of(rewritten)):
        return True
    if any(finding.negated for finding in before) and not any(f.negated for f in after):
        return True
    return _contradict(before, after, "negated")


def _contradict(before: list[Finding], after: list[Finding], quality: str) -> bool:
    """Whether something that both name has this quality here and a different one there."""
    told, told_now = (_values(findings, quality) for findings in (before, after))
    return any(told[name].isdisjoint(told_now[name]) for name in told.keys() & told_now.keys())


def _values(findings: list[Finding], quality: str) -> dict[str, set[object]]:
    found: dict[str, set[object]] = defaultdict(set)
    for finding in findings:
        found[finding.normalised].add(getattr(finding, quality))
    return found


def _sides_fit(words: list[str], new_words: list[str]) -> bool:
    """Whether left did not become right: one alone may be no side ("I left", "the right drug")."""
    sides, new_sides = ({"left", "right"} & set(found) for found in (words, new_words))
    return not (sides and new_sides and sides != new_sides)
