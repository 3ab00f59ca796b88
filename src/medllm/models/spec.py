"""Model specs: the strings that name a model in the command line, in TOML and in the API."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from medllm.errors import ConfigError, ModelError, PrivacyError

if TYPE_CHECKING:  # chat.py imports this module
    from medllm.models.chat import Model, ModelSettings

Kind = Literal["extractive", "ollama", "openai", "hf", "gguf", "fake"]

DEFAULT_OLLAMA_URL = "http://127.0.0.1:11434"
FORMS = (
    "extractive, auto, ollama:NAME, openai:BASE_URL#MODEL, hf:PATH[+ADAPTER], gguf:PATH, "
    "fake:SCRIPT"
)
AUTO_TIMEOUT_S = 0.3


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model: `name` is the model's name, or for `hf` and `gguf` its path, for `fake` the
    script's."""

    kind: Kind
    name: str = ""
    url: str = ""
    """Where its server is; empty for an Ollama that the settings place."""

    def __str__(self) -> str:
        """Give the spec as it is written."""
        if self.kind == "extractive":
            return "extractive"
        if self.kind == "openai":
            return f"openai:{self.url}#{self.name}"
        return f"{self.kind}:{self.name}"

    @property
    def is_local(self) -> bool:
        """Whether nothing leaves this machine: no server at all, or one on a loopback address.

        An Ollama without a URL counts as not local; the spec of an opened model always has one.
        """
        return self.kind in ("extractive", "hf", "gguf", "fake") or is_loopback(self.url)


def is_loopback(url: str) -> bool:
    """Tell whether the URL's host is this machine, judged by its name or number alone."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_spec(text: str, *, ollama_url: str = "") -> ModelSpec:
    """Read a spec; `auto` looks for an Ollama on this machine, at `ollama_url` or the usual port.

    Raises `ConfigError` for what is no spec and `PrivacyError` for a model of Ollama's cloud.
    """
    text = text.strip()
    kind, _, rest = text.partition(":")
    if text == "extractive":
        return ModelSpec("extractive")
    if text == "auto":
        return resolve_auto(ollama_url=ollama_url or DEFAULT_OLLAMA_URL)
    if kind not in ("ollama", "openai", "hf", "gguf", "fake") or not rest:
        raise ConfigError(f"unknown model {text[:60]!r}", hint=f"give one of {FORMS}")
    if kind == "openai":
        return _parse_openai(rest)
    if kind == "ollama":
        refuse_cloud_name(rest)
        return ModelSpec("ollama", rest, check_url(ollama_url) if ollama_url else "")
    if kind == "hf":
        return ModelSpec("hf", rest)
    return ModelSpec("gguf" if kind == "gguf" else "fake", rest)


def _parse_openai(rest: str) -> ModelSpec:
    url, _, name = rest.partition("#")
    if not url or not name:
        raise ConfigError(
            "an openai: model spec needs a URL and a model",
            hint="for example openai:http://127.0.0.1:8000/v1#my-model",
        )
    return ModelSpec("openai", name, check_url(url))


def check_url(url: str) -> str:
    """Give a server's URL without a slash at its end; raise `ConfigError` where it is not one."""
    hint = "for example http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # both raise where they are malformed
    except ValueError as exc:
        raise ConfigError("the model server's URL is not a URL", hint=hint) from exc
    if parts.scheme not in ("http", "https") or not host or set(url) & set(" \t\r\n"):
        raise ConfigError("the model server's URL must be http:// or https://", hint=hint)
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            "the model server's URL may hold no user, password, query or fragment",
            hint="put a key into a file and name it as api_key_file",
        )
    return url.rstrip("/")


def is_cloud_name(name: str) -> bool:
    """Tell whether Ollama passes on to its cloud what a model of this name is asked."""
    tag = name.rpartition("/")[2].partition(":")[2].lower()
    return tag == "cloud" or tag.endswith("-cloud")


def refuse_cloud_name(name: str) -> None:
    """Raise `PrivacyError` for a model of Ollama's cloud."""
    if is_cloud_name(name):
        raise PrivacyError(
            f"ollama:{name} runs in Ollama's cloud: the patient text would leave this machine",
            hint="choose a local model: ollama list",
        )


def resolve_auto(*, ollama_url: str) -> ModelSpec:
    """Give the newest local model of an Ollama on this machine, or `extractive`.

    An Ollama elsewhere is never chosen here, and one that takes longer than 0.3 s is not there.
    """
    if not is_loopback(ollama_url) or not _is_listening(ollama_url):
        return ModelSpec("extractive")
    from medllm.models.ollama import chat_models

    try:
        names = chat_models(ollama_url, timeout_s=AUTO_TIMEOUT_S)
    except ModelError:
        return ModelSpec("extractive")
    return ModelSpec("ollama", names[0], ollama_url) if names else ModelSpec("extractive")


def _is_listening(url: str) -> bool:
    """Knock before httpx is imported: without an Ollama, the usual case, that saves 0.1 s."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=AUTO_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def open_model(spec: ModelSpec, settings: ModelSettings) -> Model:
    """Give the model, without a connection yet; its `spec` has the URL that will be asked.

    Raises `ConfigError`, `DataError` for a broken script, and `PrivacyError` as `parse_spec` does.
    """
    if spec.kind == "ollama":
        from medllm.models.ollama import OllamaModel

        refuse_cloud_name(spec.name)
        url = check_url(spec.url or settings.ollama_url)
        return OllamaModel(replace(spec, url=url), settings)
    if spec.kind == "openai":
        from medllm.models.openai import OpenAIModel

        return OpenAIModel(replace(spec, url=check_url(spec.url)), settings)
    if spec.kind == "hf":
        from medllm.models.hf import HfModel

        return HfModel(spec, settings)
    if spec.kind == "gguf":
        from medllm.models.gguf import GgufModel

        return GgufModel(spec, settings)
    if spec.kind == "fake":
        from medllm.models.fake import FakeModel

        return FakeModel(spec)
    raise ConfigError("the extractive model is not asked: it picks sentences itself")
