"""Files without their identifiers: text, JSON Lines and CSV, each written whole or not at all.

Of a short field its name is read with it: the "Marta Quillon" of a column `patient_name` has no
other sign of being a name.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medllm.clinical.deidentify.deidentifier import Deidentifier, Style
from medllm.data.progress import Progress, no_progress
from medllm.data.sft_files import LineWriter, write_lines
from medllm.errors import ConfigError, DataError
from medllm.files import disk_errors

TABLES = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson")
TEXTS = (".txt", ".text", ".md", "")
_SHORT = 200
"""Characters of a field that its name is read with."""
_TOLD_EVERY = 50
_MOST_BYTES = 256 * 1024 * 1024
_UNREAD = "convert it to .txt, .jsonl or .csv first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How files are de-identified."""

    secret: str = ""
    """Keys all replacements; empty: one that is drawn anew, so that nobody can repeat them."""
    known_names: Sequence[str] = ()
    style: Style = "surrogates"
    fields: Sequence[str] = ()
    """Of JSON Lines and CSV; empty: all that hold text."""
    patient_field: str = ""
    """Rows with the same value here are one patient's; empty: each row and each file is its own."""


@dataclass(slots=True)
class Report:
    """What was done; holds no text."""

    files: list[tuple[str, str]] = field(default_factory=list)
    """Each file and where it was written."""
    identifiers: Counter[str] = field(default_factory=Counter)
    texts: int = 0
    renamed: int = 0
    """Files whose own names held an identifier."""


def deidentify_files(
    sources: Iterable[Path], to: Path, plan: Plan, *, progress: Progress = no_progress
) -> Report:
    """Write the files, and those in the folders, into `to`, without their identifiers.

    Raises `DataError` for what cannot be read, and before anything is written where an output would
    take the place of an input or of another output.
    """
    report = Report()
    secret = plan.secret or secrets.token_hex(32)
    work = list(_targets(sources, to, plan, secret, report))
    _check_places(work)
    for source, target in work:
        _make_folder(target.parent)
        worker = _Worker(plan, secret, source, report, progress)
        with write_lines(target) as out:
            worker.write(out)
        report.files.append((str(source), str(target)))
    return report


