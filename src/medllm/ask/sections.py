"""The parts of a case report: which of them a sentence tells, and how many sentences each gets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medllm.ask.evidence import Sentence
from medllm.records import Hit, Section

CUES: dict[Section, re.Pattern[str]] = {
    "outcome": re.compile(
        r"discharg|recover(?:ed|y)|follow[- ]?up|(?:months?|years?|weeks?) later|died|death|"
        r"remission|asymptomatic|went home|uneventful|relapse|recurren|"
        r"remain(?:s|ed) (?:well|stable|free)|symptom[- ]free|resol(?:ved|ution)|improved|"
        r"autopsy|outcome",
        re.IGNORECASE,
    ),
    "treatment": re.compile(
        r"treat(?:ed|ment)|therap|administ|\d\s*(?:mg|mcg|µg|units?|iu)\b(?!\s*/\s*(?:d?l|ml?|mm)\b)|"
        r"started on|commenced|"
        r"initiated|prescri|underwent|resect|surg|transplant|infus|antibiot|steroid|dose|"
        r"intubat|ventilat|drain|anticoagul|chemotherap|received",
        re.IGNORECASE,
    ),
    "work-up": re.compile(
        r"\b(?:ct|mri|mr|ecg|ekg|eeg|pcr|crp|esr|pet)\b|tomograph|imaging|x-?ray|radiograph|"
        r"ultraso|echocardio|biops|histolog|laborator|blood (?:test|count|gas)|cultur|serolog|"
        r"showed|revealed|demonstrated|level|test(?:s|ed|ing)?\b|scan|endoscop|examination|"
        r"troponin|dimer|mmol|g/d?l|stain|angiogra|diagnos",
        re.IGNORECASE,
    ),
    "presentation": re.compile(
        r"present(?:ed|ing|ation)|complain|year[- ]old|month[- ]old|day[- ]old|history of|"
        r"admitted|referred|symptom|onset|noticed|experienced|developed|suffer|brought",
        re.IGNORECASE,
    ),
}
_END = 0.75
"""From this share of a case report on, what is told without a word of its kind is the outcome."""
SECTIONS: tuple[Section, ...] = ("presentation", "work-up", "treatment", "outcome")


def section_of(sentence: Sentence, evidence: Sequence[Hit]) -> Section:
    """Say what part of a case a sentence tells, by its words and by where it stands."""
    length = max(1, len(evidence[sentence.number - 1].document.text))
    place = sentence.start / length
    scores = {section: len(cues.findall(sentence.text)) for section, cues in CUES.items()}
    weighed = {
        "presentation": scores["presentation"] + (1.5 if place < 0.2 else -0.5),
        "work-up": scores["work-up"] + (0.3 if 0.15 < place < 0.7 else 0),
        "treatment": scores["treatment"] + (0.3 if place > 0.4 else 0),
        "outcome": scores["outcome"] * 1.2 + (0.8 if place > _END else -0.5),
    }
    by_place = {"presentation", "outcome" if place > _END else ""}
    told = [section for section in SECTIONS if scores[section] or section in by_place]
    return max(told, key=lambda section: weighed[section])


def share_out(n: int, has_patients: bool, has_articles: bool) -> dict[Section, int]:
    """Share the sentences out: half to similar patients by section, half to articles."""
    of_patients = 0 if not has_patients else n if not has_articles else n // 2
    share, rest = divmod(of_patients, len(SECTIONS))
    order: tuple[Section, ...] = ("presentation", "treatment", "outcome", "work-up")
    quotas = {section: share + (order.index(section) < rest) for section in SECTIONS}
    return {**quotas, "articles": n - of_patients}
