"""`gguf:PATH` answers as the model that it was made from, keeps to a schema, stops, and says why
it cannot."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llama_cpp", reason="needs llama-cpp-python: pip install medllm[gguf]")
pytest.importorskip("gguf", reason="making a GGUF needs the extra export")
pytest.importorskip("transformers", reason="making a tiny model needs the extra train")

import llama_cpp

from medllm.errors import ConfigError, ModelError
from medllm.models.chat import Message, ModelSettings
from medllm.models.gguf import GgufModel, _Pick, _Reader
from medllm.models.hf import HfModel
from medllm.models.hf_folder import load_tokenizer
from medllm.models.sampling import Sampling, choose
from medllm.models.spec import ModelSpec, open_model, parse_spec
from tests.models.asking import NOTE, SCHEMA, ask
from tests.models.ggufs import make_gguf

TURNS = (Message("system", "Be brief."), Message("user", "Fever and 5 µg/l for 3 days.\n"))
FEW = ("llama2", "llama3", "deepseek-r1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give GGUF files by their template; tests read them and never write there."""
    return {name: make_gguf(tmp_path_factory.mktemp(name), template=name) for name in FEW}


@pytest.fixture(scope="module")
def model(made: dict[str, Path]) -> Any:
    """Give one that is open already."""
    return opened(made["llama3"])


@pytest.fixture
def own(made: dict[str, Path], tmp_path: Path) -> Path:
    """Give a copy that a test may break."""
    return Path(shutil.copy(made["llama3"], tmp_path / "own.gguf"))


def without_halves(text: str) -> str:
    """Leave out what stands beside half characters: transformers' SentencePiece counts a comma
    between two of them as broken too."""
    return re.sub("(?:\ufffd.?)+", "", text, flags=re.DOTALL)


def opened(path: Path, **settings: Any) -> Any:
    return open_model(parse_spec(f"gguf:{path}"), ModelSettings(**settings))


@pytest.mark.parametrize("template", FEW)
def test_it_answers_as_the_model_it_was_made_from(made: dict[str, Path], template: str) -> None:
    source = made[template].parent / "model"
    theirs = ask(HfModel(ModelSpec("hf", str(source)), ModelSettings()), TURNS, max_tokens=40)
    ours = ask(opened(made[template]), TURNS, max_tokens=40)
    assert without_halves(ours.text) == without_halves(theirs.text)
    assert ours.finish == theirs.finish
    assert ours.chunks[-1].prompt_tokens == theirs.chunks[-1].prompt_tokens
    assert ours.chunks[-1].completion_tokens == theirs.chunks[-1].completion_tokens


def test_the_prompt_begins_with_one_beginning_token(made: dict[str, Path], model: Any) -> None:
    file = model._open()
    ids = file.tokenize(model._prompt(file, TURNS))
    begin = file.tokenize("<|begin_of_text|>")
    assert len(begin) == 1
    assert ids.count(begin[0]) == 1


def test_the_same_question_has_the_same_answer(model: Any) -> None:
    assert ask(model, TURNS, max_tokens=30).text == ask(model, TURNS, max_tokens=30).text


