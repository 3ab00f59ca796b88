"""Numbers as clinicians write them."""

from __future__ import annotations

import re

_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def parse_number(written: str) -> float:
    """Give 17580.0 for "17,580", 3.5 for "3,5" and "3.5", 279000.0 for "2.79.000"."""
    plain = written.replace("·", ".")
    if _THOUSANDS.fullmatch(plain):
        return float(plain.replace(",", ""))
    if plain.count(".") + plain.count(",") > 1:
        return float(re.sub(r"[.,]", "", plain))
    return float(plain.replace(",", "."))
