"""E-mail, web and network addresses, telephone and fax numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.text import Category, Found, Words

CONTACT_RANK = 3
_EMAIL = re.compile(
    r"@(?<=[\w.+%'-]@)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?){1,6}"
)
_EMAIL_LOCAL = re.compile(r"[\w.+%'-]{1,64}$")
_SPELT_EMAIL = re.compile(
    r"\b[\w.+-]{1,64}\s?[\[({]?\s?\bat\b\s?[\])}]?\s?[\w-]{1,63}(?:\s?[\[({]?\s?\bdot\b\s?[\])}]?"
    r"\s?[\w-]{2,24}){1,3}\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"@(?<![\w.@].)[A-Za-z_][\w.]{2,30}\w")
_URL_TAIL = r"(?:[/?#:][^\s<>\"'{}|\\^`\[\]]{0,2000})?"
_URL = re.compile(
    r"\b(?:https?|ftps?|sftp|file)://[^\s<>\"'{}|\\^`\[\]]{1,2000}"
    r"|\bwww\d?\.[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}" + _URL_TAIL,
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    r"\.(?:com|org|net|edu|gov|mil|info|biz|io|app|blog|health|care|clinic|nhs|co|ac|uk|us|ca|au|nz"
    r"|ie|in|de|fr|es|it|nl|ch|at|eu|me|tv|dev|online|site|page|example|test|local|internal|intranet)(?![\w-])(?:\.[a-z]{2}\b)?"
    + _URL_TAIL
)
_DOMAIN_BEFORE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){0,5}[A-Za-z0-9-]{2,63}$")
_SHORT_ENDING = re.compile(r"\.(?:in|us|at|me|it|co|ac|ch|es|de|care|health|page|site)\b$")
_IPV4 = re.compile(
    r"\d(?<!\d\d)(?<![\d.]\.\d)(?:\d{1,2})?(?:\.\d{1,3}){3}(?![\d.]*\d)(?:/\d{1,2}\b)?"
)
_IPV6 = re.compile(
    r"(?<![\w:*.])(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
    r"|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}|(?:[0-9A-Fa-f]{1,4}:){1,7}:)(?![\w:])"
)
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])")
_EXTENSION = r"(?:,?\s?(?:x|ext\.?|extn\.?|extension)\s?:?\s?\d{1,6}\b)?"
_PHONES = (
    # +44 (0)20 7946 0123, +1 (617) 555-0123, +91 98765 43210
    re.compile(
        r"\+\d(?<![\w]..)\d{0,3}[ .\u00a0-]?(?:\(\d{1,4}\)[ .\u00a0-]?)?"
        r"(?:\d{1,5}[ .\u00a0-]?){1,5}\d" + _EXTENSION
    ),
    # (617) 555-0123, 1-617-555-0123, 617.555.0123
    re.compile(
        r"(?<![\w./+-])(?<!\d,\d)(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[./•·_‐–-]\s?|\d{3}\s)"
        r"\d{3}[\s.•·_‐–-]\d{4}(?![\d-])" + _EXTENSION
    ),
    # 01632 960123, 020 7946 0123, (0117) 496 0123, 07700 900123, 0411 222 333
    re.compile(
        r"(?<![\w.,/+-])(?:\(0\d{2,4}\)|0\d{2,4})[\s-]?\d{3,4}[\s-]?\d{3,4}(?!\d|\.\d)" + _EXTENSION
    ),
    re.compile(r"(?<![\w.,/+-])00[ -]?\d{1,3}(?:[ -]?\d{2,6}){2,4}(?![\w-]|[.,]\d)"),
    re.compile(r"(?<![\w.,/+-])\d{3} \d{7}(?![\w%/-]|[.,]\d|\s?(?:m|c|x|u|IU|U\b))"),
    re.compile(r"(?<![\w.,/+-])(?:\(0\d{1,5}\)|0\d{1,5})[\s-]\d{5,6}(?!\d|\.\d)" + _EXTENSION),
)
_AT_NUMBER = re.compile(r"\bat (\d{3}-\d{4})\b(?!\s?(?:m|%|g|k|u|c|/|IU|[A-Z]))")
_SEVEN = re.compile(
    r"(?<![\w.,/+-])([2-9]\d\d)-(\d{4})(?![\w%/-]|[.,]\d|\s?(?:m|g|k|u|c|IU|x|cells|U\b))"
)
"""Seven figures whose second part is no larger one: "725-0749" is no range."""
_CALLED_ON = re.compile(
    r"\b[Bb]leep [A-Z][\w'’-]{1,20} on (\d{3,6})\b"
    r"|\b[Pp]age [A-Z][\w'’-]{1,20} (?:on|at) (\d{3,6})\b"
)
_SPOKEN = re.compile(
    r"\b(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)[ -]){6,15}"
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)(?: hundred)?\b",
    re.IGNORECASE,
)
"""Seven figures or more as they are dictated."""
_LONE_EXTENSION = re.compile(
    r"x\s?\d-\d{4}(?<=[a-z,] x.{6})(?!\w)|x\s\d-\d{4}\b"
    r"|x\d{4,5}(?<=[a-z,] x.{4})(?<!\w)\b|x(?<=[a-z,] x)\d{4,5}\b"
)
_FAX_WORDS = frozenset("fax faxed facsimile f".split())
_PHONE_WORDS = frozenset(
    """office surgery reception day evening night telephone phone tel ph mobile mob cell cellular
    call called calling callback ring rang pager beeper bleep page dect contact ext extn extension
    hotline t landline whatsapp text voicemail reached reach pgr bpr vocera alt he's she's they're
    home work helpline switchboard dial m c h w phoned sms direct""".split()
)
_LABEL_GAP = re.compile(
    r"(?:\s?\((?:home|work|h|w|m|mobile|cell|day|evening)\))?\.?\s?(?:number|numbers|no\b\.?"
    r"|nos\b\.?"
    r"|num\b|#|line|copy|results?|your decision|records|back|us|me|him|her|them|it|on|at|to|is"
    r"|was|:|=|-|–"
    r"|\s){0,8}[\s:=#-]{0,3}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+(]?\d(?:[\d()./ -]{1,20}\d)(?!\d)" + _EXTENSION)
_SHORT_LABELS = frozenset(
    "pager pgr bpr vocera beeper bleep ext extn extension dect page dial switchboard".split()
)
_OWN_PHONE_WORDS = frozenset(
    "cell mobile mob m c h w t reach reached alt home work page text ring rang contact call "
    "called calling".split()
)
_NOT_DIALLED = re.compile(
    r"\s?(?:mg|ml|cm|mm|%|/|years?|y/?o|hours?|weeks?|days?|am\b|pm\b|units?|:\d)"
)


def find_addresses(words: Words) -> Iterator[Found]:
    """Give e-mail addresses, URLs, domain names, IP and MAC addresses and @handles."""
    text = words.text
    yield from _find_emails(text)
    for match in _URL.finditer(text):
        yield _found(match.start(), _end_of_url(text, match), "url", CONTACT_RANK + 1, "url")
    for match in _DOMAIN.finditer(text):
        before = _DOMAIN_BEFORE.search(text, max(0, match.start() - 130), match.start())
        if before and not (_SHORT_ENDING.search(match.group()) and before.group().istitle()):
            end = _end_of_url(text, match)
            yield _found(before.start(), end, "url", CONTACT_RANK + 2, "url")
    for match in _IPV4.finditer(text):
        address = match.group().split("/")[0]
        if all(int(part) <= 255 for part in address.split(".")) and not _is_version(text, match):
            yield _found(*match.span(), "ip", CONTACT_RANK, "ip")
    for match in _IPV6.finditer(text):
        if match.group().count(":") >= 3 or re.search("[A-Fa-f]", match.group()):
            yield _found(*match.span(), "ip", CONTACT_RANK, "ip6")
    for match in _MAC.finditer(text):
        yield _found(*match.span(), "device", CONTACT_RANK - 1, "mac")


def _found(start: int, end: int, category: Category, rank: int, kind: str) -> Found:
    return Found(start, end, category, rank, kind)


def _find_emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        local = _EMAIL_LOCAL.search(text, max(0, match.start() - 64), match.start())
        if local:
            start = local.start() + len(local.group()) - len(local.group().lstrip(".'%-"))
            yield _found(start, match.end(), "email", CONTACT_RANK - 1, "email")
    if any(dot in text for dot in (" dot ", "[dot]", "(dot)", " DOT ")):
        for match in _SPELT_EMAIL.finditer(text):
            yield _found(*match.span(), "email", CONTACT_RANK, "email")
    for match in _HANDLE.finditer(text):
        yield _found(*match.span(), "other", CONTACT_RANK + 2, "handle")


def _end_of_url(text: str, match: re.Match[str]) -> int:
    """Give the end without the marks of the sentence around the address."""
    end = match.end()
    while end > match.start() and text[end - 1] in ".,;:!?)'\"":
        if text[end - 1] == ")" and "(" in match.group():
            break
        end -= 1
    return end


def _is_version(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 12) : match.start()].lower()
    return (
        re.search(r"\b(?:version|ver\.?|v\.?|section|ec|release|firmware|build)\s?$", before)
        is not None
    )


def find_phones(words: Words) -> Iterator[Found]:
    """Give telephone and fax numbers, by their form or by the word before them."""
    for at in words.where(_PHONE_WORDS | _FAX_WORDS):
        yield from _after_label(words, at)
    for match in _AT_NUMBER.finditer(words.text):
        yield _found(*match.span(1), "phone", CONTACT_RANK + 4, "phone")
    for match in _CALLED_ON.finditer(words.text):
        yield _found(*match.span(1 if match[1] else 2), "phone", CONTACT_RANK + 4, "phone")
    for match in _SEVEN.finditer(words.text):
        if match[2][0] == "0" or int(match[2]) < int(match[1]):
            yield _found(*match.span(), "phone", CONTACT_RANK + 34, "phone")
    for match in _SPOKEN.finditer(words.text):
        before = words.text[max(0, match.start() - 30) : match.start()].lower()
        category: Category = "fax" if "fax" in before else "phone"
        yield _found(*match.span(), category, CONTACT_RANK + 4, "phone")
    for match in _LONE_EXTENSION.finditer(words.text):
        yield _found(match.start(), match.end(), "phone", CONTACT_RANK + 4, "phone")
    for pattern in _PHONES:
        for match in pattern.finditer(words.text):
            if sum(letter.isdigit() for letter in match.group()) >= 9:
                yield _found(*match.span(), "phone", CONTACT_RANK + 4, "phone")


def _after_label(words: Words, at: int) -> Iterator[Found]:
    text, word = words.text, words.lowers[at]
    is_half = len(word) == 1 and text[max(0, words.starts[at] - 1) : words.starts[at]] == "/"
    if words.surfaces[at] == "pH" or is_half:  # the C of "D/C: 2021-01-19" is no mobile
        return
    gap = _LABEL_GAP.match(text, words.ends[at])
    said = gap.group() if gap else ""
    number = _NUMBER.match(text, words.ends[at] + len(said))
    if not number or _NOT_DIALLED.match(text, number.end()):
        return
    digits = sum(letter.isdigit() for letter in number.group())
    if digits > 16 or digits < (3 if word in _SHORT_LABELS else 7):
        return
    if word == "page" and digits < 7 and "at" not in said:
        return
    if len(word) == 1 and ":" not in said or (word in _OWN_PHONE_WORDS and "=" in said):
        return
    category: Category = "fax" if word in _FAX_WORDS else "phone"
    is_in_brackets = number.group().startswith("(") and ")" not in number.group()
    yield _found(number.start() + is_in_brackets, number.end(), category, CONTACT_RANK + 3, "phone")
    yield from _find_alternatives(text, number.end(), category)


_OR = re.compile(r"\s?(?:,|/|or|and|;)\s?(?:alt\.?\s|alternatively\s)?(?=[+(\d])", re.IGNORECASE)


def _find_alternatives(text: str, at: int, category: Category) -> Iterator[Found]:
    """Give the further numbers of "020 ... or 07700 ..."."""
    for _ in range(4):
        joint = _OR.match(text, at)
        number = _NUMBER.match(text, joint.end()) if joint else None
        if not number or sum(letter.isdigit() for letter in number.group()) < 7:
            return
        yield _found(*number.span(), category, CONTACT_RANK + 3, "phone")
        at = number.end()
