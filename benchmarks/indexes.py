"""Indexes made anew for each run, so that they are what the present code writes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.command import Options, say
from benchmarks.vectors import CachedEncoder
from medllm.errors import MedllmError
from medllm.records import Document
from medllm.retrieve.build import Added, add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.encoders import OFFLINE, load_encoder

_SAY_EVERY_S = 30


def build_index(path: Path, documents: Iterable[Document], encoder: Any) -> EmbeddedIndex:
    """Give an open index at `path`, made anew; only a real encoder's vectors outlive a run."""
    shutil.rmtree(path, ignore_errors=True)
    index = EmbeddedIndex.create(path, encoder=encoder.describe() if encoder else None)
    shown = time.monotonic()

    def progress(added: Added) -> None:
        nonlocal shown
        if time.monotonic() - shown > _SAY_EVERY_S:
            shown = time.monotonic()
            say(f"{path.name}: {added.documents:,} documents, {added.passages:,} passages")

    try:
        add_documents(index, documents, encoder=encoder, progress=progress)
        index.finish()
    finally:
        index.close()
        if isinstance(encoder, CachedEncoder):
            encoder.save()
    return EmbeddedIndex.open(path)  # as a later process would search it


def offline_encoder(options: Options, notes: list[str]) -> CachedEncoder | None:
    """Give the offline encoder with what it encoded before; None and a note where it is absent."""
    try:
        return CachedEncoder(load_encoder(OFFLINE), options.cache)
    except MedllmError as exc:
        notes.append(f"dense and hybrid not measured: {exc} ({exc.hint})")
        return None
