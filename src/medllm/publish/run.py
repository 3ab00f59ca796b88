"""The way of an export into an Ollama and onto its hub.

    look at the folder -> send the file -> make the model under a name of its own -> check it
    -> give it its name -> push

A model has its name only when it has passed every check. Whatever fails, the name that it was
checked under goes away; run again, the command goes on where it stopped, since Ollama keeps what
it has got whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError, DataError, MedllmError, PrivacyError
from medllm.export.facts import HF, ExportedFile, ExportFacts, read_facts, read_proof
from medllm.export.modelfile import LICENCE, go_template, parameters
from medllm.models.spec import check_url, is_loopback
from medllm.publish.checks import (
    TALKS,
    check_answer,
    check_prompts,
    check_shown,
    expected_prompts,
    settings_for,
)
from medllm.publish.names import Name, parse_name
from medllm.publish.ollama_api import OllamaApi
from medllm.publish.refusals import Refusal, check_file, check_words, refusals

PATIENCE_S = 600.0
"""How long Ollama may be silent: it reads a 70B model from a slow disk in this time."""

Shown = Callable[[str, str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows the progress of something: what, in which unit, of how many."""


@contextmanager
def hidden(what: str, unit: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda n_done: None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be sent, and what stands against it."""

    name: Name
    url: str
    folder: Path
    facts: ExportFacts
    file: ExportedFile
    body: dict[str, Any] = field(repr=False)
    """What the model is made of, as it goes to /api/create."""
    refusals: tuple[Refusal, ...]
    is_pushed: bool

    def as_facts(self) -> dict[str, Any]:
        """Give it for a program."""
        return {
            "name": str(self.name),
            "ollama": self.url,
            "file": asdict(self.file),
            "create": self.body,
            "checks": [
                "template, system prompt and parameters as given",
                f"{len(TALKS)} prompts as the training template renders them",
                "a whole answer, and its prompt's number of tokens",
            ],
            "push": self.is_pushed,
            "refused": [one.reason for one in self.refusals],
        }


def plan(
    folder: Path,
    name: str,
    *,
    url: str,
    file: str = "",
    push: bool = False,
    even_though: Collection[str] = (),
) -> Plan:
    """Say what would be sent; nothing is. Refusals that `even_though` overrules are left out.

    Raises `ConfigError` for a name or words that cannot be, `DataError` for a folder that is no
    finished export.
    """
    check_words(even_though)
    parsed = parse_name(name)
    url = check_url(url)
    facts, proof = read_facts(folder), read_proof(folder)
    chosen = choose_file(facts, file, parsed.tag)
    leaves = push or not is_loopback(url)
    found = refusals(folder, facts, proof, [chosen], name=parsed, leaves=leaves)
    return Plan(
        name=parsed,
        url=url,
        folder=folder,
        facts=facts,
        file=chosen,
        body=_body(folder, facts, chosen),
        refusals=tuple(one for one in found if one.words not in even_though or not one.words),
        is_pushed=push,
    )


def choose_file(facts: ExportFacts, wanted: str, tag: str) -> ExportedFile:
    """Give the GGUF that is meant: by file name or quantisation, by the tag, else the first."""
    files = [one for one in facts.files if one.kind == "gguf"]
    if not files:
        raise DataError(f"the export {facts.name} has no GGUF", hint="medllm export RUN --to DIR")
    for said in filter(None, (wanted, tag)):
        for one in files:
            if said.lower() in (one.name.lower(), one.quantisation.lower()):
                return one
    if wanted:
        names = ", ".join(one.quantisation for one in files)
        raise ConfigError(f"the export has no {wanted[:60]!r}", hint=f"--file with one of {names}")
    return files[0]


def _body(folder: Path, facts: ExportFacts, file: ExportedFile) -> dict[str, Any]:
    licence = folder / LICENCE
    body: dict[str, Any] = {
        "files": {Path(file.name).name: f"sha256:{file.sha256}"},
        "template": go_template(facts),
        "parameters": parameters(facts),
    }
    if facts.system:
        body["system"] = facts.system
    if licence.is_file():
        body["license"] = [licence.read_text(encoding="utf-8")]
    return body


def refuse(found: Sequence[Refusal]) -> None:
    """Raise the first refusal, and name the others in it."""
    if found:
        first = found[0].as_error()
        more = "".join(f"; and {one.reason}" for one in found[1:])
        hints = dict.fromkeys(one.hint for one in found)
        raise type(first)(f"{first}{more}", hint="; ".join(hints))


def publish(
    planned: Plan,
    *,
    replace: bool = False,
    shown: Shown = hidden,
    patience_s: float = PATIENCE_S,
) -> dict[str, Any]:
    """Do what was planned, and give what was done.

    `replace` allows another model of the name on this Ollama to go. Raises `PrivacyError`,
    `DataError` and `ModelError`; the name then stands for what it stood for before.
    """
    refuse(planned.refusals)
    check_file(planned.folder, planned.file)
    prompts = expected_prompts(planned.folder, planned.facts)
    tokenizer = planned.folder / HF / "tokenizer.json"
    api = OllamaApi(planned.url, settings_for(patience_s, planned.facts, planned.url))
    version = api.version()
    _send(api, planned, shown)
    trial = str(planned.name.while_checked(planned.file.sha256))
    with _cleared(api, trial):
        api.create({"model": trial, **planned.body})
        check_shown(api, trial, planned.facts)
        n_prompts = check_prompts(api, trial, planned.facts, prompts)
        n_tokens = check_answer(api, trial, planned.facts, tokenizer, prompts[0])
        was = _give_name(api, trial, str(planned.name), replace=replace)
    if planned.is_pushed:
        _push(api, planned, shown)
    return {
        "name": str(planned.name),
        "ollama": version,
        "file": planned.file.name,
        "was": was,
        "prompts_equal": n_prompts,
        "prompt_tokens": n_tokens,
        "pushed": planned.is_pushed,
    }


def _send(api: OllamaApi, planned: Plan, shown: Shown) -> None:
    file = planned.file
    if api.has_blob(file.sha256):
        return
    with shown(f"sending {file.name}", "bytes", file.size_bytes) as advance:
        api.send_blob(planned.folder / file.name, file.sha256, advance)


@contextmanager
def _cleared(api: OllamaApi, trial: str) -> Iterator[None]:
    """Take the name of the trial away afterwards, also where something failed or was stopped."""
    try:
        yield
    except BaseException:
        with suppress(MedllmError):
            api.delete(trial)
        raise
    api.delete(trial)


def _give_name(api: OllamaApi, trial: str, name: str, *, replace: bool) -> str:
    """Give the checked model its name, and say what the name stood for before."""
    before = api.digest_of(name)
    if before and before == api.digest_of(trial):
        return "the same"
    if before and not replace:
        raise DataError(
            f"{name} is taken: this Ollama has another model of that name",
            hint="choose another name or tag, or let it go: --replace",
        )
    api.copy(trial, name)
    return "another model" if before else ""


def _push(api: OllamaApi, planned: Plan, shown: Shown) -> None:
    if not planned.name.user:
        raise PrivacyError("a model without a user cannot be pushed", hint="--name USER/MODEL")
    done: dict[str, int] = {}
    with shown(f"pushing {planned.name}", "bytes", planned.file.size_bytes) as advance:

        def tell(digest: str, completed: int, total: int) -> None:
            done[digest] = max(completed, done.get(digest, 0))
            advance(min(sum(done.values()), planned.file.size_bytes))

        api.push(str(planned.name), tell)
