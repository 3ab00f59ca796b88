"""Which language a text is in, told from its script and its commonest words.

Libraries were looked at: langdetect takes milliseconds a text and is not the same twice unless it
is seeded, fastText's and lingua's models are 1 to 200 MB. To leave out records of another language
the function words are enough; for a text of a few words nothing is.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SCRIPTS = {
    "zh": "\u3400-\u9fff",
    "ja": "\u3040-\u30ff",
    "ko": "\uac00-\ud7af",
    "ru": "\u0400-\u04ff",
    "ar": "\u0600-\u06ff",
    "hi": "\u0900-\u097f",
    "el": "\u0370-\u03ff",
    "he": "\u0590-\u05ff",
    "th": "\u0e00-\u0e7f",
}
"""Script -> its block; of Cyrillic the language is given as "ru" whichever it is."""

_FUNCTION_WORDS = {
    "en": "the of and to in is that it was for with as his her are be at by this have from or an "
    "they which you were all we when your can there been has had their not what will would if i my",
    "de": "der die und den von zu das mit sich des auf für ist im dem nicht ein eine als auch es "
    "an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über ich so zum",
    "fr": "de la le et les des en un du une que est pour qui dans par plus pas au sur ne se ce il "
    "sont avec aux d'une son cette ou je vous nous mais être été elle a ses leur si l'on",
    "es": "de la que el en y los se del las un por con una su para es al lo como más o pero sus le "
    "ha me sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años",
    "it": "di e il la che in un per del è una non sono da con le si dei al i alla della come nel "
    "ha più gli anche delle o questo se ma lo su dal essere stato nella cui suo molto ho mi",
    "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao "
    "ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso",
    "nl": "de van een het en in is dat op te zijn met voor niet aan er om ook als dan maar bij uit "
    "nog door wordt over zich hij heeft worden die deze was ik ze hebben kan geen naar",
}
_LATIN_WORD = re.compile(r"[a-zà-öø-ÿœ']+")
_SAMPLE = 1000
"""So many characters are looked at."""
_MIN_WORDS = 8
_MIN_SHARE = 0.12
"""Of running English about .4 of the words are in the list, of terse notes .1 to .3."""


KNOWN = (*_FUNCTION_WORDS, *_SCRIPTS)
"""The codes that `guess_language` can give."""


@lru_cache(maxsize=1)
def _languages_of_words() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for language, words in _FUNCTION_WORDS.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), language)
    return found


@lru_cache(maxsize=1)
def _script_patterns() -> dict[str, re.Pattern[str]]:
    return {language: re.compile(f"[{block}]") for language, block in _SCRIPTS.items()}


def guess_language(text: str) -> str:
    """Give the ISO 639-1 code of the text's language, or "" where it cannot be told.

    Known: en, de, fr, es, it, pt, nl by their words; zh, ja, ko, ru, ar, hi, el, he, th by their
    script. Terse notes, lists of names and short texts give "".
    """
    sample = text[:_SAMPLE].lower()
    if not sample.isascii() and (language := _by_script(sample)):
        return language
    words = _LATIN_WORD.findall(sample)
    if len(words) < _MIN_WORDS:
        return ""
    counts = dict.fromkeys(_FUNCTION_WORDS, 0)
    known = _languages_of_words()
    for word in words:
        for language in known.get(word, ()):
            counts[language] += 1
    ranked = sorted(counts, key=lambda language: -counts[language])
    first, second = ranked[:2]
    if counts[first] < _MIN_SHARE * len(words) or counts[first] < 1.3 * counts[second]:
        return ""
    return first


def _by_script(sample: str) -> str:
    n_letters = sum(map(str.isalpha, sample))
    for language in ("ja", "ko", "zh", "ru", "ar", "hi", "el", "he", "th"):
        n_found = len(_script_patterns()[language].findall(sample))
        # Japanese is mixed with Chinese characters; a Greek letter or two is medicine, not Greek.
        if n_found > (0.1 if language == "ja" else 0.3) * n_letters:
            return language
    return ""
