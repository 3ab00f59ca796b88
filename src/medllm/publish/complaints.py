"""What Ollama complains of, by the words that it uses, as what to do about it.

Its texts are those of its source (server/create.go, images.go, upload.go, auth.go) and of its hub.
"""

from __future__ import annotations

from medllm.errors import MedllmError, ModelError
from medllm.models.exchange import Server

_LONGEST = 200

_KNOWN = (
    # (words, of which one must be there; what is wrong; what to do)
    (
        ("digest mismatch",),
        "{server} got other bytes than were announced: they changed on the way or on the disk",
        "run the command again; if it fails again, export the model again",
    ),
    (
        ("no space left", "disk quota", "not enough space", "file too large"),
        "the disk of {server} is full",
        "free some space where it keeps models (OLLAMA_MODELS), and run the command again",
    ),
    (
        ("unknown ollama key", "not signed in", "sign in", "signin"),
        "{server} is not signed in to its hub",
        "ollama signin, then run the command again",
    ),
    (
        ("access denied", "not authorized", "forbidden"),
        "the hub does not let this Ollama push to {name}: the name belongs to somebody else, or "
        "the key of this Ollama is not among yours",
        "push to your own name, and see https://ollama.com/settings/keys",
    ),
    (
        ("unauthorized", "authentication"),
        "{server} is not signed in to its hub",
        "ollama signin, then run the command again",
    ),
    (
        ("neither 'from' or 'files'", "path or modelfile", "unknown field", "missing modelfile"),
        "{server} is too old: it does not know how models are created today",
        "update Ollama, then run the command again",
    ),
    (
        ("unsupported architecture", "unknown model architecture", "unsupported content type"),
        "{server} is too old for this kind of model",
        "update Ollama, then run the command again",
    ),
    (
        ("template",),
        "{server} cannot read the template",
        "update Ollama; docs/deploy.md shows other servers",
    ),
    (
        ("system memory", "out of memory", "cudamalloc"),
        "{server} has too little memory for the model",
        "export it with fewer bits: medllm export RUN --to DIR --quantize q4_K_M",
    ),
    (
        ("no such host", "dial tcp", "max retries", "i/o timeout", "tls handshake", "proxy"),
        "{server} does not reach its hub",
        "check the network of the machine that it runs on, and run the command again",
    ),
    (
        ("invalid model name", "invalid name"),
        "{server} does not take the name {name}",
        "choose another: letters, digits, -, _ and .",
    ),
    (
        ("runner process has terminated", "error loading model", "failed to load"),
        "{server} cannot load the model",
        "its own log says why: update Ollama, or export the model again",
    ),
)


def complaint(server: Server, name: str, said: str, *, status: int = 200) -> MedllmError:
    """Give what an error of Ollama's means.

    What it says itself is repeated where it is not one of the known: publishing sends no patient
    text that could stand in it.
    """
    lower = said.lower()
    for words, what, hint in _KNOWN:
        if any(word in lower for word in words):
            return ModelError(what.format(server=server, name=name), hint=hint)
    if status in (401, 403):
        return complaint(server, name, "unauthorized" if status == 401 else "forbidden")
    if status == 404:
        return ModelError(
            f"what answers at {server.url} has no such address: it is no Ollama, or an old one",
            hint="update Ollama, or set models.ollama_url",
        )
    if status in (429, 503):
        return ModelError(f"{server} is busy (HTTP {status})", hint="try again in a moment")
    shown = "".join(c if c.isprintable() else " " for c in said)[:_LONGEST].strip()
    return ModelError(
        f"{server} refused with HTTP {status}" + (f": {shown}" if shown else ""),
        hint="its own log may say more",
    )
