"""What rules can tell about an answer before a model or a person reads it."""

from __future__ import annotations

import re

from medllm.data.prepare.language import guess_language
from medllm.data.shingles import words_of

MIN_ANSWER_WORDS = 8
_LONGEST_LOOP, _SHORTEST_LOOP = 60, 12
"""In words: what is repeated at most, and how much of it must be the same at least."""

_REFUSAL = re.compile(
    r"\bas an? (?:ai|large language model|language model)\b|\bi(?:'m| am) (?:only )?an ai\b|"
    r"\bi am not a doctor\b|\bi(?:'m| am) (?:sorry, but i )?(?:not able|unable|cannot)\b|"
    r"\bi can(?:no|')t (?:provide|give|help|assist|answer)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}|\[(?:insert|your|name|date)\b|<\|", re.IGNORECASE)
_ENDS = ".!?)]\"'”’:|`*。！？"


def check_answer(question: str, answer: str) -> list[str]:
    """Give what is wrong with an answer as far as rules can tell; nothing of its content."""
    words = words_of(answer)
    last = answer.rstrip()[-1:]
    languages = guess_language(question), guess_language(answer)
    faults = {
        "too short": len(words) < MIN_ANSWER_WORDS,
        "refuses": bool(_REFUSAL.search(answer)),
        "repeats the question": words == words_of(question),
        "repeats itself": _repeats_itself(words),
        "breaks off": last not in _ENDS and not last.isdigit(),
        "another language than the question": all(languages) and languages[0] != languages[1],
        "holds a placeholder": bool(_PLACEHOLDER.search(answer)),
    }
    return [fault for fault, is_there in faults.items() if is_there]


def _repeats_itself(words: list[str]) -> bool:
    """Whether the same words come three times on end: a model that fell into a loop.

    What comes again here and there is no loop: headings and tables of good answers do.
    """
    for period in range(1, _LONGEST_LOOP + 1):
        n_same = 0
        for word, later in zip(words, words[period:], strict=False):
            n_same = n_same + 1 if word == later else 0
            if n_same >= max(2 * period, _SHORTEST_LOOP):
                return True
    return False
