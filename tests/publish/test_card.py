"""The model card says what was proved, what was trained on and what is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError
from medllm.export.card import card_text, write_card, write_licence
from medllm.export.facts import ExportedFile, TrainingSource
from medllm.export.licence import breaks_naming_rule, has_licence_text, licence_text
from medllm.export.modelfile import modelfile_text, write_modelfile
from tests.publish.exports import some_facts, some_proof

GGUF = ExportedFile(
    name="first-Q8_0.gguf", kind="gguf", quantisation="Q8_0", size_bytes=5 * 10**8, sha256="0" * 64
)


def card(**changed: Any) -> str:
    facts = some_facts(files=(GGUF,), **changed)
    return card_text(facts, some_proof(GGUF), None, has_licence=True)


def metadata(text: str) -> dict[str, str]:
    """The YAML on top, one level deep."""
    lines = text.split("---\n")[1].splitlines()
    return {key: value.strip('"') for key, _, value in (line.partition(": ") for line in lines)}


def test_the_card_names_base_licence_and_task_as_hubs_read_them() -> None:
    told = metadata(card())
    assert told["base_model"] == "meta-llama/Llama-3.2-1B-Instruct"
    assert told["license"] == "llama3.2"
    assert told["pipeline_tag"] == "text-generation"


def test_a_base_that_is_only_a_folder_is_not_named_as_a_hub_id() -> None:
    assert "base_model" not in metadata(card(base="tiny"))


def test_the_card_says_that_it_is_no_medical_device_and_built_with_llama() -> None:
    assert "**Not a medical device.**" in card()
    assert "\nBuilt with Llama\n" in card()
    assert "Built with Llama" not in card(base="tiny", licence="")


def test_the_card_has_a_name_that_the_licence_allows() -> None:
    assert "\n# Llama-first\n" in card()
    assert "ollama create llama-first -f Modelfile" in card()
    assert "\n# llama-clinic\n" in card(name="llama-clinic")
    assert "\n# first\n" in card(base="tiny", licence="")


def test_the_card_shows_what_was_proved_of_each_file() -> None:
    row = next(line for line in card().splitlines() if line.startswith("| `first-Q8_0.gguf`"))
    for said in ("0.50 GB", "passed", "2,000 of 2,000", "99.90% of 5,000", "7.25"):
        assert said in row


def test_a_model_without_proof_says_so() -> None:
    assert "were not compared" in card_text(some_facts(), None, None, has_licence=True)


def test_records_that_are_gated_or_not_known_are_named() -> None:
    gated = TrainingSource(is_known=True, sets=("e3c",), is_gated=True, may_hold_patient_text=True)
    assert "given out only after an agreement" in card(trained_on=gated)
    assert "may hold text about real patients" in card(trained_on=gated)
    assert "records: not known" in card(trained_on=TrainingSource())


def test_the_numbers_of_an_evaluation_stand_in_the_card() -> None:
    row = {"mean": 0.25, "low": 0.2, "high": 0.3, "n": 84, "floor": 0.1}
    report = {
        "items": {"n": 84},
        "summary": ["The tuned model overlaps more."],
        "limits": ["Overlap is not truth."],
        "systems": [{"name": "tuned"}],
        "measures": [{"name": "ROUGE-L", "systems": {"tuned": row}, "totals": {}}],
        "comparisons": [],
        "n_hypotheses": 0,
    }
    text = card_text(some_facts(), None, report, has_licence=True)
    assert "The tuned model overlaps more." in text
    assert "0.250 [0.200, 0.300], n 84" in text
    with pytest.raises(DataError, match="not that of an evaluation"):
        card_text(some_facts(), None, {"steps": 3}, has_licence=True)


def test_the_licence_of_the_base_is_carried_along(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("The licence's own words.\n")
    (tmp_path / "USE_POLICY.md").write_text("What is forbidden.\n")
    text = licence_text(some_facts(), tmp_path)
    assert "The licence's own words." in text
    assert "What is forbidden." in text
    assert text.startswith("Llama 3.2 is licensed under the Llama 3.2 Community License")
    assert has_licence_text(text)


@pytest.mark.parametrize("licence", ["llama3.1", ""])
def test_a_licence_whose_text_is_not_there_is_asked_for(licence: str) -> None:
    text = licence_text(some_facts(licence=licence, base="tiny"), None)
    assert "before you pass this model on" in text
    assert ("https://www.llama.com/llama3_1/license/" in text) == bool(licence)
    assert not has_licence_text(text)
    shown = card_text(some_facts(licence=licence, base="tiny"), None, None, has_licence=False)
    assert ("text is missing" in shown) == bool(licence)
    assert ("**Not known**" in shown) != bool(licence)


@pytest.mark.parametrize(
    ("base", "licence", "name", "breaks"),
    [
        ("meta-llama/Llama-3.2-1B-Instruct", "llama3.2", "clinic", True),
        ("meta-llama/Llama-3.2-1B-Instruct", "llama3.2", "llama-clinic", False),
        ("meta-llama/Llama-3.2-1B-Instruct", "llama3.2", "Llama3-clinic", False),
        ("meta-llama/Llama-2-7b-chat-hf", "llama2", "clinic", False),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "mit", "clinic", True),
        ("tiny", "", "clinic", False),
    ],
)
def test_a_name_must_begin_with_llama_where_the_licence_says_so(
    base: str, licence: str, name: str, breaks: bool
) -> None:
    assert breaks_naming_rule(some_facts(base=base, licence=licence), name) is breaks


def test_the_modelfile_says_how_the_model_is_to_be_asked() -> None:
    facts = some_facts(system="Be brief.", context_tokens=131_072, temperature=0.5)
    lines = modelfile_text(facts, "first-Q8_0.gguf", "Words.").splitlines()
    assert lines[0] == "FROM ./first-Q8_0.gguf"
    for line in (
        'PARAMETER stop "<|eot_id|>"',
        "PARAMETER num_ctx 8192",
        "PARAMETER temperature 0.5",
        "PARAMETER repeat_penalty 1.0",
        'SYSTEM """Be brief."""',
        'LICENSE """Words."""',
    ):
        assert line in lines


def test_every_paper_is_written_beside_the_weights_and_into_hf(tmp_path: Path) -> None:
    (tmp_path / "hf").mkdir()
    facts = some_facts(files=(GGUF,))
    write_licence(tmp_path, facts, None)
    write_modelfile(tmp_path, facts, GGUF.name)
    write_card(tmp_path, facts, some_proof(GGUF))
    assert "LICENSE" in (tmp_path / "Modelfile").read_text()
    assert metadata((tmp_path / "README.md").read_text())["library_name"] == "gguf"
    assert metadata((tmp_path / "hf" / "README.md").read_text())["library_name"] == "transformers"
    assert (tmp_path / "hf" / "LICENSE").read_bytes() == (tmp_path / "LICENSE").read_bytes()
