"""A run from config to adapter: what it leaves, and the sums that it must get right."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from medllm.errors import ConfigError, DataError, ModelError
from medllm.models.hf_folder import load_tokenizer, load_weights
from medllm.tune.checkpoints import find_newest
from medllm.tune.config import check_config, load_train_config, to_toml
from medllm.tune.metrics import losses_by_step, read_metrics
from medllm.tune.train import prepare, train
from tests.tune.runs import same, settings, weights, write


@pytest.fixture(scope="module")
def run(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Give the folder and the report of one run of three epochs."""
    folder = tmp_path_factory.mktemp("runs")
    config = settings(folder, tiny_model, train__epochs=3, train__lr=1e-2)
    done = train(config, folder / "run")
    return done.folder, done.report


def test_the_loss_falls_on_records_that_were_not_trained_on(run):
    folder, report = run
    evaluations = [line for line in read_metrics(folder) if line["event"] == "evaluation"]
    assert len(evaluations) == 3
    assert evaluations[-1]["loss"] < evaluations[0]["loss"] - 0.05
    assert report["validation"]["loss"] == pytest.approx(min(e["loss"] for e in evaluations))
    for line in evaluations:
        assert line["perplexity"] == pytest.approx(math.exp(line["loss"]))


def test_a_run_folder_holds_what_explains_it(run):
    folder, report = run
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "adapter",
        "checkpoints",
        "config.toml",
        "manifest.json",
        "metrics.jsonl",
        "records",
        "report.json",
    }
    assert json.loads((folder / "report.json").read_text()) == report
    (entry,) = json.loads((folder / "manifest.json").read_text())
    assert entry["command"] == "train"
    assert {one["name"] for one in entry["inputs"]} == {"tiny", "train.jsonl", "validation.jsonl"}
    assert {"torch", "transformers", "peft", "trl"} <= set(entry["packages"])
    assert entry["options"]["seed"] == 0


def test_every_step_is_a_line_with_what_a_watcher_needs(run):
    folder, report = run
    steps = [line for line in read_metrics(folder) if line["event"] == "step"]
    assert [line["step"] for line in steps] == list(range(1, report["steps"] + 1))
    keys = {"loss", "learning_rate", "grad_norm", "tokens", "tokens_per_s", "memory_bytes"}
    assert all(keys <= set(line) for line in steps)
    assert steps[-1]["tokens"] == 3 * report["records"]["train"]["tokens"]
    assert steps[-1]["trained_tokens"] == 3 * report["records"]["train"]["trained_tokens"]


def test_the_adapter_says_its_base_template_and_stop_tokens(run, tiny_model):
    folder, _ = run
    facts = json.loads((folder / "adapter" / "medllm.json").read_text())
    assert facts["template"] == "llama3"
    assert facts["stop_tokens"][0] == "<|eot_id|>"
    assert facts["base"] == str(tiny_model)
    tokenizer = load_tokenizer(folder / "adapter")
    assert tokenizer.chat_template.strip() == load_tokenizer(tiny_model).chat_template.strip()
    assert "generation %}" not in tokenizer.chat_template


def test_the_resolved_config_reads_back_equal(run, tmp_path, tiny_model):
    folder, _ = run
    config = load_train_config(folder / "config.toml")
    assert config.train.epochs == 3
    path = tmp_path / "again.toml"
    path.write_text(to_toml(config))
    assert load_train_config(path) == config


def test_one_step_is_the_same_however_it_is_cut_into_batches(tmp_path, tiny_model):
    found = {}
    for batch, accumulate in ((1, 8), (2, 4), (8, 1)):
        config = settings(
            tmp_path,
            tiny_model,
            validation=False,
            data__pack=False,
            train__batch=batch,
            train__accumulate=accumulate,
            train__max_steps=4,
            train__save_every=9,
        )
        folder = tmp_path / f"{batch}x{accumulate}"
        train(config, folder)
        found[batch] = (losses_by_step(folder), weights(folder))
    losses, tensors = found[1]
    assert len(losses) == 4
    for batch in (2, 8):
        other_losses, other_tensors = found[batch]
        assert other_losses == pytest.approx(losses, abs=1e-5)
        for name, tensor in tensors.items():
            assert torch.allclose(other_tensors[name], tensor, atol=1e-5), name


@pytest.mark.parametrize("method", ["lora", "rslora", "dora", "lora+", "pissa", "full"])
def test_what_a_method_leaves_answers_as_the_model_that_was_trained(method, tmp_path, tiny_model):
    from peft import PeftModel

    from medllm.tune import methods

    config = settings(
        tmp_path,
        tiny_model,
        n_records=12,
        validation=False,
        train__method=method,
        train__max_steps=3,
        train__lr=1e-2,
    )
    ids = torch.arange(10, 50)[None]
    before = load_weights(tiny_model, dtype="float32")(ids).logits.detach()
    prepared = prepare(config)
    base = methods.load_base(prepared.base, config, prepared.tokenizer)
    fresh = methods.add_adapter(base, config, prepared.tokenizer)
    assert torch.allclose(fresh(ids).logits, before, atol=1e-4), "a fresh adapter changes nothing"
    done = train(config, tmp_path / "run")
    if method == "full":
        after = load_weights(done.folder / "model", dtype="float32")
    else:
        base = load_weights(tiny_model, dtype="float32")
        after = PeftModel.from_pretrained(base, done.folder / "adapter")
    trained = _last_weights(config, done.folder, prepared)
    logits = after(ids).logits.detach()
    assert not torch.allclose(logits, before, atol=1e-2), "training changed something"
    assert torch.allclose(logits, trained(ids).logits.detach(), atol=1e-4)


