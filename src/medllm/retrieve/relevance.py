"""How much of a patient a document bears on: the share of the findings, or of the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medllm.records import Finding
from medllm.retrieve import words
from medllm.retrieve.affirmed import Affirmed

_FEW = 3
"""With fewer findings than this their share says little, and that of the words is taken."""


class Relevance:
    """Measures documents against one note; `weights` are its terms with tf x idf."""

    def __init__(self, findings: Sequence[Finding], weights: Mapping[int, float]) -> None:
        self._weights = weights
        own = [f for f in findings if f.is_own and f.kind in ("symptom", "disorder")]
        self._forms = {
            finding.normalised: [
                words.terms_of(form) for form in (finding.text, finding.normalised)
            ]
            for finding in own
        }
        self._values = {name: self._value(forms) for name, forms in self._forms.items()}

    @property
    def is_by_findings(self) -> bool:
        """Whether there are enough findings to measure by."""
        return len(self._forms) >= _FEW

    def share(self, text: str) -> float:
        """Give the share, 0 to 1, of the patient's findings that the text affirms, by weight."""
        held = Affirmed(text)
        if not self.is_by_findings:
            total = sum(self._weights.values())
            matched = sum(weight for term, weight in self._weights.items() if term in held.terms)
            return matched / total if total else 0.0
        matched = sum(
            self._values[name]
            for name, forms in self._forms.items()
            if any(held.names(form) for form in forms)
        )
        total = sum(self._values.values())
        return matched / total if total else 0.0

    def _value(self, forms: Sequence[frozenset[int]]) -> float:
        """A finding is worth the mean weight of its words, so that long names count no more."""
        terms = set().union(*forms)
        known = [self._weights[term] for term in terms if self._weights.get(term)]
        return sum(known) / len(known) if known else 1.0
