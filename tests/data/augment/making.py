"""An invented WordNet for the tests, in both forms that are read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

SYNSETS = (
    ["lately", "recently"],
    ["begin", "start", "commence"],
    ["physician", "doctor", "doc"],
    ["quickly", "rapidly"],
    ["medicine", "medication"],
    ["have", "experience"],
    ["aspirin", "salicylate"],
    ["nausea", "queasiness"],
    ["at times", "occasionally", "now and then"],
    ["photograph", "photo", "picture"],
)
IRREGULAR = (("began", "begin"), ("begun", "begin"), ("having", "have"))


def write_wordnet(folder: Path, *, zipped: bool = True) -> Path:
    """Write it as the files that are made from Open English WordNet."""
    folder.mkdir()
    lines = [
        {"id": f"{n}", "pos": "n", "lexfile": "adv.all", "members": members, "definition": "odd"}
        for n, members in enumerate(SYNSETS)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    irregular = "form\tlemma\tpos\n" + "".join(f"{f}\t{lemma}\tv\n" for f, lemma in IRREGULAR)
    for name, content in (("synsets.jsonl", text), ("irregular_forms.tsv", irregular)):
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content.encode(), mtime=0))
        else:
            (folder / name).write_text(content, encoding="utf-8")
    return folder


def write_database(folder: Path) -> Path:
    """Write it as WordNet's own database."""
    folder.mkdir()
    lines = ["  1 This is where the licence stands\n"]
    for n, members in enumerate(SYNSETS):
        words = " ".join(f"{member.replace(' ', '_')} 0" for member in members)
        lines.append(f"{n:08d} 03 n {len(members):02x} {words} 000 | odd\n")
    (folder / "data.noun").write_text("".join(lines), encoding="utf-8")
    (folder / "data.adj").write_text(
        "  1 licence\n00000001 00 a 01 first(p) 0 000 | odd\n", encoding="utf-8"
    )
    exceptions = "".join(f"{form} {lemma}\n" for form, lemma in IRREGULAR)
    (folder / "verb.exc").write_text(exceptions, encoding="utf-8")
    return folder
