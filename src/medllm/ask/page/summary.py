"""The summary on the page: claims by section, each with its citations and verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medllm.ask.labels import SECTIONS
from medllm.ask.page.literature import RETRACTED, source_link
from medllm.ask.page.markup import Child, Html, element, hidden, join
from medllm.ask.page.sources import sentence_anchor
from medllm.records import Answer, Citation, Claim, Hit, Summary

HELD = {"quoted": "quoted", "supported": "supported by its source"}
"""Verdicts that the check upheld, in words."""

NOT_HELD = {
    "unsupported": "Not supported by its source",
    "number not in source": "Not supported by its source: number not in source",
    "negation differs": "Not supported by its source: negation differs",
    "unknown source": "Unknown source",
    "uncited": "No source given",
}
"""Every other verdict in words."""


def is_held(claim: Claim) -> bool:
    """Whether the check found the claim in its source."""
    return claim.verdict in HELD


def by_section(summary: Summary) -> Summary:
    """Give the summary with its claims in the order in which the page shows and counts them."""
    order = [*SECTIONS, *(claim.section for claim in summary.claims)]
    claims = sorted(summary.claims, key=lambda claim: order.index(claim.section))
    return replace(summary, claims=tuple(claims))


def summary_section(answer: Answer) -> Html:
    """Show the summary, or why there is none, or that it broke off."""
    summary = answer.summary
    return element(
        "section",
        element("h2", "Summary", id="summary-heading"),
        _abstained(summary),
        _incomplete(summary),
        _preface(summary),
        *_sections(answer),
        _not_found(summary),
        id="summary",
        aria_labelledby="summary-heading",
        tabindex=-1,
    )


def _abstained(summary: Summary) -> Html | None:
    if summary.abstained:
        words: Child = join([element("strong", "No summary was written:"), f" {summary.abstained}"])
    elif not summary.claims and not summary.incomplete:
        words = element("strong", "The summary holds no sentence.")
    else:
        return None
    return element("p", words, class_="notice")


def _incomplete(summary: Summary) -> Html | None:
    if not summary.incomplete:
        return None
    reason = summary.incomplete.rstrip(". ")
    strong = element("strong", "The summary broke off:")
    hint = f" To mend it: {summary.hint.rstrip('. ')}." if summary.hint else ""
    words = f" {reason}. What is shown is not whole.{hint}"
    return element("p", strong, words, class_="notice")


def written_by(summary: Summary) -> str:
    """Say who wrote the summary and how, in one sentence."""
    if summary.model == "extractive":
        return "Sentences picked from the passages found, without a language model."
    return f"Written by the language model {summary.model} from the passages found, then checked."


def _preface(summary: Summary) -> Html | None:
    claims = summary.claims
    if not claims:
        return None
    held = sum(is_held(claim) for claim in claims)
    n = len(claims)
    of = "The one sentence" if n == 1 else f"All {n} sentences"
    is_are = "is" if n == 1 else "are"
    counted = f"{of} {is_are} quoted from or supported by the source cited."
    if held < n:
        counted = f"{n - held} of {n} sentences did not pass the check: underlined and labelled."
    return element("p", f"{written_by(summary)} {counted}", class_="hint")


def _sections(answer: Answer) -> list[Html]:
    shown: list[Html] = []
    numbered = list(enumerate(answer.summary.claims, start=1))
    for section in dict.fromkeys([*SECTIONS, *(claim.section for _, claim in numbered)]):
        items = [_claim(n, c, answer.evidence) for n, c in numbered if c.section == section]
        if items:
            heading = element("h3", SECTIONS.get(section, section))
            # A summary that is not divided needs no second heading that says "Summary".
            undivided = section == "summary" and len(items) == len(numbered)
            claims = element("ol", *items, role="list", class_="claims")
            shown.append(join([None if undivided else heading, claims]))
    return shown


def _claim(number: int, claim: Claim, evidence: Sequence[Hit]) -> Html:
    held = is_held(claim)
    words = element("span", claim.text, class_="said" if held else "said doubtful", dir="auto")
    citations: list[Child] = []
    seen: set[int] = set()
    for citation in claim.citations:
        citations += [" ", _citation(citation, evidence, again=citation.number in seen)]
        seen.add(citation.number)
    count = element("span", str(number), class_="n")
    parts = [count, " ", words, *citations, " ", _verdict(claim)]
    return element("li", *parts, id=f"claim-{number}", tabindex=-1)


def _citation(citation: Citation, evidence: Sequence[Hit], *, again: bool) -> Html:
    number = citation.number
    if not 1 <= number <= len(evidence):
        return element("span", f"[{number}] unknown source", class_="unknown")
    hit = evidence[number - 1]
    link = source_link(number, sentence_anchor(citation, hit), again=again)
    if not hit.document.retracted:
        return link
    return join([link, element("strong", f" {RETRACTED}", class_="withdrawn")])


def _verdict(claim: Claim) -> Html:
    if is_held(claim):
        return element("span", hidden("Check: "), HELD[claim.verdict], class_="held")
    label = NOT_HELD.get(claim.verdict, claim.verdict)
    reason = f" ({claim.reason})" if claim.reason.strip() else ""
    return element("span", element("strong", label), reason, class_="verdict")


def _not_found(summary: Summary) -> Html | None:
    if not summary.not_found:
        return None
    names = join([element("bdi", name) for name in summary.not_found], ", ")
    strong = element("strong", "Not found in the literature retrieved: ")
    return element("p", strong, names, class_="not-found")
