"""Names of persons, and the eponyms that are none."""
