"""The index, the encoders and the search over them."""
