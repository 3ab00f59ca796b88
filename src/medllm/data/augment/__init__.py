"""More training records out of those there are: with synonyms, or worded anew by a model."""
