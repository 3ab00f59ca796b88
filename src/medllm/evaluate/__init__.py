"""Predictions and runs become scores, intervals and reports; nothing here talks to a user."""
