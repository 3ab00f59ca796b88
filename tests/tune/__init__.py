"""Tests of the tune road."""
