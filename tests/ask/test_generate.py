"""A model's answer into sentences, and the whole way from a real model server to checked claims."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.ask.answer_text import AnswerReader, Sentence
from medllm.ask.generate import HELD, Written, read_sentences, write_with_model
from medllm.records import Claim, Note
from tests.ask.sources import hit, passages
from tests.fake_server import REFUSED, FakeServer
from tests.fake_streams import STREAMED
from tests.models.asking import open_at

BOTH = pytest.mark.parametrize("protocol", ["ollama", "openai"])
EVIDENCE = tuple(hit(passages("claim_passages")[name]) for name in ("pneumonia", "embolism"))
NOTE = Note(text="A woman with fever and a dry cough.")

TRUE = ("There was no pleural effusion.", (1,))
TRUE_TOO = ("CT angiography showed a segmental pulmonary embolism.", (2,))
FALSE = ("She was treated with doxycycline 200 mg twice daily.", (1,))
MENDED = ("She was treated with doxycycline 100 mg twice daily.", (1,))


def as_json(*sentences: tuple[str, Sequence[Any]]) -> str:
    items = [{"text": text, "sources": list(sources)} for text, sources in sentences]
    return json.dumps({"sentences": items}, ensure_ascii=False)


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


class Asked:
    """What a model server was asked, and what it answers: each answer once, the last again."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def __call__(self, request: dict[str, Any]) -> str:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def write(server: FakeServer, protocol: str, **settings: Any) -> tuple[list[Claim], Written]:
    written = Written()
    model = open_at(server, protocol, **settings)
    claims = list(
        write_with_model(model, NOTE, (), EVIDENCE, n_sentences=6, max_tokens=300, written=written)
    )
    return claims, written


@BOTH
def test_every_sentence_becomes_a_claim_with_a_verdict(protocol: str) -> None:
    answer = as_json(
        TRUE, TRUE_TOO, ("Give aspirin at once.", (1,)), ("It is so.", ()), ("X y.", (7,))
    )
    with FakeServer(Asked(answer)) as server:
        claims, written = write(server, protocol)
    verdicts = ["quoted", "quoted", "unsupported", "uncited", "unknown source"]
    assert [claim.verdict for claim in claims] == verdicts
    assert [claim.verdict for claim in written.claims] == verdicts
    assert written.incomplete == ""


@BOTH
def test_the_first_claim_is_there_before_the_answer_is_complete(protocol: str) -> None:
    answer = as_json(TRUE, *[TRUE_TOO] * 8)
    written = Written()
    with FakeServer(Asked(answer), ["stall"]) as server:
        model = open_at(server, protocol)
        claims = write_with_model(
            model, NOTE, (), EVIDENCE, n_sentences=9, max_tokens=300, written=written
        )
        first = next(claims)
        assert (first.text, first.verdict) == (TRUE[0], "quoted")
        assert not server.hung_up.is_set()
        claims.close()
        assert server.hung_up.wait(30), "closing the claims closes the connection"
    assert written.claims == [first]
    assert len(server.chats) == 1


@BOTH
def test_lines_come_one_by_one_too(protocol: str) -> None:
    answer = "There was no pleural effusion [1].\n" + "He was not on anticoagulants [2].\n" * 6
    with FakeServer(Asked(answer), ["stall"]) as server:
        claims = write_with_model(
            open_at(server, protocol), NOTE, (), EVIDENCE, n_sentences=9, max_tokens=300,
            written=Written(),
        )  # fmt: skip
        assert next(claims).text == TRUE[0]
        claims.close()
        assert server.hung_up.wait(30)


QUIET = {"stall": True, "ping_forever": True, "silent": False, "stall_after_role": False}
"""Modes after which no more comes, and whether text comes before that."""
WHOLE = frozenset(
    "ok split_multibyte one_byte crlf pings null_content usage_only refuse_schema "
    "stall_after_finish".split()
)
"""Modes after which the answer is complete; `error_after_finish` says it is not."""


