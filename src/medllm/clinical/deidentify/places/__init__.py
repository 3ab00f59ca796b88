"""Places smaller than a state, institutions and employers."""
