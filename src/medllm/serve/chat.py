"""Answers as a chat model gives them: text with citations, annotations, chunks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from medllm.serve.answers import Json

MODEL = "medllm"
_HELD = ("quoted", "supported")
_NOTICE = "Literature and its basis, never a directive. Not a medical device, not for emergencies."


@dataclass(frozen=True, slots=True)
class Annotation:
    """A citation in the text: where its number stands, and what it names."""

    start: int
    end: int
    url: str
    title: str

    def wire(self) -> Json:
        """Give it as OpenAI writes it."""
        citation = {
            "start_index": self.start,
            "end_index": self.end,
            "url": self.url,
            "title": self.title,
        }
        return {"type": "url_citation", "url_citation": citation}


class ChatText:
    """Puts an answer's text together piece by piece and keeps where citations stand."""

    def __init__(self) -> None:
        self.text = ""
        self.annotations: list[Annotation] = []
        self._evidence: list[Json] = []

    def see_evidence(self, evidence: list[Json]) -> None:
        """Learn what citations count."""
        self._evidence = evidence

    def claim(self, claim: Json) -> str:
        """Add a sentence with its citations, and in words where the check did not hold it up."""
        start = len(self.text)
        self.text += claim["text"]
        for number in dict.fromkeys(citation["number"] for citation in claim["citations"]):
            self._cite(number)
        if claim["verdict"] not in _HELD:
            reason = f": {claim['reason']}" if claim["reason"] else ""
            self.text += f" ({claim['verdict']}{reason})"
        self.text += "\n"
        return self.text[start:]

    def _cite(self, number: int) -> None:
        self.text += " "
        begin = len(self.text)
        self.text += f"[{number}]"
        if 1 <= number <= len(self._evidence):
            document = self._evidence[number - 1]["document"]
            title = document["title"] or document["id"]
            self.annotations.append(Annotation(begin, len(self.text), document["url"], title))

    def end(self, answer: Json) -> str:
        """Add why there is no summary, or that it broke off; the sources; what this is."""
        start = len(self.text)
        summary = answer["summary"]
        if summary["abstained"]:
            self.text += f"No summary: {summary['abstained']}.\n"
        if summary["incomplete"]:
            self.text += f"The summary broke off: {summary['incomplete']}. It is not whole.\n"
        if self._evidence:
            self.text += "\nSources:\n"
        for number, hit in enumerate(self._evidence, start=1):
            document = hit["document"]
            about = [document["title"] or document["id"], str(document["year"] or "")]
            about += [document["source"], document["url"]]
            retracted = " RETRACTED" if document["retracted"] else ""
            self.text += f"[{number}] {', '.join(part for part in about if part)}{retracted}\n"
        self.text += f"\n{_NOTICE}"
        return self.text[start:]


def last_user_text(messages: list[Json]) -> str:
    """Give the text of the last user message, "" where there is none."""
    for message in reversed(messages):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            if isinstance(content, list):
                texts = [p.get("text") for p in content if isinstance(p, dict)]
                return "\n".join(text for text in texts if isinstance(text, str))
    return ""


def usage(note: str, text: str) -> Json:
    """Count words: the road has no tokeniser of its own."""
    read, written = len(note.split()), len(text.split())
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


def chunk(chat_id: str, delta: Json, finish: str | None = None, **more: Any) -> Json:
    """Give a chunk of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_head(chat_id, "chat.completion.chunk"), "choices": [choice], **more}


def usage_chunk(chat_id: str, counted: Json) -> Json:
    """Give the last chunk of a stream whose client asked for usage."""
    return {**_head(chat_id, "chat.completion.chunk"), "choices": [], "usage": counted}


def completion(chat_id: str, note: str, chat: ChatText, finish: str) -> Json:
    """Give a whole answer."""
    message = {
        "role": "assistant",
        "content": chat.text,
        "refusal": None,
        "annotations": [annotation.wire() for annotation in chat.annotations],
    }
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    head = _head(chat_id, "chat.completion")
    return {**head, "choices": [choice], "usage": usage(note, chat.text)}


def _head(chat_id: str, kind: str) -> Json:
    return {"id": chat_id, "object": kind, "created": int(time.time()), "model": MODEL}
