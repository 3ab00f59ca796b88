"""Texts that tokenizers disagree on: made, not found, and the same at each run."""

from __future__ import annotations

import random
from collections.abc import Sequence

_WORDS = (
    *("fever", "Hypokalaemia", "ACE-inhibitor", "don't", "She'LL", "it'S", "we'Re", "x-ray"),
    *("naïve", "Ärztin", "coeur", "cœur", "Żółć", "İstanbul", "ﬁbrosis", "re\u0301sume\u0301"),
    *("температура", "θερμοκρασία", "体温", "발열", "ไข้", "तापमान", "حرارة", "חום", "ሙቀት"),
    *("if", "def", "__init__", "HTTP/1.1", "user@example.org", "C:\\tmp", "<b>", "{{x}}", "%s"),
)
_NUMBERS = (
    *("0", "7.35", "12,500", "1234567890123456789", "3.14159265358979", "1e-5", "٣٨٫٥", "三十八"),
    *("10:30", "2024-02-29", "1/2", "½", "x²", "±0.5", "0x1F", "II", "Ⅳ", "000000"),
)
_UNITS = (
    "mg/dL",
    "µg",
    "μg",
    "mmol/L",
    "°C",
    "℃",
    "%",
    "‰",
    "×10⁹/L",
    "mmHg",
    "Å",
    "kg/m²",
    "≥",
    "→",
)
_SPACES = (
    *(" ", "  ", "   ", "    ", " " * 9, "\n", "\n\n", "\r\n", "\t", "\t\t", " \n", "\n ", ""),
    *("\u00a0", "\u3000", "\u2009", "\u200b", "\u2028", "\x0b", "\x0c"),
)
_SIGNS = (
    *(".", ",", "...", "…", "?!", "--", "–", "—", "“", "”", "'", "’", "''", '"', "`", "(", ")]"),
    *("•", "/", "\\", "_", "__", "#", "@", "~", "|", "=>", "!=", "&amp;", "▁", "Ġ", "Ċ", "[INST]"),
    *("<", ">", "<|", "|>", "<0x41>", "<s", "</", "[PAD3]", "<<SYS>>"),
)
_ODD = (
    *(
        "😀",
        "👩‍⚕️",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🇩🇪",
        "e\u0301\u0323",
        "\u202eabc\u202c",
        "\ufeff",
        "\ufffd",
        "\x01",
        "\x7f",
    ),
    *("𝒳", "𠜎", "\ue000", "\U000e0041", "\u0345", "ſ", "ß", "K", "Å"),
)
_KINDS = (_WORDS, _WORDS, _NUMBERS, _UNITS, _SPACES, _SPACES, _SPACES, _SIGNS, _ODD)

BY_HAND = (
    *("", " ", "  ", "\n", "a", " a", "a ", "  a  ", "'", "'s", "\u00a0", "\t\n\r ", "0" * 50),
    "BP 120/80 mmHg, HR 72/min, SpO₂ 97 %, T 38.5 °C; Na⁺ 138 mmol/L.",
    "Potassium 3,1 → 5.9 mmol/l (ref. 3.5–5.1)!!!  \n\n\tSee also: WBC 12'500/µL",
    "a" * 200,
    "ab" * 150,
    "\n" * 20 + "text" + " " * 30 + "end",
    "100000000000000000000000000000000000001",
)
"""Those that one thinks of; the rest is drawn from the lists above."""


def awkward_texts(n: int, control: Sequence[str], *, seed: int = 0) -> list[str]:
    """Give `n` texts of words, numbers, units, blanks and signs of many scripts.

    `control` are the tokenizer's own control tokens, which stand in every eighth text.
    """
    draw = random.Random(seed)
    texts = list(BY_HAND[:n])
    while len(texts) < n:
        parts = [draw.choice(draw.choice(_KINDS)) for _ in range(draw.randint(1, 12))]
        if control and len(texts) % 8 == 0:
            parts.insert(draw.randint(0, len(parts)), draw.choice(control))
        texts.append("".join(parts))
    return texts
