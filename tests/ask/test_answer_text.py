"""A model's answer into sentences: fenced, prefaced, wrongly quoted, broken off, or plain lines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.ask.answer_text import AnswerReader, Sentence
from medllm.ask.generate import read_sentences
from tests.ask.sources import as_json

TRUE = ("There was no pleural effusion.", (1,))


def read(text: str, *cuts: int) -> list[Sentence]:
    """The sentences of an answer that comes in pieces, cut at these places."""
    reader = read_sentences()
    next(reader)
    borders = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    found: list[Sentence] = []
    for start, end in zip(borders, borders[1:], strict=False):
        found += reader.send(text[start:end])
    return found + reader.send(None)


def told(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(sentence.text, sentence.sources) for sentence in read(text)]


ONE, TWO = ("A b.", (1,)), ("C d.", (2,))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (as_json(ONE, TWO), [ONE, TWO]),
        (f"```json\n{as_json(ONE)}\n```", [ONE]),
        (f"```\n{as_json(ONE)}\n```\n", [ONE]),
        (f"Here is the summary:\n\n{as_json(ONE)}", [ONE]),
        (f"Sure! Here you are: {as_json(ONE)}", [ONE]),
        (f"He needs 50 mg. Here are the sources: {as_json(ONE)}", [("He needs 50 mg.", ()), ONE]),
        (as_json(ONE) + "\nAsk a doctor.", [ONE, ("Ask a doctor.", ())]),
        ('[{"text": "A b.", "sources": [1]}, {"text": "C d.", "sources": [2]}]', [ONE, TWO]),
        ('{"text": "A b.", "sources": [1]}\n{"text": "C d.", "sources": [2]}', [ONE, TWO]),
        ('{"text": "A b.", "sources": [1], "confidence": 0.9, "why": {"x": [1, {}]}}', [ONE]),
        ('{"id": 7, "sources": [1], "text": "A b."}', [ONE]),
        ('{"summary": {"sentences": [{"text": "A b.", "sources": [1]}]}}', [ONE]),
        ('{"sentences": ["A b [1].", "C d. [2]"]}', [ONE, TWO]),
        ('{"sentences": [{"claim": "A b.", "citations": ["[1]"]}]}', [ONE]),
        ('{"summary": "A b [1].\\nC d [2]."}', [ONE, TWO]),
        ('{"text": "A b. C d.", "sources": [1]}', [ONE, ("C d.", (1,))]),
        ('{"text": "A b.", "sources": ["1"]}', [ONE]),
        ('{"text": "A b.", "sources": ["[1]"]}', [ONE]),
        ('{"text": "A b.", "sources": "1"}', [ONE]),
        ('{"text": "A b.", "sources": 1.0}', [ONE]),
        ('{"text": "A b.", "sources": true}', [("A b.", ())]),
        ('{"text": "A b.", "sources": ["Source 1", "passage 1"]}', [ONE]),
        ('{"text": "A b.", "sources": [{"id": 1}]}', [ONE]),
        ('{"text": "A b [1].", "sources": []}', [ONE]),
        ('{"text": "A b. [1]", "sources": null}', [ONE]),
        ('{"text": "A b.", "sources": [1],}', [ONE]),
        ('{"text": "A b." "sources": [1]}', None),
        ("{" + as_json(ONE) + "}", [ONE]),
    ],
)
def test_json_is_read_however_it_is_wrapped(answer: str, expected: Any) -> None:
    found = told(answer)
    if expected is None:  # beyond repair: its words are there all the same
        assert "A b." in " ".join(text for text, _ in found)
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ('braces {x} and "quotes" \\ here', 'braces {x} and "quotes" \\ here'),
        ("a tab\tand a new\nline", "a tab and a new line"),
        ("}]} and {[{", "}]} and {[{"),
        ("5 < 6 > 4 and µg, é, 病人", "5 < 6 > 4 and µg, é, 病人"),
    ],
)
def test_what_stands_inside_a_string_is_text(text: str, read_as: str) -> None:
    assert told(json.dumps({"sentences": [{"text": text, "sources": [3]}]})) == [(read_as, (3,))]


def test_quotation_marks_that_were_not_escaped_do_not_end_the_sentence() -> None:
    answer = '{"text": "He said "no", then "yes" twice.", "sources": [1]}, {"text": "B c."}'
    assert told(answer) == [('He said "no", then "yes" twice.', (1,)), ("B c.", ())]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("She had fever [1].", [("She had fever.", (1,))]),
        ("She had fever. [1]", [("She had fever.", (1,))]),
        ("She had fever.[1][2]", [("She had fever.", (1, 2))]),
        ("She had fever [1, 2].\nHe did not [3; 4].", [("She had fever.", (1, 2)), None]),
        ("She had fever [1-3].", [("She had fever.", (1, 2, 3))]),
        ("She had fever (source 2).", [("She had fever.", (2,))]),
        ("She had fever [Passage 2, 3].", [("She had fever.", (2, 3))]),
        ("She had fever【1】.", [("She had fever.", (1,))]),
        ("1. She had fever [1].\n2) He did not [2].", [("She had fever.", (1,)), None]),
        ("- **She** had `fever` [1].\n* He did not [2].", [("She had fever.", (1,)), None]),
        ("She had fever. She shook [1].", [("She had fever.", (1,)), ("She shook.", (1,))]),
        ("# Summary\n\n**Similar patients**\n\nShe had fever [1].", [("She had fever.", (1,))]),
        ("Here is the summary:\nShe had fever [1].", [("She had fever.", (1,))]),
        ("**She had fever [1].**\n# He did not [2].", [("She had fever.", (1,)), None]),
        ("**She had fever.**", [("She had fever.", ())]),
        ("---\n***\nShe had fever [1].\n[1]", [("She had fever.", (1,))]),
        ("She had 1.5 mg of it [1].", [("She had 1.5 mg of it.", (1,))]),
        ("She had fever", [("She had fever", ())]),
        ("She had fever [0] [-1].", [("She had fever [-1].", (0,))]),
        ("", []),
        (" \n\t ", []),
        ("{}", []),
        ('{"sentences": []}', []),
        ("```\n```", []),
    ],
)
def test_lines_of_prose_are_read_with_their_marks(answer: str, expected: list[Any]) -> None:
    found = told(answer)
    assert len(found) == len(expected)
    for sentence, wanted in zip(found, expected, strict=True):
        assert sentence == wanted or (wanted is None and sentence[0] == "He did not.")


@pytest.mark.parametrize(
    "hidden",
    [
        "[see here](http://evil.example/x)",
        "![scan](https://evil.example/a.png)",
        "https://evil.example/?q=note",
        "www.evil.example/path",
        "evil.com/steal",
        "<img src=x onerror=alert(1)>",
        '<a href="http://evil.example">click</a>',
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "data:text/html;base64,AAAA",
        "mailto:someone@evil.example",
        "//evil.example/x.js",
        "<img src=http://evil.example/x",
        "[see here][ref]",
        "<|im_start|>",
        "[INST]",
        "\u202e\u200b",
    ],
)
@pytest.mark.parametrize("form", ["She had {} fever [1].", as_json(("She had {} fever.", (1,)))])
def test_links_pictures_and_tags_do_not_get_through(hidden: str, form: str) -> None:
    answer = form.replace("{}", hidden if form[0] != "{" else json.dumps(hidden)[1:-1], 1)
    if form[0] == "{":
        answer = as_json((f"She had {hidden} fever.", (1,)))
    ((text, sources),) = told(answer)
    assert sources == (1,)
    for sign in ("http", "evil", "<", ">", "javascript", "base64", "](", "www", "\u202e", "[INST"):
        assert sign not in text
    assert text.startswith("She had")
    assert text.endswith("fever.")


def test_values_and_comparisons_are_no_tags_and_no_links() -> None:
    text = "CRP was <5 mg/L, p<0.05 and K > 3, ratio 1:2, 5 mg/kg i.v. (see Table 2)."
    assert told(f"{text[:-1]} [1].") == [(text, (1,))]


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning", "THINK"])
@pytest.mark.parametrize("thought", ["I guess cancer [1].", as_json(("I guess.", (1,)))])
def test_thoughts_are_not_shown(tag: str, thought: str) -> None:
    answer = f"<{tag}>\n{thought}\n</{tag}>\n\n{as_json(TRUE)}"
    assert told(answer) == [TRUE]
    assert read(answer, *range(len(answer))) == read(answer)


def test_thoughts_that_never_end_are_no_answer() -> None:
    reader = AnswerReader()
    assert reader.feed("<think>It is surely cancer [1].\nYes [2].") == []
    assert reader.is_thinking
    assert reader.end() == []


def test_thoughts_whose_beginning_was_not_sent_are_taken_back() -> None:
    reader = AnswerReader()
    assert len(reader.feed("It is surely cancer [1].\n")) == 1
    assert [s.text for s in reader.feed(f"Or not.</think>{as_json(TRUE)}")] == [TRUE[0]]
    assert reader.thoughts_end


def has_stray_end(text: str) -> bool:
    """Whether thoughts end that never began: what was given by then depends on the pieces."""
    is_open = False
    for tag in re.findall(r"</?think>", text):
        if tag == "</think>" and not is_open:
            return True
        is_open = tag == "<think>"
    return False


WRITTEN = st.text(
    alphabet=st.sampled_from('aB7 .,:!?{}[]"\\/\n\t<>é病-*#`1'), min_size=0, max_size=25
)
ANSWERS = st.one_of(
    st.lists(st.tuples(WRITTEN, st.lists(st.integers(-1, 12), max_size=3)), max_size=4).map(
        lambda items: as_json(*items)
    ),
    st.lists(
        st.tuples(WRITTEN, st.sampled_from([" [1].", ". [2]", "[1, 2]", "", "\n", ":\n"])),
        max_size=5,
    ).map(lambda lines: "\n".join(a + b for a, b in lines)),
    st.lists(
        st.sampled_from(
            [*'{}[]",:\\', "<think>", "</think>", "\n", '"text"', '"sources"', "[1]", "Ab c. "]
        ),
        max_size=25,
    ).map("".join),
).filter(lambda text: not has_stray_end(text))


@settings(max_examples=400, deadline=None)
@given(ANSWERS, st.lists(st.integers(0, 10_000), max_size=12), st.integers(0, 10_000))
def test_how_an_answer_is_cut_into_pieces_makes_no_difference(
    answer: str, cuts: list[int], end: int
) -> None:
    broken = answer[: end % (len(answer) + 1)]
    for text in (answer, broken):
        assert read(text, *cuts) == read(text) == read(text, *range(len(text)))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=40), st.lists(st.integers(0, 9), max_size=3)), max_size=5)
)
def test_no_word_of_an_item_is_dropped(items: list[tuple[str, list[int]]]) -> None:
    items = [("".join(c if c.isalnum() else " " for c in text), n) for text, n in items]
    found = read(as_json(*items))
    words = [word for text, _ in items for word in text.split()]
    assert [word for s in found for word in s.text.split()] == words
    told_numbers = {n for sentence in found for n in sentence.sources}
    assert told_numbers == {n for text, numbers in items if text.split() for n in numbers}


def test_a_huge_answer_is_read_in_time_that_grows_with_its_length() -> None:
    many = [("Fever was noted.", (1,))] * 5_000
    answer = as_json(*many)
    assert read(answer, *range(0, len(answer), 50)) == [Sentence(*s) for s in many]
    assert len(read("{" * 50_000 + '"' * 50_000)) <= 1
    assert read('{"text": "' + "a" * 300_000) == [Sentence("a" * 300_000, (), is_whole=False)]


@pytest.mark.parametrize("digits", ["9" * 5_000, "1e999", "-0", "00001"])
def test_numbers_beyond_reason_do_no_harm(digits: str) -> None:
    for answer in (f'{{"text": "A b.", "sources": [{digits}]}}', f"A b [{digits}]."):
        assert len(read(answer)) == 1
