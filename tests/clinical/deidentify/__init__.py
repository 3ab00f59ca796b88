"""Tests of de-identification: what is found, what stays, what stands in its place."""
