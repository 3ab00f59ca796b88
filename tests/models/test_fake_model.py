"""The model that reads from a script."""

import json

import pytest

from medllm.errors import DataError
from medllm.models.chat import ModelSettings
from medllm.models.spec import open_model, parse_spec
from tests.models.asking import ask


@pytest.fixture
def fake(tmp_path):
    def open_script(script):
        path = tmp_path / "script.json"
        path.write_text(script if isinstance(script, str) else json.dumps(script))
        return open_model(parse_spec(f"fake:{path}"), ModelSettings())

    return open_script


def test_answers_come_in_order_each_once(fake):
    model = fake([{"text": "one"}, {"chunks": ["t", "wo"], "finish": "length"}])
    first, second, third = ask(model), ask(model), ask(model)
    assert (first.text, first.finish, first.error) == ("one", "stop", None)
    assert [chunk.text for chunk in second.chunks] == ["t", "wo", ""]
    assert second.finish == "length"
    assert "no more answers" in str(third.error)


def test_a_scripted_failure_comes_after_its_text(fake):
    model = fake(
        [{"error": "it died"}, {"chunks": ["a"], "error": "later"}, {"text": "a", "finish": ""}]
    )
    told = [ask(model) for _ in range(3)]
    assert [str(one.error) for one in told] == [
        "it died",
        "later",
        "the answer broke off before its end",
    ]
    assert [one.text for one in told] == ["", "a", "a"]
    assert {one.finish for one in told} == {""}


@pytest.mark.parametrize(
    "script",
    [
        "{",
        {},
        ["text"],
        [{}],
        [{"txt": "a"}],
        [{"text": 3}],
        [{"chunks": "abc"}],
        [{"text": "a", "finish": "later"}],
        [{"error": 3}],
    ],
)
def test_a_broken_script_is_named_when_the_model_is_opened(fake, script):
    with pytest.raises(DataError, match=r"script\.json"):
        fake(script)


def test_a_missing_script_is_an_error():
    with pytest.raises(DataError, match="missing"):
        open_model(parse_spec("fake:nowhere.json"), ModelSettings())
