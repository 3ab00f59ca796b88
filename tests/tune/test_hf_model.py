"""`hf:PATH[+ADAPTER]`: a model trained here says what it learnt, and stops."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import ConfigError, ModelError
from medllm.evaluate.held_out import as_item
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.predict import Asking, Prediction, predict, read_predictions
from medllm.models.chat import Answer, Message, ModelSettings
from medllm.models.hf import HfModel
from medllm.models.hf_generate import generate
from medllm.models.sampling import SAMPLINGS
from medllm.models.spec import open_model, parse_spec
from medllm.tune.config import check_config
from medllm.tune.merge import merge
from medllm.tune.train import train
from tests.tune.records import many, record
from tests.tune.runs import settings, write

LEARNT = {
    "What helps against fever?": "Rest and fluids – naïve, but it helps.",
    "My skin itches. What now?": "Show it to somebody who knows skin.",
    "How much paracetamol may I take?": "At most 4 g a day.",
}


def ask(model: Any, question: str, max_tokens: int = 60) -> list[Any]:
    message = Message("user", question)
    return list(model.stream([message], schema=None, max_tokens=max_tokens))


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.text for chunk in chunks)


@pytest.fixture(scope="module")
def schooled(tied_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a model that has seen some text: the head of an untrained one is too faint to say
    anything with certainty, and an adapter does not reach it."""
    folder = tmp_path_factory.mktemp("school")
    config = settings(
        folder,
        tied_model,
        validation=False,
        train__method="full",
        train__lr=1e-2,
        train__max_steps=80,
        train__save_every=999,
    )
    confused = zip(LEARNT, [*LEARNT.values()][1:] + [*LEARNT.values()][:1], strict=True)
    wrong = [record(question, answer, name=question[:8]) for question, answer in confused]
    write(folder / "train.jsonl", [*many(12, seed=1), *wrong])
    return train(config, folder / "run").folder / "model"