@BOTH
@pytest.mark.parametrize("mode", sorted({*STREAMED, *REFUSED}))
def test_whatever_the_server_does_the_claims_so_far_are_kept_and_it_is_said_why(
    protocol: str, mode: str
) -> None:
    answer = as_json(TRUE, *[TRUE_TOO] * 5, MENDED)
    for seconds in (0.3, 3.0, 30.0) if mode in QUIET else (60.0,):  # longer on a busy machine
        limits = {"first_byte_timeout_s": seconds, "stall_timeout_s": seconds}
        with FakeServer(Asked(answer), [mode]) as server:
            claims, written = write(server, protocol, **limits)
        if claims or not QUIET.get(mode):
            break
    is_openai_only = mode in ("stall_after_finish", "done_without_finish", "error_after_finish")
    assert written.claims == claims
    assert all(claim.verdict in HELD for claim in claims), "none of them is half a sentence"
    texts = [claim.text for claim in claims]
    assert texts == [TRUE[0], *[TRUE_TOO[0]] * 5, MENDED[0]][: len(texts)]
    if mode in WHOLE or (is_openai_only and protocol == "ollama"):
        assert (written.incomplete, len(claims)) == ("", 7)
    else:
        assert written.incomplete, "it is said why"
        assert "Zanzibar" not in written.incomplete
    if mode in ("reset", "error_frame", "stall", "bad_json", "ping_forever"):
        assert 1 <= len(claims) < 7
        assert "left out" in written.incomplete or len(claims) in (3, 4)
    if mode in ("length",):
        assert "longest length" in written.incomplete
        assert len(claims) == 7
    if written.incomplete:
        assert len(server.chats) <= 3, "an answer that broke off is not repaired"


@BOTH
def test_a_sentence_that_broke_off_is_left_out_and_that_is_said(protocol: str) -> None:
    broken = as_json(TRUE, ("She was treated with doxycycline 10", (1,)))[:-20]
    with FakeServer(Asked(broken), ["length"]) as server:
        claims, written = write(server, protocol)
    assert [claim.text for claim in claims] == [TRUE[0]]
    assert "cut off" in written.incomplete
    assert "left out" in written.incomplete


@BOTH
def test_an_answer_that_the_model_ended_itself_is_kept_whole_even_if_its_json_is_not(
    protocol: str,
) -> None:
    broken = as_json(TRUE, TRUE_TOO)[:-18]
    with FakeServer(Asked(broken)) as server:
        claims, written = write(server, protocol)
    assert written.incomplete == ""
    assert [claim.text for claim in claims][0] == TRUE[0]
    assert len(claims) == 2
    assert claims[1].verdict == "uncited"


@BOTH
def test_what_does_not_hold_is_asked_for_once_more(protocol: str) -> None:
    asked = Asked(
        as_json(TRUE, FALSE, TRUE_TOO, ("It was so.", ())),
        as_json(MENDED, ("He was not on anticoagulants.", (2,))),
    )
    with FakeServer(asked) as server:
        claims, written = write(server, protocol)
    assert [c.verdict for c in claims] == ["quoted", "number not in source", "quoted", "uncited"]
    assert [c.text for c in written.claims] == [
        TRUE[0], MENDED[0], TRUE_TOO[0], "He was not on anticoagulants."
    ]  # fmt: skip
    assert all(c.verdict in HELD for c in written.claims)
    first, second = server.chats
    assert second["messages"][:2] == first["messages"]
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", "user"]
    complaint = second["messages"][-1]["content"]
    assert FALSE[0] in complaint
    assert "number not in source" in complaint
    assert "200 mg" in complaint
    assert "uncited" in complaint
    assert TRUE[0] not in complaint