def _last_weights(config: Any, folder: Path, prepared: Any) -> Any:
    """Give the model as it was in training at its last checkpoint."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    from medllm.tune import methods

    newest = find_newest(folder / "checkpoints").checkpoint
    assert newest is not None
    base = methods.load_base(prepared.base, config, prepared.tokenizer)
    model = methods.add_adapter(base, config, prepared.tokenizer)
    (path,) = newest.folder.glob("*.safetensors")
    if hasattr(model, "peft_config"):
        set_peft_model_state_dict(model, load_file(path))
    else:
        model.load_state_dict(load_file(path))
    return model.eval()


def test_the_best_checkpoint_is_the_result_and_patience_ends_the_run(tmp_path, tiny_model):
    config = settings(
        tmp_path,
        tiny_model,
        n_records=6,
        train__method="full",
        train__epochs=40,
        train__accumulate=1,
        train__lr=2e-2,
        train__schedule="constant",
        train__evaluate_every=1,
        train__patience=2,
    )
    done = train(config, tmp_path / "run")
    losses = [e["loss"] for e in read_metrics(done.folder) if e["event"] == "evaluation"]
    best = losses.index(min(losses))
    assert len(losses) == best + 3, "two evaluations without a better loss"
    assert done.report["best_step"] == best + 1
    assert done.report["validation"]["loss"] == pytest.approx(min(losses), abs=1e-6)


def test_a_loss_that_is_no_number_stops_the_run_before_it_reaches_the_weights(tmp_path, own_model):
    model = load_weights(own_model, dtype="float32")
    with torch.no_grad():
        model.model.norm.weight.fill_(float("inf"))
    model.save_pretrained(own_model)
    config = settings(tmp_path / "data", own_model, validation=False)
    with pytest.raises(ModelError, match="not a number at step 1") as caught:
        train(config, tmp_path / "run")
    assert "train.lr" in caught.value.hint
    assert not (tmp_path / "run" / "adapter").exists()


def test_a_run_that_diverges_is_stopped(tmp_path, tiny_model):
    config = settings(
        tmp_path,
        tiny_model,
        n_records=24,
        validation=False,
        data__window=128,
        train__method="full",
        train__lr=0.9,
        train__accumulate=1,
        train__clip=1000,
        train__max_steps=60,
        train__save_every=100,
    )
    with pytest.raises(ModelError, match="diverges|not a number"):
        train(config, tmp_path / "run")


def test_plain_text_and_weighted_files_are_trained_on_together(tmp_path, tiny_model):
    text = tmp_path / "notes.txt"
    text.write_text("Cough for three days.\nNo fever.\n")
    config = settings(tmp_path, tiny_model, n_records=40, validation=False)
    table = json.loads(config.model_dump_json())
    table["data"] |= {"weights": [2.5], "text": [str(text)]}
    counts = prepare(check_config(table)).counts()["train"]
    assert 80 + 1 < counts["records"] < 120 + 1


def test_a_record_in_both_splits_is_refused(tmp_path, tiny_model):
    config = settings(tmp_path, tiny_model)
    table = json.loads(config.model_dump_json())
    table["data"]["validation"] = table["data"]["train"]
    with pytest.raises(DataError, match="40 records stand in"):
        prepare(check_config(table))


def test_what_is_left_out_is_named_by_id_in_the_run(tmp_path, tiny_model):
    from tests.tune.records import many, record

    path = write(tmp_path / "train.jsonl", [*many(4), record("Why?", "so " * 400, name="long")])
    table = {
        "model": {"base": str(tiny_model), "dtype": "float32"},
        "data": {"train": [str(path)], "window": 128},
        "train": {"max_steps": 1, "device": "cpu"},
    }
    done = train(check_config(table), tmp_path / "run")
    (line,) = (done.folder / "records" / "left_out.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "record": "train:long",
        "reason": "its answer does not fit into the window",
    }
    left_out = done.report["records"]["train"]["left_out"]
    assert left_out == {"its answer does not fit into the window": 1}


def test_nothing_to_train_on_is_said(tmp_path, tiny_model):
    config = settings(tmp_path, tiny_model, n_records=0, validation=False)
    with pytest.raises(DataError, match="nothing to train on"):
        prepare(config)


def test_layers_and_tokens_that_are_not_there_are_named(tmp_path, tiny_model):
    config = settings(tmp_path, tiny_model, validation=False, lora__targets=["nope"])
    with pytest.raises(ConfigError, match="lora.targets"):
        train(config, tmp_path / "a")
    config = settings(tmp_path, tiny_model, validation=False, lora__learn_tokens=["<|nope|>"])
    with pytest.raises(ConfigError, match="no token '<|nope|>'"):
        train(config, tmp_path / "b")


def test_the_same_settings_give_the_same_weights(tmp_path, tiny_model):
    config = settings(
        tmp_path, tiny_model, n_records=8, validation=False, train__max_steps=2, lora__dropout=0.2
    )
    one, two = (train(config, tmp_path / name).folder for name in ("one", "two"))
    assert same(weights(one), weights(two))
