"""The road behind OpenAI's chat completions: the last user message is the note."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from medllm.records import Note
from medllm.serve.answers import Json, json_response
from medllm.serve.asking import Corrections
from medllm.serve.chat import (
    MODEL,
    ChatText,
    chunk,
    completion,
    last_user_text,
    usage,
    usage_chunk,
)
from medllm.serve.door import User
from medllm.serve.events import stream, unless_gone
from medllm.serve.questions import Event, answer_events, answer_whole, begun, read_question
from medllm.serve.refusals import STATUSES, Refused, as_refused
from medllm.serve.service import Service, service_of, user_of


class OpenAIErrorDetail(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """What every refusal looks like here."""

    error: OpenAIErrorDetail


router = APIRouter(
    prefix="/v1",
    tags=["openai"],
    responses={s: {"model": OpenAIError, "description": words} for s, words in STATUSES.items()},
)


class StreamOptions(BaseModel):
    """What else a stream shall hold."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A chat; settings that the road has no use for are taken and left aside."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(max_length=200)
    messages: list[dict[str, Any]] = Field(min_length=1, max_length=1_000)
    stream: bool = False
    stream_options: StreamOptions | None = None


class ModelBody(BaseModel):
    """The one model."""

    id: str
    object: str
    created: int
    owned_by: str


class ModelsBody(BaseModel):
    """A list with the one model."""

    object: str
    data: list[ModelBody]


@router.get("/models", response_model=ModelsBody)
async def models(request: Request) -> Response:
    """List the one model: the road, with whatever writes its summaries."""
    user_of(request)
    return json_response({"object": "list", "data": [_model(service_of(request))]})


@router.get("/models/{model_id}", response_model=ModelBody)
async def model(model_id: str, request: Request) -> Response:
    """Give the one model."""
    user_of(request)
    if model_id != MODEL:
        raise _no_such_model()
    return json_response(_model(service_of(request)))


def _model(service: Service) -> Json:
    created = int(service.started)
    return {"id": MODEL, "object": "model", "created": created, "owned_by": "medllm"}


def _no_such_model() -> Refused:
    return Refused(404, "there is no such model", hint=f"its name is {MODEL}")


@router.post("/chat/completions", response_model=dict[str, Any])
async def chat_completions(body: ChatRequest, request: Request) -> Response:
    """Answer the last user message as a note, with citations in the text and as annotations."""
    service, user = service_of(request), user_of(request)
    if body.model != MODEL:
        raise _no_such_model()
    note = read_question(service, last_user_text(body.messages))
    await service.record(user.name, "ask", note=note.text)
    chat_id = f"chatcmpl-{uuid.uuid4().hex}"
    if not body.stream:
        work = _whole(service, user, note, chat_id)
        return json_response(await unless_gone(request, work))
    with_usage = body.stream_options is not None and body.stream_options.include_usage
    events = await begun(answer_events(service, user, note, Corrections()))
    return stream(_frames(_chunks(events, note, chat_id, with_usage=with_usage)))


async def _whole(service: Service, user: User, note: Note, chat_id: str) -> Json:
    chat = ChatText()
    data = await answer_whole(service, user, note, Corrections())
    # The final sentences: some may have been asked for once more since they streamed.
    chat.see_evidence(data["evidence"])
    for claim in data["summary"]["claims"]:
        chat.claim(claim)
    chat.end(data)
    finish = "length" if data["summary"]["incomplete"] else "stop"
    return completion(chat_id, note.text, chat, finish)


async def _frames(chunks: AsyncGenerator[Json, None]) -> AsyncGenerator[str, None]:
    try:
        async for part in chunks:
            yield f"data: {json.dumps(part, ensure_ascii=False)}\n\n"
    except Exception as exc:
        refused = as_refused(exc)
        message = refused.error if refused else "something went wrong"
        error = {"message": message, "type": "server_error", "param": None, "code": None}
        yield f"data: {json.dumps({'error': error})}\n\n"
        if refused is None:
            raise
    finally:
        await chunks.aclose()
    yield "data: [DONE]\n\n"


async def _chunks(
    events: AsyncGenerator[Event, None], note: Note, chat_id: str, *, with_usage: bool
) -> AsyncGenerator[Json, None]:
    chat = ChatText()
    try:
        yield chunk(chat_id, {"role": "assistant", "content": ""})
        async for name, data in events:
            if name == "evidence":
                chat.see_evidence(data["evidence"])
            elif name == "claim":
                yield chunk(chat_id, {"content": chat.claim(data["claim"])})
            elif name == "done":
                yield chunk(chat_id, {"content": chat.end(data)})
                cited = [annotation.wire() for annotation in chat.annotations]
                finish = "length" if data["summary"]["incomplete"] else "stop"
                yield chunk(chat_id, {"annotations": cited}, finish)
    finally:
        await events.aclose()
    if with_usage:
        yield usage_chunk(chat_id, usage(note.text, chat.text))
