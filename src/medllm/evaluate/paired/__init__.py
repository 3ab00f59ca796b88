"""Two systems on the same items: tests, effects, corrections for many tests, and power."""
