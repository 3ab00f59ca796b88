"""Quotations: letter for letter, and meaning in their sentence what they say alone."""

from __future__ import annotations

import re

from medllm.ask.check.polarity import reaches_into
from medllm.ask.check.source import Check, Source
from medllm.clinical.findings import find_findings

_NEAR_NUMBER = r"[\d.,·/<>≤≥~±+−–-]"
"""What directly before a number, or after it, belongs to it."""


def check_quote(text: str, source: Source) -> Check | None:
    """Check a verbatim quotation; None where the text does not stand in the passage.

    Of several places where it stands, one that says it without conditions is enough.
    """
    pattern = _quote_pattern(text)
    failed: Check | None = None
    for match in pattern.finditer(source.hit.passage.text) if pattern else ():
        offset = source.hit.passage.start
        check = _check_place(offset + match.start(), offset + match.end(), source)
        if check.verdict == "quoted":
            return check
        failed = failed or check
    return failed


def _quote_pattern(text: str) -> re.Pattern[str] | None:
    """Give what finds the text cut at the borders of words and of numbers."""
    pieces = text.strip().rstrip(".").split()
    if not pieces:
        return None
    before, after = r"(?<!\w)", r"(?!\w)"
    if pieces[0][0].isdigit():
        before = rf"(?<!\w)(?<!{_NEAR_NUMBER})(?<![<>≤≥~±]\s)"
    if pieces[-1][-1].isdigit():
        after = r"(?!\w)(?![.,·]\d)(?!\s?[-–/:]\s?\d)(?!\s?%)"
    elif re.search(r"\d\s?\w+$", " ".join(pieces[-2:])):
        after = r"(?!\w)(?!\s?/)"  # "5 mg" is not what "5 mg/kg" says
    return re.compile(before + r"\s+".join(map(re.escape, pieces)) + after, re.IGNORECASE)


def _check_place(start: int, end: int, source: Source) -> Check:
    """Check whether what is quoted from `start` to `end` means there what it says alone."""
    around = [s for s in source.sentences if s.start < end and s.end > start]
    place = (around[0].start, around[-1].end) if around else (start, end)
    whole = source.hit.document.text[place[0] : place[1]]
    inside = (start - place[0], end - place[0])
    rest = whole[: inside[0]] + whole[inside[1] :]
    if not any(letter.isalnum() for letter in rest):
        return Check("quoted", "", (place,))
    left_behind = reaches_into(whole, *inside)
    cut = _cut_context(whole, *inside)
    if left_behind == "negation" or cut == "negation":
        return Check("negation differs", "its source negates it", (place,), is_final=True)
    if left_behind == "reserve" or cut:
        reason = cut or "its source says it with reserve"
        return Check("unsupported", reason, (place,), is_final=True)
    return Check("quoted", "", (place,))


def _cut_context(whole: str, start: int, end: int) -> str:
    """Say what the findings of a quotation lose by being cut out of their sentence."""
    alone = {(f.start + start, f.end + start): f for f in find_findings(whole[start:end])}
    for finding in find_findings(whole):
        other = alone.get((finding.start, finding.end))
        if other is None:
            continue
        if finding.negated and not other.negated:
            return "negation"
        if finding.experiencer != "patient" and other.experiencer == "patient":
            return "its source says it of somebody else"
        if finding.temporality == "hypothetical" and other.temporality != "hypothetical":
            return "its source does not say that it was so"
    return ""
