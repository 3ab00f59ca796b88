"""Model specs, where their servers are, and what `auto` chooses."""

import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.errors import ConfigError, MedllmError, PrivacyError
from medllm.models.chat import ModelSettings
from medllm.models.spec import ModelSpec, open_model, parse_spec, resolve_auto
from tests.fake_server import FakeServer

CLOUD = {"name": "big:latest", "remote_host": "https://ollama.com:443", "remote_model": "big"}


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("extractive", ModelSpec("extractive")),
        ("ollama:llama3.1", ModelSpec("ollama", "llama3.1")),
        ("ollama:hf.co/group/model:Q4_K_M", ModelSpec("ollama", "hf.co/group/model:Q4_K_M")),
        (
            "openai:http://127.0.0.1:8000/v1#group/model",
            ModelSpec("openai", "group/model", "http://127.0.0.1:8000/v1"),
        ),
        ("openai:https://gpu.lan/v1#a#b", ModelSpec("openai", "a#b", "https://gpu.lan/v1")),
        ("fake:answers.json", ModelSpec("fake", "answers.json")),
        ("hf:group/model", ModelSpec("hf", "group/model")),
        ("hf:base+out/run", ModelSpec("hf", "base+out/run")),
    ],
)
def test_a_spec_is_read_and_written_back(text, spec):
    assert parse_spec(text) == spec
    assert str(spec) == text
    assert parse_spec(f" {text}\n") == spec


def test_a_slash_at_the_end_of_a_url_makes_no_difference():
    assert parse_spec("openai:http://a/v1/#m") == parse_spec("openai:http://a/v1#m")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "llama3.1",
        "olama:llama3.1",
        "ollama",
        "ollama:",
        "openai:http://127.0.0.1:8000/v1",
        "openai:#model",
        "openai:127.0.0.1:8000#model",
        "openai:ftp://a/v1#model",
        "openai:http://#model",
        "openai:http://a:port/v1#model",
        "openai:http://[::1/v1#model",
        "openai:http://a b/v1#model",
        "openai:http://a/v1?key=1#model",
        "fake:",
        "hf:",
        "gguf:",
    ],
)
def test_what_is_no_spec_is_an_error_with_a_hint(text):
    with pytest.raises(ConfigError) as caught:
        parse_spec(text)
    assert caught.value.hint


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(ConfigError) as caught:
        parse_spec("openai:http://user:hunter2@a/v1#m")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert "api_key_file" in caught.value.hint


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=40))
def test_any_text_is_a_spec_or_an_error_of_ours(text):
    for spec in (text, f"openai:http://{text}#m", f"openai:http://a/v1#{text}"):
        if spec.strip() == "auto":
            continue
        try:
            parsed = parse_spec(spec)
            open_model(parsed, ModelSettings())
        except MedllmError:
            pass


@pytest.mark.parametrize(
    "name", ["big:cloud", "gpt-oss:120b-cloud", "group/big:Cloud", "registry.lan:5000/g/big:cloud"]
)
def test_a_cloud_model_is_refused_by_its_name(name):
    with pytest.raises(PrivacyError, match="leave this machine"):
        parse_spec(f"ollama:{name}")
    with pytest.raises(PrivacyError, match="leave this machine"):
        open_model(ModelSpec("ollama", name), ModelSettings())


@pytest.mark.parametrize("name", ["cloud:7b", "cloud", "stratus-cloud", "registry.cloud:50/g/m"])
def test_a_local_model_may_be_called_cloud(name):
    assert parse_spec(f"ollama:{name}").name == name


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://127.8.9.1", True),
        ("http://localhost:8000/v1", True),
        ("http://LOCALHOST/v1", True),
        ("http://[::1]:8000", True),
        ("http://0.0.0.0:8000", False),
        ("http://192.168.1.9:8000", False),
        ("http://10.0.0.1", False),
        ("https://api.example.org/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://127.0.0.1@example.org/v1", False),
    ],
)
def test_only_loopback_hosts_are_local(url, is_local):
    assert ModelSpec("openai", "m", url).is_local is is_local
    assert ModelSpec("ollama", "m", url).is_local is is_local


def test_models_without_a_server_are_local_and_an_unplaced_ollama_is_not():
    assert ModelSpec("extractive").is_local
    assert ModelSpec("fake", "x.json").is_local
    assert not ModelSpec("ollama", "m").is_local


def test_an_opened_ollama_knows_its_place():
    settings = ModelSettings(ollama_url="http://10.0.0.7:11434/")
    model = open_model(parse_spec("ollama:m"), settings)
    assert model.spec == ModelSpec("ollama", "m", "http://10.0.0.7:11434")
    assert not model.spec.is_local
    placed = open_model(parse_spec("ollama:m", ollama_url="http://127.0.0.1:1"), settings)
    assert placed.spec.url == "http://127.0.0.1:1"
    assert str(placed.spec) == "ollama:m"


def test_the_extractive_model_is_not_opened():
    with pytest.raises(ConfigError):
        open_model(ModelSpec("extractive"), ModelSettings())


def test_auto_takes_the_newest_local_model_that_can_write():
    models = [
        CLOUD,
        {"name": "huge:cloud"},
        {"name": "embed:latest", "details": {"family": "nomic-bert"}},
        {"name": "vectors:latest", "capabilities": ["embedding"]},
        {"name": "tiny:latest", "details": {"family": "llama"}},
        {"name": "old:latest"},
    ]
    with FakeServer(models=models) as server:
        spec = resolve_auto(ollama_url=server.url)
        assert spec == parse_spec("auto", ollama_url=server.url)
    assert spec == ModelSpec("ollama", "tiny:latest", server.url)


@pytest.mark.parametrize("models", [[], [CLOUD], [{"size": 3}]])
def test_auto_without_a_local_model_is_extractive(models):
    with FakeServer() as server:
        server.models = models
        assert resolve_auto(ollama_url=server.url) == ModelSpec("extractive")


def test_auto_without_an_ollama_is_extractive():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        assert resolve_auto(ollama_url=url) == ModelSpec("extractive")


def test_auto_does_not_wait_for_something_that_does_not_answer():
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert resolve_auto(ollama_url=url) == ModelSpec("extractive")
    assert time.monotonic() - started < 30, "a question would have waited for two minutes"


def test_auto_never_asks_a_server_elsewhere(monkeypatch):
    def connect(*args, **options):
        raise AssertionError("it connected")

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert resolve_auto(ollama_url="http://192.0.2.1:11434") == ModelSpec("extractive")
