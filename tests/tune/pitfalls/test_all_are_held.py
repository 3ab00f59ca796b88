"""No pitfall is forgotten."""

from __future__ import annotations

import re
from pathlib import Path


def test_each_of_the_16_pitfalls_has_a_test():
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    found = {int(n) for text in texts for n in re.findall(r"def test_pitfall_(\d\d)_", text)}
    assert found == set(range(1, 17))
