"""Words that turn a sentence round: opposites, and a man where the source has a woman."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from medllm.ask.check.wording import Word, around, beside, key_of, read_words
from medllm.clinical.tokens import canonical

_OPPOSITES = [
    ("increase higher more", "decrease lower less"),
    ("high", "low"), ("left", "right"), ("upper", "lower"), ("superior", "inferior"),
    ("anterior", "posterior"), ("proximal", "distal"), ("medial", "lateral"),
    ("internal", "external"), ("benign", "malignant cancer"), ("acute", "chronic"),
    ("positive", "negative"), ("before", "after following"), ("improve resolve", "worsen progress"),
    ("survive", "die fatal"), ("start", "stop"), ("present", "absent"),
    ("normal unremarkable", "abnormal pathological"), ("unilateral", "bilateral"),
    ("arterial", "venous"), ("more", "less fewer"), ("more_often", "less_often"),
    ("common frequent", "rare uncommon infrequent"),
    ("effective", "ineffective"), ("above", "below"), ("sensitive susceptible", "resistant"),
    ("continue", "stop"), ("similar", "differ"), ("similar", "higher"), ("similar", "lower"),
    ("similar", "increase"), ("similar", "decrease"),
    ("include", "exclude"), ("early", "late"), ("systolic", "diastolic"), ("mild", "severe"),
    ("minor", "major"), ("single", "multiple"), ("resolve", "persist remain"),
    ("oral", "intravenous"),
    ("inpatient", "outpatient"), ("transthoracic", "transoesophageal"), ("topical", "systemic"),
    ("partial", "complete"), ("first", "last"), ("open", "closed"),
    ("maternal", "paternal"), ("agonist", "antagonist"), ("greater", "smaller"),
    ("recover", "persist"), ("well", "poor poorly"),
]  # fmt: skip
_DECISIVE = (
    "recover survive die fatal left right bilateral unilateral benign malignant chronic acute "
    "positive effective ineffective safe cure less fewer"
)
_LESS = "less fewer lower decrease rare"
_MALE = frozenset("man men male boy gentleman he his him himself".split())
_FEMALE = frozenset("woman women female girl lady she her hers herself".split())
_PRONOUNS = frozenset("he his him himself she her hers herself".split())
_NOUNS_OF = {"M": "man male", "F": "woman female"}


def opposite_in(claim: str, source: str) -> str:
    """Give the claim's word in whose place the source has its opposite, or ""."""
    mine, theirs = read_words(claim), read_words(source)
    for at, word in enumerate(mine):
        for same, opposite in _opposites().get(word.key, ()):
            best_same = _likeness(mine, at, theirs, same)
            best_opposite = _likeness(mine, at, theirs, opposite)
            if best_opposite > max(best_same, 0):
                return word.written.lower()
    return ""


def unheld_word(claim: str, source: str) -> str:
    """Give a word of the claim that its source must hold: no paraphrase may bring it in."""
    held = {word.key for word in read_words(source)}
    decisive = {key_of(word) for word in _DECISIVE.split()}
    if held & {key_of(word) for word in _LESS.split()}:
        decisive -= {"less", key_of("fewer")}
    for word in read_words(claim):
        if word.key in decisive - held:
            return word.written.lower()
    return ""


def sex_differs(claim: str, said: str, passage: str) -> bool:
    """Whether the claim speaks of a man and its source of a woman, or the other way round.

    Nouns are compared with the sentences that bear the claim, pronouns with the whole passage.
    """
    by_nouns = _sexes(claim, without=_PRONOUNS), _sexes(said, without=_PRONOUNS)
    by_all = _sexes(claim), _sexes(passage)
    return any(
        len(mine) == len(theirs) == 1 and mine != theirs for mine, theirs in (by_nouns, by_all)
    )


@lru_cache(maxsize=1)
def _opposites() -> dict[str, list[tuple[frozenset[str], frozenset[str]]]]:
    """Give for each key the pairs (words of its side, words of the other side)."""
    pairs: dict[str, list[tuple[frozenset[str], frozenset[str]]]] = {}
    for one, other in _OPPOSITES:
        sides = frozenset(map(_key, one.split())), frozenset(map(_key, other.split()))
        for here, there in (sides, sides[::-1]):
            for key in here:
                pairs.setdefault(key, []).append((here, there))
    return pairs


def _key(listed: str) -> str:
    return key_of(listed.replace("_", " "))


def _likeness(mine: Sequence[Word], at: int, theirs: Sequence[Word], keys: frozenset[str]) -> int:
    """Give how much the words around any of `keys` are like those around a place; -1: none there.

    The very next words count double.
    """
    here, next_to = around(mine, at), {key for _, key in beside(mine, at)}
    return max(
        (
            len(here & around(theirs, place))
            + 2 * len(next_to & {key for _, key in beside(theirs, place)})
            for place, word in enumerate(theirs)
            if word.key in keys
        ),
        default=-1,
    )


def keys_of_sex(passage: str) -> set[str]:
    """Give the keys of "man" and "male", or of "woman" and "female", if all the passage is of one.

    "A retired teacher ... she" is a woman.
    """
    sexes = _sexes(passage)
    if len(sexes) != 1:
        return set()
    return {key_of(word) for word in _NOUNS_OF[sexes.pop()].split()}


def _sexes(text: str, *, without: frozenset[str] = frozenset()) -> set[str]:
    """Give the sexes that the words of a text tell, leaving some words out."""
    words = {canonical(word.written) for word in read_words(text)} - without
    return {sex for sex, known in (("M", _MALE), ("F", _FEMALE)) if words & known}
