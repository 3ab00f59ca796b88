"""Tasks with a right answer: choices, yes-no-maybe, cloze, classification, and cited summaries."""
