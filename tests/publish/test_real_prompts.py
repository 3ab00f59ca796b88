"""What llama.cpp reads of the prompts that Ollama renders: the tokens of the training, no more."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python: pip install medllm[gguf]")
pytest.importorskip("gguf", reason="making a GGUF needs the extra export")
pytest.importorskip("transformers", reason="making a tiny model needs the extra train")

from medllm.export.modelfile import go_template
from medllm.models.chat import as_wire
from medllm.models.hf_folder import load_tokenizer
from medllm.models.llama_file import OpenFile
from medllm.publish.checks import TALKS
from tests.models.ggufs import make_gguf
from tests.publish.exports import some_facts
from tests.publish.go_templates import as_ollama


def read_by_ollama(file: OpenFile, prompt: str) -> list[int]:
    """Cut a prompt as Ollama does: it begins as the file says, and control tokens count."""
    data = prompt.encode()
    ids = (ctypes.c_int32 * (len(data) + 16))()
    n = file._lib.llama_tokenize(file.vocabulary, data, len(data), ids, len(ids), True, True)
    return list(ids[:n])


@pytest.mark.parametrize("template", ["llama2", "llama3", "llama3.2", "deepseek-r1"])
def test_the_tokens_are_those_of_the_training(template: str, tmp_path: Path) -> None:
    path = make_gguf(tmp_path, template=template, layers=1)
    file = OpenFile(path)
    tokenizer: Any = load_tokenizer(tmp_path / "model")
    facts = some_facts(template, bos_token=tokenizer.bos_token, eos_token=tokenizer.eos_token)
    for talk in TALKS:
        trained = tokenizer.apply_chat_template(as_wire(talk), add_generation_prompt=True)
        rendered = as_ollama(go_template(facts), as_wire(talk))
        assert read_by_ollama(file, rendered) == list(trained["input_ids"])
