"""What keeps a model from being published: looked at before anything is sent.

Some of it can be overruled by whoever answers for it, in words: `--even-though "gated data"`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from medllm.errors import ConfigError, DataError, MedllmError, PrivacyError
from medllm.export.facts import ExportedFile, ExportFacts, Proof
from medllm.export.licence import breaks_naming_rule, has_licence_text, licences_of
from medllm.export.modelfile import LICENCE
from medllm.files import sha256_file
from medllm.publish.names import Name

GATED, PATIENTS, UNLICENSED = "gated data", "patient text", "unknown licence"
WORDS = (GATED, PATIENTS, UNLICENSED)
"""What `--even-though` takes; a missing proof and a wrong name cannot be overruled."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason not to publish."""

    reason: str
    hint: str
    words: str = ""
    """What overrules it; empty where nothing does."""

    def as_error(self) -> MedllmError:
        """Give it as what is raised."""
        kind = PrivacyError if self.words in (GATED, PATIENTS) else DataError
        return kind(self.reason, hint=self.hint)


def check_words(words: Collection[str]) -> None:
    """Raise `ConfigError` for words that overrule nothing."""
    for one in words:
        if one not in WORDS:
            raise ConfigError(
                f"--even-though {one[:40]!r} is not one of the words that overrule a refusal",
                hint=f"one of: {', '.join(map(repr, WORDS))}",
            )


def refusals(
    folder: Path,
    facts: ExportFacts,
    proof: Proof | None,
    files: Collection[ExportedFile],
    *,
    name: Name | None,
    leaves: bool,
) -> Iterator[Refusal]:
    """Give every reason not to publish these files of the export, whether overruled or not.

    `leaves` says that the model will leave this machine's Ollama; then its licence must be there.
    """
    yield from _unproved(folder, proof, files)
    yield from _of_source(facts)
    if name is not None:
        yield from _misnamed(facts, name, leaves=leaves)
    if leaves:
        yield from _unlicensed(folder, facts)


def _unproved(
    folder: Path, proof: Proof | None, files: Collection[ExportedFile]
) -> Iterator[Refusal]:
    hint = f"medllm export RUN --to {folder} --verify"
    if proof is None:
        yield Refusal(f"{folder} has no proof: its files were never compared with the model", hint)
        return
    rows = {row.file: row for row in proof.files}
    for file in files:
        row = rows.get(file.name)
        if file.kind != "gguf":
            if not proof.passed:
                yield Refusal(f"the proof of {folder} failed", hint)
        elif row is None or row.sha256 != file.sha256:
            yield Refusal(f"{file.name} was never compared with the model", hint)
        elif not row.passed:
            reasons = "; ".join(row.reasons) or "it gives no reason"
            yield Refusal(f"the proof of {file.name} failed: {reasons}", hint)


def _of_source(facts: ExportFacts) -> Iterator[Refusal]:
    source = facts.trained_on
    sets = ", ".join(source.sets) or "its sets are not named"
    if source.is_gated:
        yield Refusal(
            f"{facts.name} was trained on records that are given out only after an agreement "
            f"({sets})",
            f'where that agreement allows it, say so: --even-though "{GATED}"',
            GATED,
        )
    if source.may_hold_patient_text:
        known = f"may be about real patients ({sets})" if source.is_known else "are not known"
        yield Refusal(
            f"{facts.name} was trained on records that {known}: a model can repeat what it read",
            f'where you may give it away all the same, say so: --even-though "{PATIENTS}"',
            PATIENTS,
        )


def _misnamed(facts: ExportFacts, name: Name, *, leaves: bool) -> Iterator[Refusal]:
    if breaks_naming_rule(facts, name.model):
        titles = " and ".join(one.title for one in licences_of(facts) if one.names_llama)
        yield Refusal(
            f"the {titles} wants a name that begins with Llama, and {name.model} does not",
            f"--name {name.user or 'USER'}/llama-{name.model}",
        )
    if leaves and not name.user:
        yield Refusal(
            f"{name.model} has no user, and models without one are Ollama's own",
            f"--name USER/{name.model}, with your name on ollama.com",
        )


def _unlicensed(folder: Path, facts: ExportFacts) -> Iterator[Refusal]:
    licences = licences_of(facts)
    if not licences:
        yield Refusal(
            f"the licence of {facts.base} is not known, so nobody may pass this model on",
            f'where it is yours to give, say so: --even-though "{UNLICENSED}"',
            UNLICENSED,
        )
        return
    path = folder / LICENCE
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if any(one.is_llama for one in licences) and (not text or not has_licence_text(text)):
        title = next(one.title for one in licences if one.is_llama)
        yield Refusal(
            f"the text of the {title} must go with the model, and {path} does not hold it",
            f"put it there: {next(one.url for one in licences if one.is_llama)}",
        )


def check_file(folder: Path, file: ExportedFile) -> None:
    """Raise `DataError` where a file is not the one that was exported and proved."""
    path = folder / file.name
    hint = f"export it again: medllm export RUN --to {folder}"
    if not path.is_file():
        raise DataError(f"{path} is missing", hint=hint)
    if path.stat().st_size != file.size_bytes or sha256_file(path) != file.sha256:
        raise DataError(f"{path} is not the file that was exported: its digest differs", hint=hint)
