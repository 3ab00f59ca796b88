"""Track A: BLEU, ROUGE, METEOR and chrF, each with its definition, its floor and no dependency."""