def _make_folder(folder: Path) -> None:
    try:
        with disk_errors(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as exc:
        raise DataError(f"{folder} is a file", hint="name a folder with --to") from exc


def _targets(
    sources: Iterable[Path], to: Path, plan: Plan, secret: str, report: Report
) -> Iterator[tuple[Path, Path]]:
    names = Deidentifier(secret, patient="file names", known_names=plan.known_names)
    for source in sources:
        if not source.exists():
            raise DataError(f"{source} does not exist", hint="name a file or a folder")
        inside = sorted(path for path in source.rglob("*") if path.is_file())
        for path in [source] if source.is_file() else inside:
            if path.suffix.lower() not in (*TABLES, *LINES, *TEXTS):
                raise DataError(f"{path} is of a kind that is not read", hint=_UNREAD)
            parts = path.relative_to(source).parts if source.is_dir() else (path.name,)
            safe = [_safe_name(part, names) for part in parts]
            report.renamed += safe != list(parts)
            yield path, to.joinpath(*safe)


def _safe_name(name: str, names: Deidentifier) -> str:
    """Give a file's name, or one that says nothing where it holds an identifier."""
    stem, suffix = Path(name).stem, Path(name).suffix
    said = stem.replace("_", " ").replace("-", " ").replace(".", " ")
    if not any(names.apply(form).identifiers for form in (said, said.title(), stem)):
        return name
    return names.code(name) + suffix


def _check_places(work: Sequence[tuple[Path, Path]]) -> None:
    if not work:
        raise DataError("there is no file to de-identify", hint="name a file or a folder of texts")
    inputs = {source.resolve() for source, _ in work}
    taken: set[Path] = set()
    for source, target in work:
        place = target.resolve()
        if place in inputs:
            hint = "name another folder with --to"
            raise DataError(f"{source}: its output would take the place of an input", hint=hint)
        if place in taken:
            hint = "de-identify them one folder at a time"
            raise DataError(f"{source}: another file is written to the same place", hint=hint)
        taken.add(place)


class _Worker:
    """De-identifies one file."""

    def __init__(
        self, plan: Plan, secret: str, source: Path, report: Report, progress: Progress
    ) -> None:
        self._plan, self._secret, self._source = plan, secret, source
        self._report, self._progress = report, progress
        self._patient = ""
        self._deidentifier = self._made("")

    def _made(self, patient: str) -> Deidentifier:
        return Deidentifier(
            self._secret,
            patient=patient,
            known_names=self._plan.known_names,
            style=self._plan.style,
        )

    def write(self, out: LineWriter) -> None:
        """Write the file's content without its identifiers."""
        suffix = self._source.suffix.lower()
        if suffix in TABLES:
            self._write_table(out, TABLES[suffix])
        elif suffix in LINES:
            for line in self._objects():
                out.write(_encodable(json.dumps(line, ensure_ascii=False)) + "\n")
        else:
            self._turn_to(str(self._source))
            out.write(self._apply(self._text()))

    def _text(self) -> str:
        try:
            if self._source.stat().st_size > _MOST_BYTES:
                raise DataError(f"{self._source} is larger than 256 MiB", hint="split it first")
            with self._source.open(encoding="utf-8-sig", newline="") as handle:
                text = handle.read()
        except UnicodeDecodeError as exc:
            hint = "convert it first, for example: iconv -f windows-1252 -t utf-8"
            raise DataError(f"{self._source} is not UTF-8", hint=hint) from exc
        except OSError as exc:
            reason = (exc.strerror or "it cannot be read").lower()
            raise DataError(f"{self._source}: {reason}", hint="see its permissions") from exc
        if "\0" in text:
            raise DataError(f"{self._source} is not a text file", hint=_UNREAD)
        return text

    def _objects(self) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(self._text().split("\n"), start=1):
            if not line.strip():
                continue
            where = f"{self._source}, line {number}"
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as exc:
                hint = "each line must be one JSON object"
                raise DataError(f"{where}: is not JSON", hint=hint) from exc
            if not isinstance(row, dict):
                hint = "each line must be one JSON object"
                raise DataError(f"{where}: is not an object", hint=hint)
            self._check_fields(row, where)
            self._turn_to(self._patient_of(row, number))
            yield {
                key: self._value(key, value) if self._is_chosen(key) else value
                for key, value in row.items()
            }

    def _write_table(self, out: LineWriter, delimiter: str) -> None:
        csv.field_size_limit(2**31 - 1)
        rows = csv.reader(io.StringIO(self._text(), newline=""), delimiter=delimiter, strict=True)
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        try:
            header = next(rows, None)
            if header is None:
                raise DataError(f"{self._source} is empty", hint="a table begins with its header")
            self._check_fields(dict.fromkeys(header), str(self._source))
            writer.writerow(header)
            for number, cells in enumerate(rows, start=2):
                if len(cells) != len(header):
                    found = f"{len(cells)} cells under {len(header)} headings"
                    raise DataError(f"{self._source}, row {number}: {found}", hint="mend the row")
                row = dict(zip(header, cells, strict=True))
                self._turn_to(self._patient_of(row, number))
                pairs = zip(header, cells, strict=True)
                writer.writerow([self._value(k, v) if self._is_chosen(k) else v for k, v in pairs])
        except csv.Error as exc:
            where = f"{self._source}, line {rows.line_num}"
            raise DataError(f"{where}: is not a table", hint="check its quotes") from exc

    def _check_fields(self, row: dict[str, Any], where: str) -> None:
        wanted = [*self._plan.fields, *filter(None, [self._plan.patient_field])]
        for name in wanted:
            if name not in row:
                hint = "fields are named as they stand in the file"
                raise DataError(f"{where}: has no field {name}", hint=hint)

    def _is_chosen(self, key: str) -> bool:
        return not self._plan.fields or key in self._plan.fields

    def _patient_of(self, row: dict[str, Any], number: int) -> str:
        name = self._plan.patient_field
        return f"patient {row[name]}" if name else f"{self._source} {number}"

    def _turn_to(self, patient: str) -> None:
        if patient != self._patient:
            self._patient, self._deidentifier = patient, self._made(patient)

    def _value(self, key: str, value: Any) -> Any:
        """Give a field's value, with every text in it de-identified."""
        if isinstance(value, str):
            return self._apply(value, label=key)
        if isinstance(value, list):
            return [self._value(key, item) for item in value]
        if isinstance(value, dict):
            return {name: self._value(name, item) for name, item in value.items()}
        return value

    def _apply(self, text: str, *, label: str = "") -> str:
        words = " ".join(label.replace("_", " ").replace("-", " ").split())
        is_short = len(text) <= _SHORT and "\n" not in text
        prefix = f"{words}: " if words and is_short else ""
        done = self._deidentifier.apply(prefix + text)
        start = len(prefix)
        self._report.texts += 1
        if self._report.texts % _TOLD_EVERY == 0:
            self._progress("de-identifying", self._report.texts, 0)
        self._report.identifiers.update(i.category for i in done.identifiers if i.start >= start)
        return done.text[done.new_offset(start) :]


def _encodable(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can hold and no file."""
    return text.encode("utf-8", "replace").decode("utf-8")


def read_names(path: Path) -> list[str]:
    """Give the names of a file, one a line; raise `ConfigError` where there is none."""
    hint = "write one name a line"
    names = [line.strip() for line in _settings(path, "names", hint).splitlines() if line.strip()]
    if not names:
        raise ConfigError(f"{path} holds no name", hint=hint)
    return names


def read_secret(path: Path) -> str:
    """Give the secret of a file; raise `ConfigError` where there is none."""
    hint = f"make one: head -c 32 /dev/urandom | base64 > {path}"
    secret = _settings(path, "secret", hint).strip()
    if not secret:
        raise ConfigError(f"the secret in {path} is empty", hint=hint)
    return secret


def _settings(path: Path, what: str, hint: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read the {what} in {path}", hint=hint) from exc
