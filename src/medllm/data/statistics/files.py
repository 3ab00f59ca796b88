"""The statistics of files, written as JSON and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medllm.data.progress import Progress, no_progress
from medllm.data.statistics.describe import describe_records
from medllm.data.statistics.lengths import TokenCounter
from medllm.data.statistics.page import write_page
from medllm.files import write_atomically, write_json


def describe_files(
    paths: Sequence[Path],
    *,
    to_json: Path,
    to_page: Path | None = None,
    counter: TokenCounter | None = None,
    near: bool = True,
    progress: Progress = no_progress,
) -> dict[str, object]:
    """Write the statistics of record files as JSON and, if named, as a page; give them."""
    report = describe_records(paths, counter=counter, near=near, progress=progress)
    write_json(to_json, report)
    if to_page:
        write_atomically(to_page, write_page(report))
    return report
