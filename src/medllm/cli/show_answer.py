"""An answer on the terminal, printed step by step as the road gives it."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from medllm.ask.generate import HELD
from medllm.ask.labels import SECTIONS, value_in_words
from medllm.ask.road import Step
from medllm.cli.show import show_hits, title_of
from medllm.cli.terminal import bold, faint, flat, warning, wrap
from medllm.records import Answer, Claim, DocumentKind, Finding, Hit, Section
from medllm.retrieve import words

_GROUPS = (
    "patient present values allergies medication procedures past absent uncertain others".split()
)
_NOTICE = "Literature and its basis, never a directive. Not a medical device."


class Printer:
    """Prints each step as it comes, nothing at all when quiet."""

    def __init__(self, *, quiet: bool = False, at_most: int | None = None) -> None:
        self._quiet = quiet
        self._at_most = at_most
        self._section: Section | None = None
        self._shown: list[Claim] = []

    def show(self, step: Step) -> None:
        """Print one step."""
        if self._quiet:
            return
        if step.findings is not None:
            typer.echo(show_findings(step.findings) + "\n")
        if step.patients is not None:
            self._hits("patients", step.patients)
        if step.articles is not None:
            self._hits("articles", step.articles)
        if step.claim is not None:
            self._claim(step.claim)
        if step.answer is not None:
            self._end(step.answer)

    def _hits(self, kind: DocumentKind, hits: Sequence[Hit]) -> None:
        shown = show_hits(kind, hits, at_most=self._at_most)
        typer.echo(shown + "\n")

    def _claim(self, claim: Claim) -> None:
        if self._section is None:
            typer.echo(bold("SUMMARY"))
        if claim.section != self._section:
            self._section = claim.section
            if claim.section != "summary":  # what is not divided has one heading
                typer.echo(f"  {SECTIONS[claim.section]}")
        typer.echo(show_claim(claim))
        self._shown.append(claim)

    def _end(self, answer: Answer) -> None:
        summary = answer.summary
        if self._section is None:
            typer.echo(bold("SUMMARY"))
        mended = [claim for claim in summary.claims if claim not in self._shown]
        if mended:
            typer.echo("\n  Asked once more for what did not hold; instead of it:")
            typer.echo("\n".join(show_claim(claim) for claim in mended))
        if summary.abstained:
            typer.echo(wrap(f"No summary: {summary.abstained}.", indent="  "))
        if summary.incomplete:
            typer.echo(warning(wrap(f"INCOMPLETE: {summary.incomplete}.", indent="  ")))
        if summary.not_found:
            names = ", ".join(summary.not_found)
            typer.echo(wrap(f"Not found in these documents: {names}.", indent="  "))
        if answer.evidence:
            typer.echo("\n" + bold("SOURCES"))
            typer.echo("\n".join(_sources(answer)))
        writer = f" Summary by {summary.model}." if summary.claims else ""
        if summary.model == "extractive" and summary.claims:
            writer = " Summary: sentences picked without a language model."
        typer.echo("\n" + wrap(_NOTICE + writer))


def show_claim(claim: Claim) -> str:
    """Give a sentence with its citations and its verdict, loud where it is not held up."""
    marks = "".join(f"[{citation.number}]" for citation in claim.citations)
    if claim.verdict in HELD:
        return wrap(claim.text, indent="      ", first="    - ", tail=f"{marks} {claim.verdict}")
    reason = f": {claim.reason}" if claim.reason else ""
    told = f"{claim.text} {marks} << {claim.verdict.upper()}{reason} >>"
    return warning(wrap(told, indent="      ", first="    - "))


def show_findings(findings: Sequence[Finding]) -> str:
    """List findings: the patient's own, values, the past, what is negated, others'."""
    groups: dict[str, list[str]] = {}
    for finding in findings:
        groups.setdefault(_group(finding), []).append(_in_words(finding))
    lines = [bold("FINDINGS")]
    for name in _GROUPS:
        if name in groups:
            first = f"  {name:<10} "
            told = _once(groups[name], is_part_enough=name != "present")
            lines.append(wrap("; ".join(told), indent=" " * 13, first=first))
    if len(lines) == 1:
        lines.append("  none recognised; the whole text is searched for")
    return "\n".join(lines)


def _sources(answer: Answer) -> list[str]:
    """List what is cited; what was read besides is only counted off."""
    cited = {citation.number for claim in answer.summary.claims for citation in claim.citations}
    numbered = list(enumerate(answer.evidence, start=1))
    lines = [_source(number, hit) for number, hit in numbered if number in cited]
    others = [title_of(hit.document) for number, hit in numbered if number not in cited]
    if others:
        lines.append(faint(wrap(f"Read too, not cited: {'; '.join(others)}.", indent="  ")))
    return lines


def _source(number: int, hit: Hit) -> str:
    document = hit.document
    facts = [str(document.year or ""), document.source, document.url or document.id]
    title = title_of(document)
    stop = "" if title.endswith((".", "?", "!")) else "."
    told = f"{title}{stop} {', '.join(fact for fact in facts if fact)}"
    return wrap(told, indent="      ", first=f"  [{number}] ")


def _group(finding: Finding) -> str:
    if finding.experiencer != "patient":
        return "others"
    if finding.kind in ("age", "sex", "pregnancy"):
        return "patient"
    if finding.negated:
        return "absent"
    if finding.temporality in ("past", "resolved"):
        return "past"
    if finding.temporality == "hypothetical" or finding.certainty == "uncertain":
        return "uncertain"
    if finding.kind in ("vital", "result"):
        return "values"
    named = {"medication": "medication", "procedure": "procedures", "allergy": "allergies"}
    return named.get(finding.kind, "present")


def _in_words(finding: Finding) -> str:
    flag = f" ({finding.flag})" if finding.flag else ""
    whose = "family: " if finding.experiencer == "family" else ""
    denied = "no " if finding.negated and finding.experiencer != "patient" else ""
    over = " (resolved)" if finding.temporality == "resolved" else ""
    is_value = finding.kind in ("vital", "result") and finding.value is not None
    name = f"{finding.normalised} {value_in_words(finding)}" if is_value else finding.text
    return whose + denied + flat(name) + flag + over


def _once(names: Sequence[str], *, is_part_enough: bool) -> list[str]:
    """Leave out what is said again: "Surgery" after "surgery", "lesions" beside "bone lesion".

    With `is_part_enough` a name that is a part of a longer one stays: "pain" may be denied apart
    from "chest pain".
    """
    terms = [words.terms_of(name) for name in names]
    return [
        name
        for at, name in enumerate(names)
        if terms[at] not in terms[:at]
        and (is_part_enough or not any(terms[at] < other for other in terms))
    ]
