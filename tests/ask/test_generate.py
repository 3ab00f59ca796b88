"""The whole way from a real model server to checked claims."""

from __future__ import annotations

from typing import Any

import pytest

from medllm.ask.generate import HELD, Written, write_with_model
from medllm.records import Claim, Note
from tests.ask.sources import as_json, hit, passages
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
    if mode == "reset":  # what was sent and not yet read is lost, so it may break off anywhere
        assert len(claims) < 7
    if mode in ("error_frame", "stall", "bad_json", "ping_forever"):
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
@pytest.mark.parametrize("n_missing", [4, 5, 12, 15])
def test_a_sentence_whose_sources_are_cut_off_is_left_out_and_that_is_said(
    protocol: str, n_missing: int
) -> None:
    broken = as_json(TRUE, TRUE_TOO)[:-n_missing]
    with FakeServer(Asked(broken), ["length"]) as server:
        claims, written = write(server, protocol)
    assert [claim.text for claim in claims] == [TRUE[0]]
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
