"""Markup that is safe by construction: whatever is not `Html` is escaped where it is put in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

# A page cannot hold these: NUL is replaced by browsers, surrogates cannot be written as UTF-8.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff]")
_WEB_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\x7f-\x9f<>\"'`\\^{|}]+", re.IGNORECASE)
_VOID = frozenset({"br", "input", "meta"})


@dataclass(frozen=True, slots=True)
class Html:
    """Markup as it goes into the page. Made only by this module and from constants."""

    text: str


Child = Html | str | None
Attribute = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text, by character offsets, that gets the anchor `id` where it starts."""

    start: int
    end: int
    id: str


def text(value: str) -> Html:
    """Escape `value` so that a browser shows exactly it, character for character.

    Control characters and lone surrogates, which no page can hold, become U+FFFD.
    A carriage return is written as a reference: browsers turn a bare one into a line feed.
    """
    return Html(escape(_UNWRITABLE.sub("\ufffd", value), quote=True).replace("\r", "&#13;"))


def element(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """Make an element; `aria_label` means aria-label, `class_` class, `None` or `False` nothing."""
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children).text}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(str(value)).text}"'


def join(children: Iterable[Child], separator: str = "") -> Html:
    """Put children one after another; `None` leaves no trace, nor a separator."""
    parts = [c.text if isinstance(c, Html) else text(c).text for c in children if c is not None]
    return Html(text(separator).text.join(parts))


def hidden(words: str) -> Html:
    """Give words that a screen reader says and nobody sees."""
    return element("span", words, class_="sr")


def web_address(url: str) -> str:
    """Give back an http(s) address that is safe to link to, or "" for anything else.

    Addresses with a user part are refused too: `https://journal.org@evil.example` misleads.
    """
    if not _WEB_ADDRESS.fullmatch(url):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return ""
    return url if host and "@" not in parts.netloc else ""


def outside_link(url: str) -> Html | None:
    """Link to a web address and name its host; show anything else as text; nothing for ""."""
    address = web_address(url)
    if address:
        label = f"Open at {urlsplit(address).hostname}"
        return element("a", label, href=address, class_="out", rel="noreferrer noopener")
    return element("span", f"Address: {url}", class_="address") if url.strip() else None


def marked(
    whole: str, spans: Sequence[Span], attributes: Callable[[tuple[int, ...]], dict[str, Attribute]]
) -> Html:
    """Show `whole` with every span in `mark` elements, nested and overlapping ones too.

    The text is cut wherever a span starts or ends. Each piece names in `data-of` the ids of the
    spans that cover it; `attributes` gets their numbers and adds its own. Spans that are empty or
    reach outside the text are left out.
    """
    starts: defaultdict[int, list[int]] = defaultdict(list)
    ends: defaultdict[int, list[int]] = defaultdict(list)
    for number, span in enumerate(spans):
        if 0 <= span.start < span.end <= len(whole):
            starts[span.start].append(number)
            ends[span.end].append(number)
    cuts = sorted({0, len(whole), *starts, *ends})
    open_spans: dict[int, None] = {}
    parts: list[Child] = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        for number in ends[start]:
            del open_spans[number]
        open_spans.update(dict.fromkeys(starts[start]))
        covering = tuple(open_spans)
        if not covering:
            parts.append(whole[start:end])
            continue
        anchors = [spans[number].id for number in starts[start]]
        names = " ".join(spans[number].id for number in covering)
        piece: list[Child] = [*_anchors(anchors[1:]), whole[start:end]]
        own: dict[str, Attribute] = {"id": anchors[0] if anchors else None, "data-of": names}
        parts.append(element("mark", *piece, **(own | attributes(covering))))
    return join(parts)


def _anchors(ids: Sequence[str]) -> list[Html]:
    """Give empty anchors for the spans that start where another one already has the mark's id."""
    return [element("span", id=anchor) for anchor in ids]
