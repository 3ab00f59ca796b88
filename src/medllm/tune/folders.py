"""Writing model folders that other programs can read.

transformers 5 leaves keys out of config.json that vLLM, llama.cpp and Ollama read; they are written
here beside the new ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medllm.files import disk_errors, read_json, write_atomically, write_json
from medllm.tune.templates import Template, stop_ids


def save_model(
    model: Any,
    tokenizer: Any,
    template: Template,
    to: Path,
    base: Path | None = None,
    *,
    weights: Mapping[str, Any] | None = None,
) -> None:
    """Write a whole model folder: weights, both forms of config, tokenizer, template, stop tokens.

    `base` is the folder of the model that it was made from, `weights` are those of a model whose
    own are spread over several devices. Raises `DataError` where the disk is full.
    """
    ids = list(stop_ids(tokenizer, template))
    model.generation_config.eos_token_id = ids if len(ids) > 1 else ids[0]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    model.config.eos_token_id = model.generation_config.eos_token_id
    model.config.pad_token_id = tokenizer.pad_token_id
    with disk_errors(str(to)):
        to.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(to, state_dict=weights)
        write_legacy_keys(to / "config.json")
        for file in to.glob("*.safetensors"):  # a server may run as another user
            shutil.copymode(to / "config.json", file)
    save_tokenizer(tokenizer, template, to, base)


def save_tokenizer(tokenizer: Any, template: Template, to: Path, base: Path | None = None) -> None:
    """Write tokenizer and serving template, the template also where older programs look for it.

    The files of the base are taken over where they say what transformers does not write again
    (tokenizer.model).
    """
    marked = tokenizer.chat_template
    with disk_errors(str(to)):
        tokenizer.chat_template = template.serving_text
        try:
            tokenizer.save_pretrained(to)
        finally:
            tokenizer.chat_template = marked
        if base is not None and (base / "tokenizer.model").is_file():
            shutil.copyfile(base / "tokenizer.model", to / "tokenizer.model")
    config = read_json(to / "tokenizer_config.json")
    if hasattr(tokenizer, "legacy"):  # transformers drops it, and reads other tokens without it
        config["legacy"] = tokenizer.legacy
    write_json(to / "tokenizer_config.json", {**config, "chat_template": template.serving_text})
    write_atomically(to / "chat_template.jinja", template.serving_text + "\n")


def write_legacy_keys(path: Path) -> None:
    """Add `rope_theta`, `rope_scaling` and `torch_dtype` to a config.json that has the new keys."""
    config = read_json(path)
    rope = config.get("rope_parameters")
    if isinstance(rope, dict) and "rope_theta" in rope:
        config["rope_theta"] = rope["rope_theta"]
        scaled = {name: value for name, value in rope.items() if name != "rope_theta"}
        is_scaled = scaled.get("rope_type", "default") != "default"
        config["rope_scaling"] = scaled if is_scaled else None
    if "dtype" in config:
        config["torch_dtype"] = config["dtype"]
    write_json(path, config)
