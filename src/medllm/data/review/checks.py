"""What rules can tell about an answer before a model or a person reads it."""

from __future__ import annotations

import re
from collections import Counter

from medllm.data.prepare.language import guess_language
from medllm.data.shingles import words_of

MIN_ANSWER_WORDS = 8

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
    """Whether a run of eight words comes three times: a model that fell into a loop."""
    runs = Counter(tuple(words[at : at + 8]) for at in range(len(words) - 7))
    return any(n >= 3 for n in runs.values())
