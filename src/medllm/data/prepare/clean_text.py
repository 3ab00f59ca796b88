"""Texts made fit to learn from: Unicode, white space, HTML, and the phrases of forums.

Every step first looks whether there is anything for it to do: most texts need none of them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

_BOILERPLATE_PATH = Path(__file__).parent / "boilerplate.tsv"

# Only names of HTML: "<5 mg/dL", "p<0.05" and "<unknown>" are no tags.
_TAGS = (
    "a abbr address article aside b big blockquote body br button center cite code col dd del div "
    "dl dt em font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins label "
    "li link main meta nav ol option p pre q s section select small span strike strong style sub "
    "sup table tbody td textarea tfoot th thead title tr tt u ul video wbr script"
)
_BLOCKS = (
    "address article blockquote br center dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre section"
)
_TAG = re.compile(rf"</?({'|'.join(_TAGS.split())})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK_NAMES = frozenset((_BLOCKS + " table td th tr ul").split())
# What opens again before it closes is none: else many openings would each search to the end.
_UNSEEN = re.compile(
    r"<!--(?:(?!<!--).)*?-->|<(script|style)\b[^<>]*>(?:(?!<\1\b).)*?</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")

_CLOSED = re.compile("[\u200b\u2060\ufeff\u00ad]")  # zero width, and the soft hyphen
_SPACE = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINE = re.compile("\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_UNTIDY = re.compile(r"  |[ \t]\n|\n[ \t]|\n\n\n|\t")

# UTF-8 that was read as Windows-1252: "â€™" for an apostrophe, "Â°" for a degree sign.
_LATER_BYTES = "[\u0080-\u00bf\u0152-\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
_MIS_READ = re.compile(f"[\u00c2-\u00df]{_LATER_BYTES}|[\u00e0-\u00ef]{_LATER_BYTES}{{2}}")


def clean_text(text: str, *, strip_html: bool = True) -> str:
    """Give `text` in Unicode NFC, with plain spaces and newlines, at most one empty line in a row,
    without control characters, tags, entities and mistaken encodings.
    """
    if not text.isascii():
        text = _clean_unicode(text)
    elif not text.isprintable():
        text = _CONTROL.sub(" ", _LINE.sub("\n", text))
    if strip_html and ("<" in text or "&" in text):
        text = _strip_html(text)
    if _UNTIDY.search(text):
        text = _tidy(text)
    return text.strip()


def _clean_unicode(text: str) -> str:
    text = _MIS_READ.sub(_read_again, text)
    text = _LINE.sub("\n", text)
    text = _SPACE.sub(" ", _CLOSED.sub("", text))
    text = _CONTROL.sub(" ", text)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _read_again(match: re.Match[str]) -> str:
    """Give what was meant; the letters as they are where that is no UTF-8."""
    found = match.group()
    try:
        return found.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return found


def _strip_html(text: str) -> str:
    if "<" in text:
        text = _UNSEEN.sub(" ", text)
        text = _TAG.sub(_replace_tag, text)
    if "&" in text:
        # Twice: much of what was scraped was escaped twice ("&amp;#39;").
        text = _ENTITY.sub(_unescape, _ENTITY.sub(_unescape, text))
        text = _SPACE.sub(" ", _CLOSED.sub("", text))
    return text


def _replace_tag(match: re.Match[str]) -> str:
    name = match.group(1).lower()
    if name == "sup" and not match.group().startswith("</"):
        return "^"  # "10<sup>9</sup>" must not become "109"
    return "\n" if name in _BLOCK_NAMES else ""


def _unescape(match: re.Match[str]) -> str:
    plain = html.unescape(match.group())
    return " " if plain in ("\xa0", "\x00") or (len(plain) == 1 and plain < " ") else plain


def _tidy(text: str) -> str:
    text = re.sub(r"[ \t]+", " ", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text))


_GREETS = frozenset(
    "hi hello hey dear good greetings namaste thank thanks many warm welcome i i'll this dr hope "
    "a and".split()
)
_OTHER_SPEAKER = re.compile(r"\s*\b(?:patient|user|human) ?: ", re.IGNORECASE)
_OWN_NAME = re.compile(r"(?:chat ?doctor|doctor|dr|assistant) ?: *", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n")
_MARKS = " \t\n.,!;:*_-"


@lru_cache(maxsize=1)
def _boilerplate() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Give one pattern for the greetings at the start, one for a sentence that signs off."""
    phrases: dict[str, list[str]] = {"opening": [], "closing": []}
    for line in _BOILERPLATE_PATH.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            place, phrase = line.split("\t")
            phrases[place].append(phrase)
    # Longest first: "thanks for your query" before "thanks".
    openings, closings = (
        "|".join(sorted(phrases[place], key=len, reverse=True)) for place in ("opening", "closing")
    )
    opening = re.compile(rf"(?:(?:{openings})(?: *[.,!;:\n-]+\s*| *$))+", re.IGNORECASE)
    closing = re.compile(rf"(?:(?:{closings})[\s,;:&*_-]*(?:and )?)+", re.IGNORECASE)
    return opening, closing


def strip_boilerplate(text: str) -> str:
    """Give a forum's answer without greeting, sign-off and other speakers; "" if nothing is left.

    Only whole phrases go: what follows a greeting's comma, and what precedes a sign-off, stays.
    Some answers that a model wrote run on with what the patient says next: they end before that.
    """
    if ":" in text:
        if match := _OWN_NAME.match(text):
            text = text[match.end() :]
        if match := _OTHER_SPEAKER.search(text):
            text = text[: match.start()]
    first = text[:12].replace(",", " ").replace(".", " ").replace("!", " ").split(None, 1)
    if first and first[0].lower() in _GREETS and (match := _boilerplate()[0].match(text)):
        text = text[match.end() :]
        text = text[:1].upper() + text[1:]
    return _strip_sign_off(text.rstrip())


def _strip_sign_off(text: str) -> str:
    """Take the last sentence off for as long as it only signs off."""
    closing = _boilerplate()[1]
    while text:
        end = len(text.rstrip(_MARKS))
        # The last sentence: sign-offs are short, so it is looked for in few characters.
        start = max(0, end - 300)
        for match in _SENTENCE_END.finditer(text, start, end):
            start = match.end()
        while start < end and text[start] in _MARKS:
            start += 1
        if start == end or not closing.fullmatch(text, start, end):
            break
        text = text[:start].rstrip(" \t\n*_-")
    return text
