"""The note with its findings marked in place, and the findings in groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from medllm.ask.labels import value_in_words
from medllm.ask.page.markup import Attribute, Child, Html, Span, element, hidden, join, marked
from medllm.records import Finding, Note

Group = Literal["own", "past", "negated", "other", "uncertain"]

GROUPS: dict[Group, tuple[str, str]] = {
    "own": ("The patient's own, present", "own, present"),
    "past": ("Past", "past or resolved"),
    "negated": ("Negated: said not to be present", "negated"),
    "other": ("Family and other people", "family or another person"),
    "uncertain": ("Uncertain or hypothetical", "uncertain or hypothetical"),
}
"""Group -> its heading in the list, its name in the legend."""

KINDS = {
    "age": "Age",
    "sex": "Sex",
    "pregnancy": "Pregnancy",
    "symptom": "Symptoms and signs",
    "disorder": "Disorders",
    "medication": "Medication",
    "allergy": "Allergies",
    "procedure": "Procedures",
    "vital": "Vital signs",
    "result": "Results",
    "social": "Social",
}

FLAGS = {"low": "low", "high": "high", "implausible": "implausible, check the note"}
LONG_NOTE_CHARACTERS = 4000


def group_of(finding: Finding) -> Group:
    """Say whose and when a finding is; somebody else's stays so even where it is negated."""
    if finding.experiencer != "patient":
        return "other"
    if finding.negated:
        return "negated"
    if finding.temporality == "hypothetical" or finding.certainty == "uncertain":
        return "uncertain"
    return "past" if finding.temporality in ("past", "resolved") else "own"


def note_section(note: Note, findings: Sequence[Finding]) -> Html:
    """Show the note, every finding underlined in the manner of its group, with a legend."""
    spans = [
        Span(finding.start, finding.end, f"finding-{number}")
        for number, finding in enumerate(findings, start=1)
    ]

    def describe(covering: tuple[int, ...]) -> dict[str, Attribute]:
        # The innermost finding gives the piece its look; the title names all of them.
        innermost = min(covering, key=lambda n: findings[n].end - findings[n].start)
        titles = "; ".join(in_words(findings[number]) for number in covering)
        return {"class": f"finding {group_of(findings[innermost])}", "title": titles}

    long = len(note.text) > LONG_NOTE_CHARACTERS
    body = element(
        "div",
        marked(note.text, spans, describe),
        class_="note long" if long else "note",
        id="note-text",
        dir="auto",
        role="group" if long else None,
        tabindex=0 if long else None,
        aria_label="The note, which scrolls" if long else None,
    )
    empty = None if note.text.strip() else element("p", "The note is empty.", class_="none")
    return _section("note", "The note", _legend(findings), empty, body)


def _section(name: str, heading: str, *children: Child) -> Html:
    title = element("h2", heading, id=f"{name}-heading")
    return element("section", title, *children, id=name, aria_labelledby=f"{name}-heading")


def _legend(findings: Sequence[Finding]) -> Html | None:
    used = {group_of(finding) for finding in findings}
    entries = [
        element("li", element("span", words, class_=f"finding {group}"))
        for group, (_, words) in GROUPS.items()
        if group in used
    ]
    label = element("p", "Underlined in the note:", id="legend-label")
    names = element("ul", *entries, role="list", aria_labelledby="legend-label")
    return element("div", label, names, class_="legend") if entries else None


def in_words(finding: Finding) -> str:
    """Say a finding in one line: name, value, flag, and what sets it apart."""
    value = value_in_words(finding)
    named = f"{finding.normalised or finding.text} {value}".strip()
    flag = [FLAGS[finding.flag]] if finding.flag in FLAGS else []
    return ": ".join([named, ", ".join([*flag, *(_apart(finding) or ["own, present"])])])


def _apart(finding: Finding) -> list[str]:
    """List in words whatever makes a finding not simply the patient's own and present."""
    people = {"family": "family", "other": "another person"}
    return [
        *([people[finding.experiencer]] if finding.experiencer in people else []),
        *(["negated"] if finding.negated else []),
        *([finding.temporality] if finding.temporality != "present" else []),
        *(["uncertain"] if finding.certainty == "uncertain" else []),
    ]


Numbered = Sequence[tuple[int, Finding]]
"""Findings with the numbers of their places in the note, 0 for those that have none."""


