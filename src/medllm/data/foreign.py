"""Files of other kinds than text, told by their first bytes."""

from __future__ import annotations

_KINDS = {
    b"PK\x03\x04": "a zip archive or an Office file, unpack or convert it first",
    b"%PDF": "a PDF, convert it to text first (pdftotext)",
    b"PAR1": "a Parquet file, convert it to JSON Lines first",
    b"BZh": "a bzip2 file, unpack it first",
    b"\xfd7zXZ": "an xz file, unpack it first",
    b"\x28\xb5\x2f\xfd": "a Zstandard file, unpack it first",
    b"SQLite format 3": "an SQLite database",
    b"\xff\xfe": "UTF-16, convert it first (iconv -f UTF-16 -t UTF-8)",
    b"\xfe\xff": "UTF-16, convert it first (iconv -f UTF-16 -t UTF-8)",
    b"version https://git-lfs": "a pointer of Git LFS, fetch the file itself (git lfs pull)",
}


def foreign_kind(head: bytes) -> str:
    """Say what a file is that begins so and what to do with it; "" where no kind is known."""
    return next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), "")
