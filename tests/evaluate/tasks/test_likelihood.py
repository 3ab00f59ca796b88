"""Choices by likelihood, with a real small model."""

from __future__ import annotations

import json

import pytest

from medllm.cli.main import main
from medllm.errors import ConfigError
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.tasks.likelihood import measure_likelihood, options_of, weigh, weigh_all
from medllm.records import Turn
from tests.conftest import EXAMPLES
from tests.evaluate.invented import items, write_records

META = {"choices": {"A": "aspirin", "B": "heparin", "C": "rest", "D": "ice"}}
TURNS = (
    Turn(role="user", content="What helps against a clot? A. aspirin B. heparin C. rest D. ice"),
    Turn(role="assistant", content="B"),
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A Llama of two layers with random weights, made from the example articles."""
    pytest.importorskip("torch")
    pytest.importorskip("peft")
    from medllm.tune.new_model import new_model, read_texts

    folder = tmp_path_factory.mktemp("model") / "tiny"
    new_model(read_texts([EXAMPLES / "articles.jsonl"]), folder)
    return folder


@pytest.mark.slow
def test_probabilities_are_those_of_the_model_token_by_token(tiny):
    import torch

    from medllm.models.hf import load_parts
    from medllm.models.hf_parts import find_parts

    model, tokenizer = load_parts(find_parts(str(tiny)))
    (item,) = items(1, task="yes-no-maybe", label="yes", messages=TURNS)
    found = weigh(model, tokenizer, item)
    assert sum(found.values()) == pytest.approx(1)
    wire = [{"role": "user", "content": item.question}]
    text = tokenizer.apply_chat_template(wire, add_generation_prompt=True, tokenize=False)
    prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
    products = {}
    for option in ("yes", "no", "maybe"):
        ids, product = list(prompt), 1.0
        for token in tokenizer(option, add_special_tokens=False)["input_ids"]:
            with torch.inference_mode():
                logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
            product *= float(logits.double().softmax(-1)[token])
            ids.append(token)
        products[option] = product
    total = sum(products.values())
    for option, product in products.items():
        assert found[option] == pytest.approx(product / total, rel=1e-3)


@pytest.mark.slow
def test_a_configuration_asks_for_it_and_a_repeated_run_weighs_nothing_again(tiny, tmp_path):
    write_records(tmp_path / "t.jsonl", 8, task="choice", label="B", meta=META, messages=TURNS)
    text = f"""[evaluate]
records = ["t.jsonl"]
max_tokens = 4
[[evaluate.systems]]
name = "tiny"
model = "hf:{tiny}"
likelihood = true
"""
    (tmp_path / "cfg.toml").write_text(text, encoding="utf-8")
    command = ["evaluate", str(tmp_path / "cfg.toml"), "--to", str(tmp_path / "out")]
    assert main(command) == 0
    facts = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    by_name = {measure["name"]: measure for measure in facts["measures"]}
    measure = by_name["accuracy by likelihood (choice)"]
    assert measure["systems"]["tiny"]["n"] == 8
    assert measure["systems"]["tiny"]["mean"] in (0.0, 1.0), "the same question eight times"
    assert measure["systems"]["tiny"]["floor"] == 0.25
    assert 0 <= measure["totals"]["calibration error (choice, 10 bins)"]["tiny"] <= 1
    before = (tmp_path / "out/predictions/tiny.likelihood.jsonl").read_bytes()
    assert main(command) == 0
    assert (tmp_path / "out/predictions/tiny.likelihood.jsonl").read_bytes() == before


def test_options_are_letters_or_words():
    assert options_of(items(1, task="choice", meta=META)[0]) == ["A", "B", "C", "D"]
    assert options_of(items(1, task="yes-no-maybe")[0]) == ["yes", "no", "maybe"]


def test_the_most_probable_option_counts_and_its_confidence_is_checked():
    some = items(4, task="choice", label="B", meta=META)
    sure = {"A": 0.1, "B": 0.7, "C": 0.1, "D": 0.1}
    wrong = {"A": 0.7, "B": 0.1, "C": 0.1, "D": 0.1}
    weighed = {"m": dict(zip([i.key for i in some], [sure, sure, sure, wrong], strict=True))}
    (measure,) = measure_likelihood(some, weighed)
    assert list(measure.scores["m"].values()) == [1, 1, 1, 0]
    assert measure.floors == {"m": 0.25}
    error = measure.totals["calibration error (choice, 10 bins)"]["m"]
    assert error == pytest.approx(0.05), "70 % sure, 75 % right"
    assert measure_likelihood(some, {}) == []


def test_a_model_elsewhere_gives_no_probabilities(tmp_path):
    with Ledger(tmp_path / "l.jsonl") as ledger, pytest.raises(ConfigError, match="probabilities"):
        weigh_all("ollama:llama3", items(1, task="choice", meta=META), ledger)