def findings_section(note: Note, findings: Sequence[Finding]) -> Html:
    """Show what was found: own by kind, values in a table, then what is set apart, by group."""
    if not findings:
        nothing = element("p", "No findings were recognised in the note.", class_="none")
        return _section("findings", "Findings", nothing)
    grouped: defaultdict[str, list[tuple[int, Finding]]] = defaultdict(list)
    for number, finding in enumerate(findings, start=1):
        group = group_of(finding)
        is_measured = finding.value is not None and finding.kind in ("vital", "result")
        is_value = group == "own" and is_measured
        place = number if 0 <= finding.start < finding.end <= len(note.text) else 0
        grouped["values" if is_value else group].append((place, finding))
    hint = "Read from the note by rules, which can miss or misread. Each opens its place in it."
    parts = [_own(grouped["own"]), _values(grouped["values"])]
    apart: list[Group] = ["negated", "other", "past", "uncertain"]
    parts += [_apart_group(group, grouped[group]) for group in apart]
    groups = element("div", *parts, class_="groups")
    return _section("findings", "Findings", element("p", hint, class_="hint"), groups)


def _place(number: int, *words: Child) -> Html:
    """Link words to a finding's place in the note, where it has one."""
    return element("a", *words, href=f"#finding-{number}") if number else join(words)


def _own(findings: Numbered) -> Html | None:
    if not findings:
        return None
    rows: list[Child] = []
    for kind in dict.fromkeys([*KINDS, *(finding.kind for _, finding in findings)]):
        of_kind = [(number, finding) for number, finding in findings if finding.kind == kind]
        if of_kind:
            rows += [element("dt", KINDS.get(kind, kind)), element("dd", _names(of_kind))]
    heading = element("h3", GROUPS["own"][0])
    return element("div", heading, element("dl", *rows, class_="facts"), class_="group wide")


def _names(findings: Numbered) -> Html:
    """List findings by name, one entry for those that say the same, each place linked."""
    places: defaultdict[tuple[str, ...], list[tuple[int, Finding]]] = defaultdict(list)
    for number, finding in findings:
        same = (_name(finding), _written(finding), finding.flag, *_apart(finding))
        places[same].append((number, finding))
    entries = [element("li", _entry(same)) for same in places.values()]
    return element("ul", *entries, role="list", class_="names")


def _entry(same: Numbered) -> Html:
    number, first = same[0]
    # What the heading of the group already says is not said again.
    words = [FLAGS.get(first.flag, ""), *(w for w in _apart(first) if w != group_of(first))]
    site = first.site if first.site not in first.text else ""
    qualifiers = ", ".join(word for word in [site, *words] if word)
    again = [
        _place(other, hidden(f"{first.normalised}, place "), str(at))
        for at, (other, _) in enumerate(same[1:], start=2)
    ]
    return join(
        [
            _place(number, element("bdi", _name(first))),
            element("bdi", _written(first), class_="muted") if _written(first) else None,
            element("span", f" ({qualifiers})", class_="muted") if qualifiers else None,
            *(join([" ", link]) for link in again),
        ]
    )


def _name(finding: Finding) -> str:
    """Give a finding with its value, or as written where that holds its name and says more."""
    name, value = finding.normalised, value_in_words(finding)
    if finding.kind == "age" and value:
        return value
    if value:
        return f"{name} {value}".strip()
    return finding.text if _holds_name(finding) else name


def _written(finding: Finding) -> str:
    """Give the words of the note in quotation marks where the name does not show them."""
    is_shown = finding.value is not None or _holds_name(finding)
    return "" if is_shown else f" “{finding.text}”"


def _holds_name(finding: Finding) -> bool:
    """Whether the note's words hold the name, in British or American spelling."""
    text, name = (
        words.casefold().replace("ae", "e").replace("oe", "e")
        for words in (finding.text, finding.normalised)
    )
    return name in text


def _values(findings: Numbered) -> Html | None:
    if not findings:
        return None
    head = element(
        "tr", *(element("th", h, scope="col") for h in ("Measure", "Value", "As written"))
    )
    rows = [
        element(
            "tr",
            element("th", finding.normalised or finding.text, scope="row"),
            element("td", value_in_words(finding), _flag(finding)),
            element("td", _place(number, finding.text)),
        )
        for number, finding in findings
    ]
    heading = element("h3", "Values", id="values-heading")
    table = element(
        "table", element("thead", head), element("tbody", *rows), aria_labelledby="values-heading"
    )
    scroll = element("div", table, class_="scroll")
    return element("div", heading, scroll, class_="group wide")


def _flag(finding: Finding) -> Html | None:
    if finding.flag not in FLAGS:
        return None
    return join([" ", element("strong", FLAGS[finding.flag], class_=f"flag {finding.flag}")])


def _apart_group(group: Group, findings: Numbered) -> Html | None:
    if not findings:
        return None
    return element("div", element("h3", GROUPS[group][0]), _names(findings), class_="group")
