"""From data sets to clean, split, leak-free training records; each step can be run alone."""
