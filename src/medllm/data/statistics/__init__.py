"""What a set of training records is like, as numbers and as a page."""
