"""What `hf:PATH[+ADAPTER]` names: the folders of base, adapter and tokenizer, checked together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medllm.errors import ModelError
from medllm.files import read_json
from medllm.models.hf_folder import FACTS, digest_base, find_model

_ADAPTER_FILE = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """Where a model lies."""

    base: Path
    adapter: Path | None
    tokenizer: Path
    """The folder with the tokenizer and chat template that it was trained with."""


def find_parts(name: str) -> Parts:
    """Find base and adapter. A run folder, or an adapter alone, knows its base.

    Raises `ModelError` where one is absent, or the adapter was trained on another base.
    """
    path = Path(name).expanduser()
    base_name, plus, adapter_name = ("", "", name) if path.is_dir() else _split(name)
    adapter = _find_adapter(Path(adapter_name).expanduser())
    if adapter is None:
        if plus:
            raise ModelError(
                f"{adapter_name} holds no adapter", hint="name a run folder or its adapter/"
            )
        folder = find_model(str(path / "model") if (path / "model").is_dir() else name)
        return Parts(folder, None, folder)
    facts = _facts(adapter)
    base = find_model(base_name or str(facts.get("base", "")) or _base_of_peft(adapter))
    if facts and facts["base_digest"] != digest_base(base):
        raise ModelError(
            f"the adapter in {adapter} was trained on another base than {base}",
            hint=f"name the one it was trained on: {facts['base']}",
        )
    has_tokenizer = (adapter / "tokenizer.json").is_file()
    return Parts(base, adapter, adapter if has_tokenizer else base)


def _split(name: str) -> tuple[str, str, str]:
    """Cut BASE+ADAPTER at the sign behind which an adapter lies: folders may be named "lora+"."""
    parts = name.split("+")
    for at in range(1, len(parts)):
        base, adapter = "+".join(parts[:at]), "+".join(parts[at:])
        if _find_adapter(Path(adapter).expanduser()):
            return base, "+", adapter
    return name.rpartition("+")


def _find_adapter(path: Path) -> Path | None:
    for folder in (path, path / "adapter"):
        if (folder / _ADAPTER_FILE).is_file():
            return folder
    return None


def _facts(adapter: Path) -> dict[str, Any]:
    """Give what medllm wrote beside an adapter; nothing for one that another program made."""
    path = adapter / FACTS
    if not path.exists():
        return {}
    facts = read_json(path)
    if not isinstance(facts, dict) or not {"base", "base_digest"} <= set(facts):
        raise ModelError(f"{path} is damaged", hint="name the base before the adapter: hf:B+A")
    return facts


def _base_of_peft(adapter: Path) -> str:
    return str(read_json(adapter / _ADAPTER_FILE).get("base_model_name_or_path") or "")
