"""Paraphrases: a sentence against the runs of one or two source sentences nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from medllm.ask.check.exchanged import exchanged_name, exchanged_number
from medllm.ask.check.names import unheld_name
from medllm.ask.check.opposites import opposite_in, sex_differs, unheld_word
from medllm.ask.check.polarity import loses_reserve, negation_differs
from medllm.ask.check.quantities import missing_numbers
from medllm.ask.check.source import Check, Source
from medllm.ask.check.wording import content_keys, read_words
from medllm.ask.evidence import Sentence
from medllm.clinical.findings import find_findings
from medllm.records import Finding, Verdict

_MIN_SHARED = 0.65
"""The least share of a paraphrase's words that its source must hold."""
_MAX_WINDOWS = 8
"""Windows of a source that are looked at closely: those that hold most of the words."""


def check_paraphrase(text: str, source: Source) -> Check:
    """Check the text against the sentences of a source, then against neighbouring pairs.

    A sentence that contradicts the text outweighs one that supports it if it is nearer to it.
    """
    nearest = Check("unsupported", "its source holds none of its words", ())
    for size in (1, 2):
        results = [_check_window(text, window, source) for window in _windows(text, source, size)]
        supporting = [result for result in results if result.check.verdict == "supported"]
        opposing = [result for result in results if result.check.is_final]
        for_it = max(supporting, key=lambda result: result.weight, default=None)
        against = max(opposing, key=lambda result: result.weight, default=None)
        if for_it and (against is None or for_it.weight >= against.weight):
            return for_it.check
        if against:
            return against.check
        if results and not nearest.places:
            nearest = results[0].check
    return nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """One or two neighbouring sentences of a source, measured against a text."""

    said: str
    """The sentences."""
    place: tuple[int, int]
    """Their offsets into the document."""
    is_single: bool
    held: set[str]
    """Keys of the words that need not stand elsewhere: their own, and what the source knows."""
    share: float
    """Of the text's words that are among `held`."""
    share_alone: float
    """Of the text's words that the sentences hold themselves."""
    n_shared: int
    """Words of any kind that they share with the text."""
    n_keys: int
    """Words of the text."""


class _Result(NamedTuple):
    """What came of a window, and how much it is about the text."""

    check: Check
    weight: tuple[float, int]


class _Fault(NamedTuple):
    """Why a source does not bear a text."""

    verdict: Verdict
    reason: str
    replaced: int = 0
    """Words of the text in whose place the source has others."""


def _windows(text: str, source: Source, size: int) -> list[_Window]:
    """Give the runs of `size` sentences nearest to the text, the nearest first."""
    runs = (source.sentences[at : at + size] for at in range(len(source.sentences) - size + 1))
    measured = (_measure(text, run, source) for run in runs)
    found = [window for window in measured if window and window.share]
    nearest = sorted(found, key=lambda w: (w.share, w.n_shared), reverse=True)[:_MAX_WINDOWS]
    others = sorted(found, key=lambda w: (w.share_alone, w.n_shared), reverse=True)
    return nearest + [window for window in others[:_MAX_WINDOWS] if window not in nearest]


def _measure(text: str, run: Sequence[Sentence], source: Source) -> _Window | None:
    """Measure a run of sentences; None for a text without a word that says something."""
    keys, every = content_keys(read_words(text)), {word.key for word in read_words(text)}
    if not keys:
        return None
    words = [word for sentence in run for word in read_words(sentence.text)]
    own = content_keys(words)
    held = own | source.known_keys
    return _Window(
        said=" ".join(sentence.text for sentence in run),
        place=(run[0].start, run[-1].end),
        is_single=len(run) == 1,
        held=held,
        share=len(keys & held) / len(keys),
        share_alone=len(keys & own) / len(keys),
        n_shared=len(every & {word.key for word in words}),
        n_keys=len(keys),
    )


def _check_window(text: str, window: _Window, source: Source) -> _Result:
    """Check the text against a run of sentences."""
    contradiction = _contradiction(text, window, source)
    # An opposite stands for the word that it is the opposite of.
    n_replaced = contradiction.replaced if contradiction else 0
    share = window.share_alone + n_replaced / window.n_keys
    # A pair brings other things too: only a single sentence can rule a claim out.
    is_final = contradiction is not None and window.is_single and share >= _MIN_SHARED
    fault = _missing_number(text, window) or contradiction or _missing_word(text, window, source)
    check = Check("supported", "", (window.place,))
    if fault:
        check = Check(fault.verdict, fault.reason, (window.place,), is_final)
    return _Result(check, (share, window.n_shared))


def _missing_number(text: str, window: _Window) -> _Fault | None:
    missing = missing_numbers(text, window.said)
    if not missing:
        return None
    return _Fault("number not in source", f"its source does not hold {', '.join(missing)}")


def _missing_word(text: str, window: _Window, source: Source) -> _Fault | None:
    """Say what of the text the source does not hold, if anything."""
    if word := unheld_word(text, f"{source.hit.document.title}. {window.said}"):
        return _Fault("unsupported", f"its source does not say {word}")
    if name := unheld_name(text, window.held, window.said):
        return _Fault("unsupported", f"its source does not speak of {name}")
    if window.share < _MIN_SHARED:
        return _Fault("unsupported", "its source holds too few of its words")
    return None


def _contradiction(text: str, window: _Window, source: Source) -> _Fault | None:
    """Say how the source contradicts the text, if it does."""
    said = window.said
    if negation_differs(text, said):
        return _Fault("negation differs", "it and its source differ in what is negated")
    if number := exchanged_number(text, said):
        reason = f"its source has another number in place of {number}"
        return _Fault("number not in source", reason)
    if opposite := opposite_in(text, said):
        return _Fault("unsupported", f"its source says the opposite of {opposite}", 1)
    if name := exchanged_name(text, said):
        return _Fault("unsupported", f"its source has another name in place of {name}")
    if sex_differs(text, said, source.hit.passage.text):
        return _Fault("unsupported", "its source is about the other sex")
    if loses_reserve(text, said):
        return _Fault("unsupported", "its source says it with reserve")
    if _is_of_others(text, said):
        return _Fault("unsupported", "its source says it of somebody else")
    return None


def _is_of_others(text: str, said: str) -> bool:
    """Whether the source knows a finding of the text only in somebody else than the patient."""

    def own(findings: list[Finding]) -> set[str]:
        return {f.normalised for f in findings if f.experiencer == "patient"}

    theirs = find_findings(said)
    return bool(own(find_findings(text)) & ({f.normalised for f in theirs} - own(theirs)))
