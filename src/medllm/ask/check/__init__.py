"""A verdict for every sentence of a summary: `verify` is the door, the others are its parts."""
