"""The streamed bodies that `fake_server` sends: for each mode, bytes and what happens to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

Json = dict[str, Any]
Step = bytes | str
"""What a streamed body is made of: bytes to send, or one of these three."""
STALL, RESET, PING = "stall", "reset", "ping until the client hangs up"

STREAMED = (
    "ok",
    "length",
    "no_finish",  # a clean end of the stream, but no finish reason
    "done_without_finish",  # OpenAI only: [DONE] without a finish reason
    "error_frame",
    "error_after_finish",  # OpenAI only
    "reset",
    "stall",
    "stall_after_role",  # headers and a first chunk without text, then nothing
    "stall_after_finish",  # OpenAI only: neither usage nor [DONE] comes
    "ping_forever",
    "split_multibyte",
    "one_byte",
    "crlf",
    "pings",  # OpenAI: comments; Ollama: blank lines
    "null_content",
    "usage_only",  # OpenAI: counts after each piece; Ollama: thinking before it
    "huge_line",
    "bad_json",
    "bad_utf8",
    "odd_reason",
)
HUGE = 1_200_000


def openai_steps(text: str, mode: str, n_prompt: int | None) -> list[Step]:
    """The events of a chat completion; the counts come where `n_prompt` is given."""
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "tiny"}

    def part(delta: Json | None, reason: str | None = None) -> Json:
        return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    pieces = cut(text, mode)
    n_text = len(pieces)
    usage = {"prompt_tokens": n_prompt, "completion_tokens": n_text, "total_tokens": 0}
    counts: Json = {**base, "choices": [], "usage": usage}
    error: Json = {"error": {"message": f"died at: {text}", "type": "server_error", "code": 500}}
    finish = part({}, {"length": "length", "odd_reason": "content_filter"}.get(mode, "stop"))
    end: list[Json | str] = [finish, *([counts] if n_prompt is not None else []), "[DONE]"]
    if mode == "done_without_finish":
        end = ["[DONE]"]
    elif mode == "stall_after_finish":
        end = [finish, STALL]
    elif mode == "error_after_finish":
        end = [finish, error, "[DONE]"]
    between = {"null_content": [part({"content": None}), part(None)], "usage_only": [counts]}
    events = arrange(
        mode,
        [part({"role": "assistant", "content": ""})],
        [[part({"content": piece}), *between.get(mode, [])] for piece in pieces],
        end,
        error,
    )
    return frame(mode, events, prefix=b"data: ", suffix=b"\n\n", ping=b": ping\n\n")


def ollama_steps(text: str, mode: str, n_prompt: int) -> list[Step]:
    """The lines of an answer."""

    def part(message: Json | None, **more: object) -> Json:
        created = "2026-11-20T08:00:00.000000Z"
        return {"model": "tiny", "created_at": created, "message": message, "done": False, **more}

    pieces = cut(text, mode)
    reason = {"length": "length", "odd_reason": "load"}.get(mode, "stop")
    counts = {"prompt_eval_count": n_prompt, "eval_count": len(pieces), "total_duration": 1}
    empty = {"role": "assistant", "content": ""}
    thinking = part({"role": "assistant", "content": "", "thinking": "hm"})
    between = {"null_content": [part({"content": None}), part(None)], "usage_only": [thinking]}
    events = arrange(
        mode,
        [part(empty)] if mode == "stall_after_role" else [],
        [[*between.get(mode, []), part({**empty, "content": piece})] for piece in pieces],
        [part(empty, **{"done": True, "done_reason": reason}, **counts)],
        {"error": f"died at: {text}"},
    )
    return frame(mode, events, prefix=b"", suffix=b"\n", ping=b"\n")


def cut(text: str, mode: str) -> list[str]:
    """The text in pieces of a word or two, as a model would write it."""
    pieces: list[str] = re.findall(r"\S+\s*|\s+", text)
    return ["x" * HUGE] if mode == "huge_line" else pieces


def arrange(
    mode: str, begin: list[Json], texts: list[list[Json]], end: list[Json | str], error: Json
) -> Iterator[Json | str | bytes]:
    """What is sent in this mode, and in which order; half of the text before a failure."""
    half = list(chain.from_iterable(texts[: (len(texts) + 1) // 2]))
    broken: dict[str, list[Json | str | bytes]] = {
        "no_finish": [*begin, *chain.from_iterable(texts)],
        "error_frame": [*begin, *half, error],
        "reset": [*begin, *half, RESET],
        "stall": [*begin, *half, STALL],
        "stall_after_role": [*begin, STALL],
        "ping_forever": [*begin, *half, PING],
        "bad_json": [*begin, *half, b'{"not": json'],
        "bad_utf8": [*begin, *half, b'{"caf\xe9": 1}'],
    }
    yield from broken.get(mode, [*begin, *chain.from_iterable(texts), *end])


def frame(
    mode: str, events: Iterator[Json | str | bytes], *, prefix: bytes, suffix: bytes, ping: bytes
) -> list[Step]:
    """The events as bytes, cut as the mode says."""
    steps: list[Step] = []
    for event in events:
        if event in (STALL, RESET, PING):
            steps.append(str(event))
            continue
        data = event.encode() if isinstance(event, str) else event
        if not isinstance(data, bytes):
            data = json.dumps(data, ensure_ascii=False).encode()
        steps.append(prefix + data + suffix)
    if mode not in ("pings", "crlf", "one_byte", "split_multibyte"):
        return steps
    body = (ping if mode == "pings" else b"").join(s for s in steps if isinstance(s, bytes))
    if mode == "one_byte":
        return [bytes([byte]) for byte in body]
    if mode == "split_multibyte":  # after each byte that begins a character of several bytes
        return re.findall(rb"[^\xc0-\xff]*[\xc0-\xff]|[^\xc0-\xff]+", body)
    return [body.replace(b"\n", b"\r\n") if mode == "crlf" else body]
