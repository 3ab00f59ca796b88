"""Readers: one per data set, from its files to records, with every loss counted and named."""
