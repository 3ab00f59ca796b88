"""The data sets that a model is trained and judged on: one reader each, one catalogue for all."""