@BOTH
@pytest.mark.parametrize(
    ("second", "modes"),
    [
        (as_json(FALSE), ["ok"]),
        (as_json(("Something else entirely was said of it.", (1,))), ["ok"]),
        ("", ["ok"]),
        ("I am sorry.", ["ok"]),
        (as_json(TRUE), ["ok"]),
        (as_json(MENDED), ["ok", "reset"]),
        (as_json(MENDED), ["ok", "length"]),
        (as_json(MENDED), ["ok", "html_500"]),
        (as_json(MENDED), ["ok", "too_long"]),
    ],
)
def test_a_repair_that_fails_leaves_the_first_answer_marked(
    protocol: str, second: str, modes: list[str]
) -> None:
    with FakeServer(Asked(as_json(TRUE, FALSE), second), modes) as server:
        claims, written = write(server, protocol)
        assert len(server.chats) >= 2
    assert written.claims == claims
    assert [claim.verdict for claim in claims] == ["quoted", "number not in source"]
    assert written.incomplete == ""


@BOTH
def test_a_repair_of_fewer_sentences_mends_those_that_it_resembles(protocol: str) -> None:
    third = ("The pain settled within a year.", (2,))
    asked = Asked(
        as_json(FALSE, third, ("So be it.", ())), as_json(("The pain settled within a week.", (2,)))
    )
    with FakeServer(asked) as server:
        _, written = write(server, protocol)
    assert [c.text for c in written.claims] == [
        FALSE[0], "The pain settled within a week.", "So be it."
    ]  # fmt: skip


@BOTH
def test_nothing_is_asked_again_where_everything_holds_or_the_answer_broke_off(
    protocol: str,
) -> None:
    with FakeServer(Asked(as_json(TRUE, TRUE_TOO))) as server:
        write(server, protocol)
        assert len(server.chats) == 1
    with FakeServer(Asked(as_json(FALSE, TRUE)), ["length"]) as server:
        write(server, protocol)
        assert len(server.chats) == 1


@BOTH
@pytest.mark.parametrize("n", [0, 1, 12, 40])
def test_as_many_claims_come_out_as_sentences_went_in(protocol: str, n: int) -> None:
    answer = as_json(*[(f"Invented sentence number {i} is false.", (i % 4,)) for i in range(n)])
    with FakeServer(Asked(answer)) as server:
        claims, written = write(server, protocol)
    assert len(claims) == len(written.claims) == n


@BOTH
def test_without_evidence_the_model_is_never_asked(protocol: str) -> None:
    with FakeServer(Asked("No.")) as server:
        model = open_at(server, protocol)
        written = Written()
        claims = write_with_model(
            model, NOTE, (), (), n_sentences=6, max_tokens=300, written=written
        )
        assert list(claims) == []
        assert server.received == []
    assert (written.claims, written.incomplete) == ([], "")


@BOTH
def test_a_server_that_ignores_the_limit_is_stopped(protocol: str) -> None:
    endless = as_json(*[TRUE] * 2_000)
    with FakeServer(Asked(endless)) as server:
        claims, written = write(server, protocol)
    assert "more than it was asked to" in written.incomplete
    assert 0 < len(claims) < 2_000


@BOTH
def test_an_answer_of_thoughts_alone_is_incomplete(protocol: str) -> None:
    with FakeServer(Asked("<think>It is surely cancer [1].")) as server:
        claims, written = write(server, protocol)
    assert claims == []
    assert "thoughts" in written.incomplete


@BOTH
def test_thoughts_without_a_beginning_are_not_among_the_final_claims(protocol: str) -> None:
    answer = f"It is surely cancer [1].\nOr not.\n</think>\n{as_json(TRUE)}"
    with FakeServer(Asked(answer)) as server:
        _, written = write(server, protocol)
    assert [claim.text for claim in written.claims] == [TRUE[0]]


def test_what_a_model_wrote_is_not_in_the_representation_of_its_record() -> None:
    assert "Zanzibar" not in repr(Written(answer="Zanzibar"))
