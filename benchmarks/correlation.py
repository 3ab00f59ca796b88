"""How far the lexical scores agree with people: MTS-Dialog's correlation study.

400 summaries by four systems of 100 dialogues, each read by people who counted facts. Spearman's
correlation of each score with each count, with 95 % intervals over dialogues. Prints Markdown.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from medllm.evaluate.experts.agreement import correlate
from medllm.evaluate.lexical.score import METRICS, LexicalRules, Scorer

FOLDER = Path("../shared/data/mts-dialog/correlation-study")
TEXTS, SCORES = (
    "MTS-Dialog-Automatic-Summaries-ValidationSet.csv",
    "MTS-Dialog-Manual-Scores4CorrelationStudy.csv",
)
COLUMNS = ("FactualF1", "FactualPrecision", "FactualRecall", "HallucinationRate", "OmissionRate")


def main() -> int:
    """Print the table; 1 where the data are absent."""
    if not (FOLDER / TEXTS).is_file():
        sys.stderr.write(f"{FOLDER} is absent\n")
        return 1
    texts, scores = _rows(FOLDER / TEXTS), _rows(FOLDER / SCORES)
    wordnet = Path("../shared/data/oewn")
    scorer = Scorer(LexicalRules(wordnet=wordnet if wordnet.is_dir() else None))
    found = [
        scorer.score(row["Automatic Summary"], row["Reference Summary"]).values for row in texts
    ]
    dialogues = {f"s{at}": row["ID"] for at, row in enumerate(texts)}
    lengths = [len(row["Automatic Summary"].split()) for row in texts]
    measures = {name: [row[name] for row in found] for name in METRICS} | {
        "words of the summary": lengths
    }
    sys.stdout.write(f"| score | {' | '.join(COLUMNS)} |\n|{' --- |' * (1 + len(COLUMNS))}\n")
    for name, values in measures.items():
        one = {f"s{at}": float(value) for at, value in enumerate(values)}
        cells = []
        for column in COLUMNS:
            other = {f"s{at}": float(row[column]) for at, row in enumerate(scores) if row[column]}
            rho = correlate(one, other, clusters=dialogues)
            cells.append(f"{rho.value:+.2f} [{rho.low:+.2f}, {rho.high:+.2f}]" if rho else "–")
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
    sys.stdout.write(f"\nn = {len(found)} summaries of {len(set(dialogues.values()))} dialogues.\n")
    return 0


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


if __name__ == "__main__":
    raise SystemExit(main())
