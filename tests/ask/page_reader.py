"""Reads a rendered page without a browser, strictly."""

import re
from collections import Counter, defaultdict
from html.parser import HTMLParser

VOID = {"meta", "input", "br"}


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed, and in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.by_id: defaultdict[str, str] = defaultdict(str)
        self.marks: defaultdict[str, str] = defaultdict(str)
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][0] in ("script", "style"):
            return
        self.text += data
        for tag, attributes in self.open:
            if attributes.get("id"):
                self.by_id[str(attributes["id"])] += data
            if tag == "mark":
                for name in str(attributes["data-of"]).split():
                    self.marks[name] += data

    def values(self, attribute: str) -> list[str]:
        return [str(has[attribute]) for _, has in self.elements if attribute in has]


def assert_sound(reader: Reader) -> None:
    ids = Counter(reader.values("id"))
    assert max(ids.values()) == 1
    inner = [href[1:] for href in reader.values("href") if href.startswith("#")]
    references = " ".join(reader.values("aria-labelledby")).split()
    assert set(inner + references) <= set(ids)
    levels = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def as_shown(text: str) -> str:
    """Give a text as a page can hold it: what cannot be in a page is one U+FFFD a character."""
    return "".join(
        "\ufffd" if 0xD800 <= ord(c) <= 0xDFFF or (ord(c) < 32 and c not in "\t\n\f\r") else c
        for c in text
    )