def test_a_temperature_draws_by_the_seed(made: dict[str, Path]) -> None:
    texts = [
        ask(opened(made["llama3"], temperature=1.5, seed=seed), TURNS, max_tokens=30).text
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_named_samplings_work(made: dict[str, Path]) -> None:
    plain = ask(opened(made["llama3"]), TURNS, max_tokens=30).text
    assert ask(opened(made["llama3"], sampling="clinmed"), TURNS, max_tokens=30).text != plain
    with pytest.raises(ConfigError, match="there is no 'warm'"):
        opened(made["llama3"], sampling="warm")


def test_an_answer_keeps_to_the_schema(model: Any) -> None:
    schema = {
        "type": "object",
        "properties": {
            "verdict": {"enum": ["accept", "reject"]},
            "reason": {"type": "string", "maxLength": 20},
            "sources": {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
        },
        "required": ["verdict", "reason", "sources"],
        "additionalProperties": False,
    }
    told = ask(model, TURNS, schema=schema, max_tokens=300)
    assert told.error is None
    assert told.finish == "stop"
    assert set(json.loads(told.text)) == {"verdict", "reason", "sources"}
    assert model.constrained
    free = ask(model, TURNS, max_tokens=30).text
    assert not free.startswith("{")


def test_every_schema_of_medllm_has_a_grammar(model: Any) -> None:
    from medllm.ask.prompts import SCHEMA as SUMMARY
    from medllm.clinical.second_reader import _schema
    from medllm.data.review.judge import SCHEMA as REVIEW

    for schema in (SUMMARY, REVIEW, _schema(), SCHEMA):
        assert ask(model, TURNS, schema=schema, max_tokens=12).text.lstrip().startswith("{")
        assert model.constrained


def test_a_schema_that_has_no_grammar_is_left_to_the_prompt(made: dict[str, Path]) -> None:
    model = opened(made["llama3"])
    told = ask(model, TURNS, schema={"$ref": "https://example.org/x.json"}, max_tokens=5)
    assert told.error is None
    assert not model.constrained


def test_a_cut_answer_says_length(model: Any) -> None:
    told = ask(model, TURNS, max_tokens=3)
    assert (told.finish, told.chunks[-1].completion_tokens) == ("length", 3)


def test_a_prompt_that_does_not_fit_is_an_error_and_never_cut(made: dict[str, Path]) -> None:
    long = (Message("user", NOTE * 300),)
    told = ask(opened(made["llama3"]), long)
    assert "reads 2048 at most" in told.words
    assert "Zanzibar" not in told.words
    narrow = ask(opened(made["llama3"], context_tokens=512), (Message("user", NOTE * 30),))
    assert "raise context_tokens (to 2048 at most)" in narrow.words
    assert not told.chunks
    assert not narrow.chunks


def test_an_answer_ends_where_the_context_does(made: dict[str, Path]) -> None:
    model = opened(made["llama3"], context_tokens=512)
    told = ask(model, (Message("user", "a " * 200),), max_tokens=5000)
    last = told.chunks[-1]
    assert last.finish == "length"
    assert last.prompt_tokens + last.completion_tokens == 512


def test_a_long_prompt_is_read_whole(made: dict[str, Path]) -> None:
    """More than one batch, so that a batch that is lost would be seen."""
    long = (Message("user", "Fever and chills, then " * 60 + "what?"),)
    source = made["llama3"].parent / "model"
    theirs = ask(HfModel(ModelSpec("hf", str(source)), ModelSettings()), long, max_tokens=10)
    ours = ask(opened(made["llama3"]), long, max_tokens=10)
    assert ours.chunks[-1].prompt_tokens > 600
    assert ours.text == theirs.text


def test_stop_reaches_the_model(model: Any) -> None:
    stream = model.stream(TURNS, schema=None, max_tokens=100_000)
    assert next(stream).text
    stream.close()
    with pytest.raises(ModelError, match="the answer was stopped"):
        next(stream)


class Later(threading.Event):
    """An event that is set from the fifth time on that somebody looks."""

    n_looks = 0

    def is_set(self) -> bool:
        self.n_looks += 1
        return self.n_looks >= 5


def test_stop_breaks_off_in_the_middle_of_a_batch(model: Any) -> None:
    """Before and after a batch nobody looks as often: it is llama.cpp that does, layer by layer."""
    file = model._open()
    stopped = Later()
    with (
        file.run(60, stopped) as run,
        pytest.raises(ModelError, match="the answer was stopped"),
    ):
        run.read(file.tokenize("fever " * 20))


def test_several_answers_at_once_are_each_as_alone_and_one_computes_at_a_time(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [(Message("user", f"Question {n}: fever?"),) for n in range(3)]
    alone = [ask(model, question, max_tokens=25).text for question in questions]
    together: dict[int, str] = {}
    inside: list[int] = []
    seen: list[int] = []
    decode = llama_cpp.llama_decode

    def counted(*arguments: Any) -> Any:
        inside.append(1)
        seen.append(len(inside))
        try:
            return decode(*arguments)
        finally:
            inside.pop()

    monkeypatch.setattr(llama_cpp, "llama_decode", counted)

    def run(n: int) -> None:
        together[n] = ask(model, questions[n], max_tokens=25).text

    threads = [threading.Thread(target=run, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[n] for n in range(3)] == alone
    assert set(seen) == {1}


def test_what_it_thought_is_no_part_of_the_answer(made: dict[str, Path]) -> None:
    file = opened(made["deepseek-r1"])._open()
    for thought in ("hm\n", "", "病 hm"):
        reader = _Reader(file, is_thinking=True)
        tokens = file.tokenize(f"{thought}</think>\n\n\nTake 5 µg.</think> \n")
        text = "".join(map(reader.read, tokens)) + reader.rest()
        assert text == "Take 5 µg.</think> \n"
    reader = _Reader(file, is_thinking=True)
    assert "".join(map(reader.read, file.tokenize("hm hm"))) + reader.rest() == ""
    assert reader.is_thinking


@pytest.mark.parametrize("template", FEW)
def test_tokens_read_as_transformers_reads_them(made: dict[str, Path], template: str) -> None:
    """SentencePiece's first space is none of the text; characters of several tokens come whole."""
    tokenizer = load_tokenizer(made[template].parent / "model")
    file = opened(made[template])._open()
    for text in ("Take 5 µg – 病人, 👩‍⚕️ e\u0301 now.  Then\n\nrest.", " Two  spaces", "\n", ""):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        reader = _Reader(file, is_thinking=False)
        pieces = [reader.read(token) for token in ids]
        assert "".join(pieces) + reader.rest() == tokenizer.decode(ids)
        assert not any("\ufffd" in piece for piece in pieces)


def test_words_are_chosen_as_the_other_models_choose_them() -> None:
    """Beside the same rule in torch: with the seen punished, and only the likeliest kept."""
    torch = pytest.importorskip("torch")
    rules = [
        Sampling(repetition_penalty=1.5),
        Sampling(temperature=0.7, top_k=4, repetition_penalty=1.3),
        Sampling(temperature=1.3, top_p=0.6),
    ]
    for seed in range(5):
        logits = np.random.default_rng(seed).normal(0, 2, 40).astype(np.float32)
        seen = list(range(0, 40, 3))
        for rule in rules:
            draws = torch.Generator().manual_seed(seed)
            tensor = torch.from_numpy(logits)
            theirs = {choose(tensor, seen, draws, rule) for _ in range(400)}
            ours = {_Pick(rule, number, seen).next(logits, None) for number in range(400)}
            likely = Counter(_Pick(rule, n, seen).next(logits, None) for n in range(50))
            assert likely.most_common(1)[0][0] in theirs
            assert len(ours ^ theirs) <= 1  # the least likely may not have come in 400 draws


def test_one_that_is_not_there_or_is_no_gguf_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.gguf is not there"):
        opened(tmp_path / "absent.gguf")
    (tmp_path / "text.gguf").write_text("a text")
    with pytest.raises(ModelError, match=r"text\.gguf is not a GGUF file"):
        opened(tmp_path / "text.gguf")
    with pytest.raises(ModelError, match="is not there"):
        opened(tmp_path)


@pytest.mark.parametrize("share", [0.9, 0.3, 0.001])
def test_a_file_that_is_cut_short_is_named(own: Path, share: float) -> None:
    data = own.read_bytes()
    own.write_bytes(data[: max(5, int(len(data) * share))])
    told = ask(opened(own), TURNS)
    assert "own.gguf is cut short or damaged" in told.words


def test_one_that_differs_from_what_was_exported_is_named(own: Path) -> None:
    digest = hashlib.sha256(own.read_bytes()).hexdigest()
    told = {"name": own.name, "size_bytes": own.stat().st_size, "sha256": digest}
    (own.parent / "export.json").write_text(json.dumps({"files": [told]}))
    assert ask(opened(own), TURNS, max_tokens=3).error is None
    data = bytearray(own.read_bytes())
    data[-100] ^= 1
    own.write_bytes(data)
    assert "own.gguf is cut short or damaged" in ask(opened(own), TURNS).words


def test_one_without_a_chat_template_is_named(own: Path) -> None:
    data = own.read_bytes()
    assert data.count(b"tokenizer.chat_template") == 1
    own.write_bytes(data.replace(b"tokenizer.chat_template", b"tokenizer.shut_template"))
    assert "has no chat template" in ask(opened(own), TURNS).words


def test_a_template_that_refuses_says_nothing_of_the_prompt(own: Path) -> None:
    data = own.read_bytes()
    start = data.index(b"{{- bos_token }}")
    refusing = b"{{ raise_exception(messages) }}{#"
    own.write_bytes(
        data[:start] + refusing + data[start + len(refusing) :].replace(b"%}", b"#}", 1)
    )
    told = ask(opened(own), (Message("user", NOTE),))
    assert "cannot write these turns" in told.words
    assert "Zanzibar" not in told.words


def test_llama_cpp_itself_says_nothing(made: dict[str, Path]) -> None:
    code = (
        "import sys\n"
        "from medllm.models.chat import Message, ModelSettings\n"
        "from medllm.models.spec import open_model, parse_spec\n"
        "model = open_model(parse_spec('gguf:' + sys.argv[1]), ModelSettings())\n"
        "schema = {'type': 'object'}\n"
        "list(model.stream([Message('user', 'Fever.')], schema=schema, max_tokens=5))\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(made["llama3"])], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_llama_cpp_the_extra_is_named(
    made: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    told = ask(opened(made["llama3"]), TURNS)
    assert "this needs the package llama_cpp" in told.words
    assert "medllm[gguf]" in told.words


def test_it_stays_on_this_machine(made: dict[str, Path]) -> None:
    model = opened(made["llama3"])
    assert isinstance(model, GgufModel)
    assert model.spec.is_local
    assert str(model.spec) == f"gguf:{made['llama3']}"
