"""What came of de-identification: the new text, and what was replaced where."""

from __future__ import annotations

from dataclasses import dataclass, field

from medllm.clinical.deidentify.text import Category


@dataclass(frozen=True, slots=True)
class Identifier:
    """Something that says who the patient is: `text[start:end]`, and what stands in its place."""

    category: Category
    start: int
    end: int
    text: str = field(repr=False)
    replacement: str


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A text without its identifiers, and what they were; offsets are into the original text."""

    text: str
    identifiers: tuple[Identifier, ...] = field(repr=False)

    def new_offset(self, old: int) -> int:
        """Give where a character of the original text stands now.

        A character within an identifier stands where its replacement begins.
        """
        moved = 0
        for identifier in self.identifiers:
            if identifier.start >= old:
                break
            if old < identifier.end:
                return identifier.start + moved
            moved += len(identifier.replacement) - (identifier.end - identifier.start)
        return old + moved

    def part(self, start: int, end: int) -> str:
        """Give what stands now for a part of the original text; identifiers that it cuts, whole."""
        cut = [item for item in self.identifiers if item.start < end and start < item.end]
        first = min([start, *(item.start for item in cut)])
        last = max([end, *(item.end for item in cut)])
        return self.text[self.new_offset(first) : self.new_offset(last)]

    def old_span(self, start: int, end: int) -> tuple[int, int] | None:
        """Give where a part of the new text stood in the original; None where it is replaced."""
        moved = 0
        for item in self.identifiers:
            new = item.start + moved
            if new >= end:
                break
            if start < new + len(item.replacement):
                return None
            moved += len(item.replacement) - (item.end - item.start)
        return start - moved, end - moved
