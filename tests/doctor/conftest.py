"""What every test of the doctor needs."""

from functools import cache

import pytest

from medllm import doctor
from medllm.files import sha256_file

digest_once = cache(sha256_file)


@pytest.fixture(autouse=True)
def _one_digest_for_all_tests(monkeypatch):
    """The real weights are 90 MB, and every examination takes their digest."""
    monkeypatch.setattr(doctor, "sha256_file", digest_once)
