"""The page: files of the package, read once; no address reaches anything else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from medllm.ask.page import render
from medllm.serve.refusals import Refused

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parent.parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def page_files() -> dict[str, bytes]:
    """Give every file of the page by its name; the looks of answers are those of `ask --html`."""
    files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}
    return {**files, "answer.css": Path(render.__file__).with_name("page.css").read_bytes()}


def _file(name: str) -> Response:
    content = page_files().get(name)
    if content is None:
        raise Refused(404, "there is no such address")
    return Response(content, media_type=_TYPES[Path(name).suffix])


@router.get("/")
@router.get("/library")
@router.get("/compare")
async def index(request: Request) -> Response:
    """Give the page; which view it shows is up to its address."""
    return _file("index.html")


@router.get("/assets/{name}")
async def asset(name: str) -> Response:
    """Give one of the page's files."""
    return _file(name)
