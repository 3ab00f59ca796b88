"""The doctor with an Ollama that answers, is absent, is slow, or is something else."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from medllm import doctor
from tests.doctor.machines import NOBODY, TAGS, check, ollama


def test_an_ollama_is_asked_once_for_its_models_and_cloud_models_are_marked():
    with ollama(json.dumps(TAGS)) as (url, requests):
        found = check("ollama", ollama_url=url + "/")
    assert requests == ["GET /api/tags HTTP/1.1"]
    cloud = "(in Ollama's cloud: refused)"
    models = f"renamed:latest {cloud}, llama3.2:3b (3.2B Q4_K_M), gpt-oss:120b-cloud {cloud}"
    assert (found.status, found.detail) == ("ok", f"{url} has {models}")


@pytest.mark.parametrize("body", ['{"models": []}', '{"models": null}'])
def test_an_ollama_without_a_model_says_how_to_get_one(body):
    with ollama(body) as (url, _):
        found = check("ollama", ollama_url=url)
    assert (found.status, found.hint) == ("warning", "ollama pull llama3.2")


@pytest.mark.parametrize(
    ("body", "status"),
    [("<html>hello</html>", 200), ('{"error": "no"}', 200), ("[]", 200), ("{}", 500), ("", 302)]
    + [(json.dumps(TAGS), 503)]
    + [('{"models": [{"size": 1}]}', 200), ('{"models": ["x"]}', 200), ("\ud7ff", 404)],
)
def test_something_else_at_the_address_is_not_taken_for_an_ollama(body, status):
    with ollama(body, status=status) as (url, _):
        found = check("ollama", ollama_url=url)
    assert (found.status, found.detail) == ("warning", f"what answers at {url} is not an Ollama")


def test_no_ollama_is_missing_and_not_needed():
    found = check("ollama")
    assert (found.status, found.detail) == ("missing", f"none answers at {NOBODY}")
    assert found.hint.startswith("not needed")


def test_an_ollama_that_takes_too_long_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "OLLAMA_TIMEOUT_S", 0.05)
    asked = threading.Event()
    with ollama("{}") as (url, _):
        monkeypatch.setattr(BaseHTTPRequestHandler, "parse_request", lambda self: not asked.wait(5))
        started = time.monotonic()
        found = check("ollama", ollama_url=url)
        asked.set()
    assert found.status == "missing"
    assert time.monotonic() - started < 4


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    monkeypatch.setenv("ALL_PROXY", NOBODY)
    with ollama(json.dumps(TAGS)) as (url, _):
        assert check("ollama", ollama_url=url).status == "ok"


def test_an_ollama_on_another_machine_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "_ollama_models", lambda url: TAGS["models"])
    found = check("ollama", ollama_url="http://models.example:11434")
    assert (found.status, "patient text" in found.hint) == ("warning", True)


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://user:SECRET@127.0.0.1:1"])
def test_an_address_that_is_none_is_a_problem_and_shows_no_password(url):
    found = check("ollama", ollama_url=url)
    assert found.status == "problem"
    assert "SECRET" not in found.detail + found.hint
