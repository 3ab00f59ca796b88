"""The library: what is indexed, a document by its id, adding and deleting as jobs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from medllm.files import disk_errors
from medllm.serve.answers import document_json, json_response
from medllm.serve.jobs import Job, Jobs, find_kind
from medllm.serve.refusals import RESPONSES, Refused
from medllm.serve.service import service_of, user_of, user_with
from medllm.serve.shapes import (
    DeleteRequest,
    DocumentRequest,
    JobBody,
    LibraryAnswer,
    WholeDocumentBody,
)

router = APIRouter(prefix="/api/v1", tags=["documents"], responses=RESPONSES)

Format = Literal["", "auto", "pmc-patients", "beir", "jsonl", "text", "e3c", "pubmed-xml"]
_OCTETS = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/documents", response_model=LibraryAnswer)
async def library(request: Request) -> Response:
    """Say what is indexed: counts by kind and year, age, encoder."""
    service = service_of(request)
    user_of(request)
    return json_response(await service.in_thread(service.library))


@router.post("/documents/read", response_model=WholeDocumentBody)
async def read(body: DocumentRequest, request: Request) -> Response:
    """Give a document whole. Its id stands in the body, since it may be a record number."""
    service = service_of(request)
    await service.record(user_of(request).name, "read", document=body.id)
    found = await service.in_thread(service.index.read, [body.id])
    if body.id not in found:
        raise Refused(404, "there is no document with this id", hint="it may have been deleted")
    document = found[body.id]
    whole = {**document_json(document), "text": document.text, "mesh": list(document.mesh)}
    return json_response(whole)


@router.post("/documents/add", response_model=JobBody, status_code=202, openapi_extra=_OCTETS)
async def add(
    request: Request,
    kind: Literal["", "auto", "patients", "articles"] = "",
    format: Annotated[Format, Query(description="Found out from the content if left out.")] = "",
) -> Response:
    """Add a file of documents: the body is the file. Gives a job to follow."""
    user = user_with(request, "engineer")
    service = service_of(request)
    await service.record(user.name, "add")
    path = service.jobs.upload_path()
    try:
        await _take_in(request, path, suffix_for=format)
        named = None if format in ("", "auto") else format
        job = await service.in_thread(
            lambda: service.jobs.add(path, kind=find_kind(kind), format=named)
        )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return json_response(job.describe(), 202)


async def _take_in(request: Request, path: Path, *, suffix_for: str) -> None:
    """Write a body to a file in constant memory."""
    with disk_errors("the upload"):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    service = service_of(request)
    with os.fdopen(descriptor, "wb") as handle:
        async for block in request.stream():
            await service.in_thread(_write, handle, block)


def _write(handle: BinaryIO, block: bytes) -> None:
    with disk_errors("the upload"):
        handle.write(block)


@router.post("/documents/delete", response_model=JobBody, status_code=202)
async def delete(body: DeleteRequest, request: Request) -> Response:
    """Take documents out without a trace: the index is written anew. Gives a job to follow."""
    user, service = user_with(request, "engineer"), service_of(request)
    ids = list(dict.fromkeys(body.ids))
    await service.record_each(user.name, "delete", documents=ids)
    job = service.jobs.delete(ids)
    return json_response(job.describe(), 202)


@router.get("/jobs", response_model=list[JobBody])
async def jobs(request: Request) -> Response:
    """List the jobs, the newest first."""
    user_with(request, "engineer")
    return json_response([job.describe() for job in service_of(request).jobs.list()])


@router.get("/jobs/{job_id}", response_model=JobBody)
async def job(job_id: str, request: Request) -> Response:
    """Say how far a job is."""
    user_with(request, "engineer")
    return json_response(_find(service_of(request).jobs, job_id).describe())


@router.post("/jobs/{job_id}/cancel", response_model=JobBody)
async def cancel(job_id: str, request: Request) -> Response:
    """Stop a job after the batch that it is at; what was added before stays."""
    user_with(request, "engineer")
    found = _find(service_of(request).jobs, job_id)
    if found.state in ("done", "failed", "cancelled"):
        raise Refused(409, "this job is over")
    service_of(request).jobs.cancel(found)
    return json_response(found.describe())


def _find(jobs: Jobs, job_id: str) -> Job:
    found = jobs.find(job_id)
    if found is None:
        raise Refused(404, "there is no such job")
    return found
