"""Dates and ages over 89: found in every form, and shifted."""
