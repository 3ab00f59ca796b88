"""What a text affirms: a document that denies a patient's finding does not share it.

Whole documents are measured with every search, so this is plainer than the reading of a note
(`clinical.context`): from a word of denial to the end of its clause nothing counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.retrieve import words

_DENIAL = re.compile(
    r"\b(?:no|denie[sd]|deny|denying|denial of|without|negative for|absence of"
    r"|free of|nor|neither)\b"
    r"[^.;:!?()\n]*?"
    r"(?=[.;:!?()\n]|$|\b(?:but|however|except|although|though|yet|which|who|whose|while|whereas"
    r"|because|until|presented|developed|revealed|showed|complained|reported|admitted|had|has|was"
    r"|were|is|are)\b)",
    re.IGNORECASE,
)


_SENTENCE_END = re.compile(r"[.!?;]\s|\n")


class Affirmed:
    """The terms that a text affirms, and which names its sentences hold."""

    def __init__(self, text: str) -> None:
        self._text = affirmed(text)
        self.terms = words.terms_of(self._text)
        self._unread: list[str] | None = None
        self._sentences: list[frozenset[int]] = []

    def names(self, form: frozenset[int]) -> bool:
        """Whether all words of a name are there, and of several in one sentence.

        "A change in her voice" is not named by a text that speaks of a change, and of a voice.
        """
        if len(form) < 2 or not form <= self.terms:
            return bool(form) and form <= self.terms
        return any(form <= sentence for sentence in self._read())

    def _read(self) -> Iterator[frozenset[int]]:
        """Give the terms of each sentence; what nobody asks for is not read."""
        yield from self._sentences
        if self._unread is None:
            self._unread = _SENTENCE_END.split(self._text)[::-1]
        while self._unread:
            self._sentences.append(words.terms_of(self._unread.pop()))
            yield self._sentences[-1]


def affirmed(text: str) -> str:
    """Give the text without what it denies; of "no fever but a rash" "  but a rash" is left."""
    return _DENIAL.sub(" ", text)
