"""The base's licence, carried along, and what it asks of a name and of the model card.

No licence text stands here: it is taken from the base's folder, and where that has none, the
licence is named with its address and its absence is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from medllm.errors import DataError
from medllm.export.facts import ExportFacts

UNKNOWN = "unknown"
_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "USE_POLICY.md")
_R1 = re.compile(r"deepseek-r1-distill-llama-(\d+)b", re.IGNORECASE)
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a licence is called and asks for."""

    id: str
    """As model hubs write it."""
    title: str
    url: str
    is_llama: bool = False
    """Whether it is one of Meta's, which ask for their text, a notice and a list of uses."""
    names_llama: bool = False
    """Whether a model made from one under it must have a name that begins with "Llama"."""


def _llama(version: str, *, names_llama: bool = True) -> Licence:
    address = f"llama{version.replace('.', '_')}" if names_llama else "llama-2"
    return Licence(
        id=f"llama{version}",
        title=f"Llama {version} Community License",
        url=f"https://www.llama.com/{address}/license/",
        is_llama=True,
        names_llama=names_llama,
    )


_KNOWN = {
    "llama2": Licence(
        id="llama2",
        title="Llama 2 Community License",
        url="https://ai.meta.com/llama/license/",
        is_llama=True,
    ),
    "llama3": _llama("3"),
    "llama3.1": _llama("3.1"),
    "llama3.2": _llama("3.2"),
    "llama3.3": _llama("3.3"),
    "llama4": _llama("4"),
    "mit": Licence(id="mit", title="MIT License", url="https://opensource.org/license/mit"),
    "apache-2.0": Licence(
        id="apache-2.0",
        title="Apache License 2.0",
        url="https://www.apache.org/licenses/LICENSE-2.0",
    ),
}


def licences_of(facts: ExportFacts) -> list[Licence]:
    """Give the licences that hold for an export, none where they are not known.

    The R1 distillates are given out under MIT, but were made from a Llama, whose licence they keep.
    """
    found = [_KNOWN.get(facts.licence.lower()) or _other(facts.licence)] if facts.licence else []
    if distilled := _R1.search(facts.base):
        found.append(_KNOWN["llama3.3" if distilled[1] == "70" else "llama3.1"])
    return list({one.id: one for one in found}.values())


def _other(identifier: str) -> Licence:
    return Licence(id=identifier, title=identifier, url="")


def breaks_naming_rule(facts: ExportFacts, model: str) -> bool:
    """Tell whether a model, by its name without its user's, may not be called so.

    The Llama licences from 3 on (section 1.b.i) want "Llama" at the beginning of the name.
    """
    wants = any(licence.names_llama for licence in licences_of(facts))
    return wants and not model.lower().startswith("llama")


def licence_text(facts: ExportFacts, base: Path | None) -> str:
    """Give the text of LICENSE: the base's own files, or what must be put there.

    Raises `DataError` where a licence file of the base cannot be read.
    """
    licences = licences_of(facts)
    if base is not None and (own := _read_files(base)):
        return "\n".join([*map(_notice, licences), *own]).strip() + "\n"
    if not licences:
        return (
            f"The licence of the base model ({facts.base}) is not known.\n"
            "Find it out, and put its text here, before you pass this model on.\n"
        )
    lines = [_notice(one) for one in licences]
    lines += [f"{one.title}: {one.url or 'see the page of the base model'}" for one in licences]
    lines.append("Its text must stand here before you pass this model on: the base's folder had")
    lines.append("no LICENSE file to take it from.")
    return "\n".join(line for line in lines if line) + "\n"


def has_licence_text(text: str) -> bool:
    """Tell whether `licence_text` found one, from what it wrote."""
    return "before you pass this model on" not in text


def _notice(licence: Licence) -> str:
    """Give the line that the Llama licences (section 1.b.iii) ask for in a file of this kind."""
    if not licence.is_llama:
        return ""
    family = licence.title.removesuffix(" Community License")
    held = "Copyright © Meta Platforms, Inc. All Rights Reserved."
    return f"{family} is licensed under the {licence.title}, {held}\n"


def _read_files(base: Path) -> list[str]:
    found = []
    for name in _FILES:
        path = base / name
        if path.is_file() and path.stat().st_size <= _MAX_BYTES:
            try:
                found.append(path.read_text(encoding="utf-8").strip() + "\n")
            except (OSError, UnicodeDecodeError) as exc:
                raise DataError(f"{path} cannot be read", hint="give it as UTF-8 text") from exc
    return found