@pytest.fixture(scope="module")
def trained(schooled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the run of an adapter that knows three answers by heart."""
    folder = tmp_path_factory.mktemp("parrot")
    records = [record(q, a, name=q[:8]) for q, a in LEARNT.items()]
    path = write(folder / "train.jsonl", records)
    table = {
        "model": {"base": str(schooled), "dtype": "float32"},
        "data": {"train": [str(path)], "window": 256},
        "lora": {"rank": 32, "alpha": 64},
        "train": {"lr": 1e-2, "max_steps": 80, "accumulate": 1, "device": "cpu", "save_every": 99},
    }
    return train(check_config(table), folder / "run").folder


@pytest.fixture(scope="module")
def model(trained: Path) -> Any:
    return open_model(parse_spec(f"hf:{trained}"), ModelSettings())


def test_it_says_what_it_learnt_and_stops_by_itself(model):
    for question, answer in LEARNT.items():
        chunks = ask(model, question)
        assert text_of(chunks) == answer
        assert chunks[-1].finish == "stop"
        assert chunks[-1].prompt_tokens > 10
        assert [chunk.finish for chunk in chunks[:-1]] == [""] * (len(chunks) - 1)
        assert len(chunks) > 5, "it streams"


def test_several_questions_at_once_have_the_answers_they_have_alone(model):
    questions = [*LEARNT, "Hm?", "word " * 200 + "What helps?"]
    for max_tokens in (60, 3):
        alone = [ask(model, question, max_tokens) for question in questions]
        found = model.answer_all([[Message("user", q)] for q in questions], max_tokens=max_tokens)
        for one, chunks in zip(found, alone, strict=True):
            last = chunks[-1]
            assert one == Answer(
                text_of(chunks), last.finish, last.prompt_tokens, last.completion_tokens
            )
    assert {one.finish for one in found} == {"length"}
    assert model.answer_all([], max_tokens=9) == []


def test_a_long_neighbour_takes_no_room_from_an_answer(model, monkeypatch):
    question, answer = next(iter(LEARNT.items()))
    texts = [question, "word " * 200]
    longest = ask(model, texts[1], 1)[-1].prompt_tokens
    monkeypatch.setattr(model._load()[0].config, "max_position_embeddings", longest + 2)
    found = model.answer_all([[Message("user", text)] for text in texts], max_tokens=60)
    assert (found[1].completion_tokens, found[1].finish) == (2, "length")
    assert (found[0].text, found[0].finish) == (answer, "stop")


def test_an_evaluation_asks_in_batches_and_keeps_fates_and_counts(model, tmp_path):
    one_by_one, in_batches = (
        predicted(model, tmp_path / f"{n}.jsonl", concurrent=n) for n in (1, 3)
    )
    fates = [p.fate for p in in_batches.values()]
    assert fates == ["truncated", "truncated", "answered", "failed"]
    for key, prediction in one_by_one.items():
        assert replace(prediction, seconds=0) == replace(in_batches[key], seconds=0)
    assert in_batches["invented/long"].error.startswith("the prompt is longer")


def predicted(model: Any, path: Path, *, concurrent: int) -> dict[str, Prediction]:
    """Ask four records, the last of them longer than the context, `concurrent` at a time."""
    records = [record(q, "A.", name=q[:8]) for q in [*LEARNT, "word " * 3000]]
    records[-1] = replace(records[-1], id="long")
    items = [item for one in records if (item := as_item(one))]
    with Ledger(path) as ledger:
        predict(model, items, ledger, Asking(max_tokens=18, concurrent=concurrent))
        return read_predictions(ledger.entries, items, source=path.name)


def test_every_stop_token_ends_an_answer(model, tiny_model):
    weights, tokenizer = model._load()
    prompt, _ = model._prompt([Message("user", next(iter(LEARNT)))])

    def tokens(*stops: int) -> list[int]:
        found = generate(
            weights,
            [prompt],
            stops=frozenset(stops),
            pad=0,
            limits=[30],
            sampling=SAMPLINGS["plain"],
            seed=0,
        )
        return [token for (token,) in found if token is not None]

    whole = tokens()
    assert len(whole) == 30
    assert tokens(whole[5]) == whole[: whole.index(whole[5])]
    end = tokenizer.convert_tokens_to_ids("<|eot_id|>")
    assert tokens(end, whole[9]) == whole[: min(whole.index(end), whole.index(whole[9]))]


def test_at_temperature_0_an_answer_is_always_the_same(model):
    assert ask(model, "Something it never saw") == ask(model, "Something it never saw")


def test_an_answer_that_reaches_the_limit_says_so(model):
    chunks = ask(model, next(iter(LEARNT)), max_tokens=3)
    assert chunks[-1].finish == "length"
    assert chunks[-1].completion_tokens == 3


def test_a_draw_is_the_same_for_the_same_seed_alone_or_in_a_batch(trained):
    texts = []
    for seed in (1, 1, 2):
        given = ModelSettings(sampling="clinmed", seed=seed)
        drawn = open_model(parse_spec(f"hf:{trained}"), given)
        assert isinstance(drawn, HfModel)
        alone = [text_of(ask(drawn, question, 12)) for question in ("Hm?", "My skin?")]
        both = drawn.answer_all([[Message("user", q)] for q in ("Hm?", "My skin?")], max_tokens=12)
        assert [one.text for one in both] == alone
        texts.append(alone)
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_a_prompt_longer_than_the_context_is_refused(model):
    with pytest.raises(ModelError, match="longer than hf:"):
        ask(model, "word " * 3000)


def test_an_answer_can_be_stopped(model):
    stream = model.stream([Message("user", next(iter(LEARNT)))], schema=None, max_tokens=60)
    next(stream)
    stream.close()
    with pytest.raises(ModelError, match="stopped"):
        next(stream)


def test_merged_it_answers_alike_and_ties_stay_tied(trained, schooled, tmp_path):
    done = merge(str(trained), tmp_path / "merged")
    assert done["max_logit_difference"] < 1e-4
    merged = open_model(parse_spec(f"hf:{tmp_path / 'merged'}"), ModelSettings())
    question, answer = next(iter(LEARNT.items()))
    assert text_of(ask(merged, question)) == answer
    assert isinstance(merged, HfModel)
    weights, _ = merged._load()
    assert weights.lm_head.weight.data_ptr() == weights.model.embed_tokens.weight.data_ptr()
    sizes = [(f / "model.safetensors").stat().st_size for f in (schooled, tmp_path / "merged")]
    assert abs(sizes[0] - sizes[1]) < 1000, "the head was not written a second time"
    names = {path.name for path in (tmp_path / "merged").iterdir()}
    assert {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "chat_template.jinja",
    } <= names
    with pytest.raises(ModelError, match="no adapter to merge"):
        merge(str(tmp_path / "merged"), tmp_path / "again")


def test_an_adapter_is_not_put_on_another_base(trained, tiny_model, schooled, tmp_path):
    with pytest.raises(ModelError, match="trained on another base") as caught:
        open_model(parse_spec(f"hf:{tiny_model}+{trained}"), ModelSettings())
    assert str(schooled) in caught.value.hint
    moved = shutil.copytree(schooled, tmp_path / "mo+ved")
    adapter = shutil.copytree(trained / "adapter", tmp_path / "lora+" / "adapter")
    model = open_model(parse_spec(f"hf:{moved}+{adapter}"), ModelSettings())
    question, answer = next(iter(LEARNT.items()))
    assert text_of(ask(model, question)) == answer, "where the base lies does not matter"


def test_a_damaged_adapter_and_a_base_without_template_are_said(trained, own_model, tmp_path):
    broken = shutil.copytree(trained / "adapter", tmp_path / "adapter")
    (broken / "adapter_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="does not fit the base, or is damaged"):
        ask(open_model(parse_spec(f"hf:{broken}"), ModelSettings()), "Hm?")
    (own_model / "chat_template.jinja").unlink()
    config = (own_model / "tokenizer_config.json").read_text()
    (own_model / "tokenizer_config.json").write_text(config.replace("chat_template", "x"))
    with pytest.raises(ConfigError, match="no chat template"):
        ask(open_model(parse_spec(f"hf:{own_model}"), ModelSettings()), "Hm?")
    with pytest.raises(ModelError, match="not on this machine"):
        open_model(parse_spec(f"hf:{tmp_path / 'nowhere'}"), ModelSettings())
    with pytest.raises(ModelError, match="holds no adapter"):
        open_model(parse_spec(f"hf:{own_model}+{tmp_path / 'nowhere'}"), ModelSettings())


def test_a_short_run_can_be_asked_by_its_folder(tiny_model, tmp_path):
    config = settings(
        tmp_path, tiny_model, validation=False, train__method="full", train__max_steps=1
    )
    done = train(config, tmp_path / "run")
    chunks = ask(open_model(parse_spec(f"hf:{done.folder}"), ModelSettings()), "Hm?", 3)
    assert chunks[-1].completion_tokens == 3
