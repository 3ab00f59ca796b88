"""Explanations: the scores of an answer sum to what the prompt did for it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from medllm.cli.main import main
from medllm.errors import ModelError
from medllm.models.hf import load_parts
from medllm.models.hf_parts import find_parts
from medllm.tune.explain import Explanation, attribute, explain, to_html
from medllm.tune.train import train
from tests.tune.runs import settings


@pytest.fixture(scope="module")
def run(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    config = settings(
        folder,
        tiny_model,
        validation=False,
        train__method="full",
        train__lr=1e-2,
        train__max_steps=40,
        train__save_every=99,
    )
    return train(config, folder / "run").folder


def test_the_relevances_of_all_tokens_sum_to_the_logit_of_each_answer_token(run):
    found = explain(str(run), "I have fever, cough for 3 days. What helps?", "For fever try rest.")
    assert found.scores.shape == (len(found.answer), len(found.prompt) + len(found.answer))
    assert np.abs(found.logits).max() > 1, "there is something to sum to"
    assert found.gap < 1e-4
    for number in range(len(found.answer)):
        behind = found.scores[number, len(found.prompt) + number :]
        assert (behind == 0).all(), "what comes later was not read"


def test_explaining_changes_no_output_of_the_model(run):
    model, tokenizer = load_parts(find_parts(str(run)))
    ids = tokenizer("fever for three days")["input_ids"]
    before = model(torch.tensor([ids])).logits.detach()
    scores, logits = attribute(model, ids, 3)
    after = model(torch.tensor([ids])).logits.detach()
    assert torch.equal(before, after)
    expected = [float(before[0, at - 1, ids[at]]) for at in range(3, len(ids))]
    assert logits == pytest.approx(expected, abs=1e-4), "straightened, it still says the same"


def own_part(found):
    """What the answer's own tokens did for it."""
    return sum(sum(row[len(found["prompt"]) :]) for row in found["scores"])


def test_gradient_times_input_alone_does_not_sum_to_the_logits(run):
    model, tokenizer = load_parts(find_parts(str(run)))
    ids = tokenizer("I have fever for 3 days")["input_ids"]
    given = model.get_input_embeddings()(torch.tensor([ids])).detach().requires_grad_(True)
    logit = model(inputs_embeds=given, use_cache=False).logits[0, -2, ids[-1]]
    (gradient,) = torch.autograd.grad(logit, given)
    naive = float((gradient * given).sum().detach())
    scores, logits = attribute(model, ids, len(ids) - 1)
    assert scores.sum() == pytest.approx(logits[0], abs=1e-4)
    assert abs(naive - logits[0]) > 0.1


def test_words_of_several_tokens_and_letters_of_several_bytes_come_whole(run):
    found = explain(str(run), "Température 38,9 °C – naïve 患者", "rest")
    text = "".join(found.prompt)
    assert "Température 38,9 °C – naïve 患者" in text
    assert "\ufffd" not in text
    assert " 患者" in [word for word, _ in found.words]


def test_a_model_of_other_parts_is_refused_and_not_explained_wrongly(run, monkeypatch):
    from transformers.models.llama.modeling_llama import LlamaMLP

    def squared(self, x):  # a layer that no hook straightens
        return self.down_proj((self.up_proj(x) + self.gate_proj(x)) ** 2)

    monkeypatch.setattr(LlamaMLP, "forward", squared)
    with pytest.raises(ModelError, match="not built as a Llama"):
        explain(str(run), "fever", "rest")


def test_the_page_shows_every_word_and_runs_nothing(run):
    tokens = ["<|x|>", "\n\n", "<b>", " fev", "er", " &", "<|y|>", "\n"]
    scores = np.array([[9.0, 0, 0.5, -1.5, 0.5, 0, 0, 7.0, 0]])
    found = Explanation(tokens, ["rest"], scores, scores.sum(axis=1))
    words = [
        ("<|x|>", 9.0),
        ("\n\n<b>", 0.5),
        (" fever", -1.0),
        (" &", 0.0),
        ("<|y|>", 0.0),
        ("\n", 7.0),
    ]
    assert found.words == words
    page = to_html(found)
    assert "&lt;b&gt;" in page
    assert "&amp;" in page
    assert "<script" not in page
    assert page.count("<span") == len(words)
    assert 'title="-1.000"' in page
    assert "rgba(190,40,40,0.55)" in page, "the deepest colour is a word's that one sees"


def test_the_command_explains_the_models_own_answer(run, tmp_path, capsys):
    note = tmp_path / "note.txt"
    note.write_text("I have fever for 3 days. What helps?")
    page = tmp_path / "why.html"
    code = main(["explain", str(note), "--model", f"hf:{run}", "--html", str(page), "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    found = json.loads(printed.out)
    assert len(found["scores"]) == len(found["answer"]) > 0
    assert page.read_text().count("<span") == len(found["words"])
    assert "".join(word["text"] for word in found["words"]) == "".join(found["prompt"])
    relevance = sum(word["relevance"] for word in found["words"])
    assert relevance == pytest.approx(sum(map(sum, found["scores"])) - own_part(found), abs=1e-3)
    assert main(["explain", str(note), "--model", f"hf:{run}"]) == 0
    printed = capsys.readouterr().out
    assert "RESTS ON" in printed
    assert "<|" not in printed, "words of the note, not of the template"
    assert main(["explain", str(note), "--model", "ollama:x"]) == 2
    assert "hf:RUN" in capsys.readouterr().err
