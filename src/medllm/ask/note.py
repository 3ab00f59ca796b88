"""Reading the note: what cannot be a patient description in English is refused with a reason."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from medllm.errors import DataError
from medllm.records import Note

_FUNCTION_WORDS = {
    "English": "the and of was with is for on he she had no his her from were to in at has not",
    "German": "der die und das mit ist nicht ein eine einer den dem von im auf wurde bei zu sich "
    "keine wegen seit nach zeigte",
    "French": "le la les et des une est dans pour avec du pas au aux qui par il elle sans chez a "
    "depuis était",
    "Spanish": "el la los las y de que en un una con por se del para fue sin paciente su al",
    "Italian": "il di che un una con per non è del della dei nel si paziente da alla ed era con",
    "Portuguese": "e da do em um uma com para não os dos na foi por paciente ao à sem das que",
    "Dutch": "de het een en van met is op te niet voor zijn bij patiënt werd geen aan wegens sinds",
}
_WORDS = {language: frozenset(words.split()) for language, words in _FUNCTION_WORDS.items()}
_MIN_FOREIGN_WORDS = 6
_MIN_DIFFERENT = 4
"""Fewer function words of another language prove nothing: notes in telegraphic style have few, and
abbreviations look like them ("la" for left atrium)."""
_MIN_SHARE = 0.1
"""In running text of any of these languages far more than every tenth word is in its list."""

_BINARY = (
    b"%PDF",
    b"PK\x03\x04",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    b"{\\rtf",
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
"""What no text has; \x1a ends files of old systems."""
_MAX_CONTROL_SHARE = 0.01
_BYTES_PER_CHARACTER = 4
"""At most, in UTF-8 and in UTF-16: a longer file need not be read to be refused."""


def read_note(path: Path | None, *, max_characters: int) -> Note:
    """Read a note from a file, or from standard input where `path` is None; check it."""
    name = "standard input" if path is None else str(path)
    max_bytes = _BYTES_PER_CHARACTER * max_characters
    try:
        if path is None:
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with path.open("rb") as handle:
                data = handle.read(max_bytes + 1)
    except OSError as exc:
        reason = (exc.strerror or "it cannot be read").lower()
        raise DataError(f"{name}: {reason}", hint="give the path of a text file, or -") from exc
    if len(data) > max_bytes:
        _refuse_binary(data, name)
        raise _too_long(f"more than {max_characters:,}", max_characters)
    return check_note(_decode(data, name), max_characters)


def check_note(text: str, max_characters: int) -> Note:
    """Give the text as a note; raise `DataError` where nobody could answer it.

    Line ends become "\\n", a byte order mark is left out, halves of surrogate pairs are replaced.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = text.encode("utf-8", "replace").decode("utf-8")
    if not text.strip():
        raise DataError("the note is empty", hint="write at least a sentence about the patient")
    if len(text) > max_characters:
        raise _too_long(f"{len(text):,}", max_characters)
    if _is_garbage(text):
        raise DataError("the note is not text", hint="give plain text, not the bytes of a file")
    letters = Counter({letter: n for letter, n in Counter(text).items() if letter.isalpha()})
    if letters.total() < 3:
        raise DataError("the note has no words", hint="describe the patient in English")
    language = _language(text, letters)
    if language != "English":
        raise DataError(
            f"the note seems to be written in {language}",
            hint="medllm reads English; translate it first",
        )
    return Note(text=text)


def _too_long(length: str, max_characters: int) -> DataError:
    return DataError(
        f"the note has {length} characters, the limit is {max_characters:,}",
        hint="leave out what does not matter, or raise it: --set ask.max_note_characters=N",
    )


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encoding = "utf-32"
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
        _refuse_binary(data, name)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        place = name if name != "standard input" else "note.txt"
        raise DataError(
            f"{name} is not {encoding.removesuffix('-sig').upper()}: byte {exc.start} is wrong",
            hint=f"convert it first, for example: iconv -f windows-1252 -t utf-8 {place}",
        ) from exc


def _refuse_binary(data: bytes, name: str) -> None:
    """Raise `DataError` for bytes that no text has: documents, pictures, archives, programs."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    if data.startswith(_BINARY) or b"\0" in data or _is_garbage(data[:65_536].decode("latin-1")):
        raise DataError(
            f"{name} is not a text file",
            hint="give plain text; copy the text out of a PDF or a document first",
        )


def _is_garbage(text: str) -> bool:
    """Whether there are more control characters than any text has by accident."""
    n_control = len(_CONTROL.findall(text))
    return "\0" in text or n_control > _MAX_CONTROL_SHARE * len(text)


def _language(text: str, letters: Counter[str]) -> str:
    """Name the language by its function words; English where they do not tell.

    Words in capitals are looked at only in a text that has no others: they are abbreviations.
    """
    n_letters = letters.total()
    if sum(n for letter, n in letters.items() if letter < "\u0250") < 0.7 * n_letters:
        return "another script than Latin"
    words = Counter(re.findall(r"[^\W\d_]+", text[:20_000]))
    is_all_capitals = sum(n for c, n in letters.items() if c.isupper()) > 0.8 * n_letters
    lower: Counter[str] = Counter()
    for word, n in words.items():
        is_abbreviation = word.isupper() and word != "I" and not is_all_capitals
        if not is_abbreviation and (is_all_capitals or word.islower() or word.istitle()):
            lower[word.lower()] += n
    counts = {language: sum(lower[w] for w in known) for language, known in _WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    is_clear = (
        counts[best] >= max(_MIN_FOREIGN_WORDS, _MIN_SHARE * lower.total())
        and len(_WORDS[best] & lower.keys()) >= _MIN_DIFFERENT
        and counts[best] > 1.5 * counts["English"]
    )
    return best if is_clear else "English"
