"""Every way in which an answer can arrive or break off, over both protocols."""

import logging
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from medllm.errors import ModelError
from medllm.models import openai, watch
from tests.fake_server import REFUSED
from tests.fake_streams import STREAMED
from tests.models.asking import ANSWER, NOTE, PROMPT, SCHEMA, answering, ask, open_at

BOTH = pytest.mark.parametrize("protocol", ["ollama", "openai"])
WHOLE = ("ok", "split_multibyte", "one_byte", "crlf", "pings", "null_content", "usage_only")
BROKEN = {  # mode -> a part of what the user is told
    "no_finish": "broke off before the answer was complete",
    "error_frame": "failed while it was writing",
    "reset": "broke",
    "bad_json": "not JSON",
    "bad_utf8": "not UTF-8",
    "odd_reason": "ended without an answer|withheld the rest",
}
QUIET = {"stall": True, "ping_forever": True, "stall_after_role": False, "silent": False}
"""Mode -> whether text comes before the server goes quiet."""


@BOTH
@pytest.mark.parametrize("mode", WHOLE)
def test_a_whole_answer_arrives_whole_however_its_bytes_are_cut(protocol, mode):
    with answering(mode) as server:
        told = ask(open_at(server, protocol))
    assert told.error is None
    assert told.text == ANSWER
    assert told.finish == "stop"
    assert told.chunks[-1].prompt_tokens
    assert told.chunks[-1].completion_tokens == len(ANSWER.split())


@BOTH
def test_an_answer_cut_at_its_length_says_so(protocol):
    with answering("length") as server:
        told = ask(open_at(server, protocol))
    assert (told.error, told.text, told.finish) == (None, ANSWER, "length")


@BOTH
@pytest.mark.parametrize("mode", BROKEN)
@pytest.mark.parametrize("chunked", [True, False])
def test_an_answer_that_breaks_off_is_an_error_after_its_partial_text(protocol, mode, chunked):
    with answering(mode, chunked=chunked) as server:
        told = ask(open_at(server, protocol))
        assert len(server.chats) == 1, "after the first byte nothing is tried again"
    assert isinstance(told.error, ModelError)
    assert any(part in str(told.error) for part in BROKEN[mode].split("|"))
    assert told.text
    assert ANSWER.startswith(told.text)
    assert told.finish == ""


def test_done_without_a_finish_reason_is_no_complete_answer():
    with answering("done_without_finish") as server:
        told = ask(open_at(server, "openai"))
    assert "before the answer was complete" in str(told.error)
    assert (told.text, told.finish) == (ANSWER, "")


def test_an_error_after_the_finish_reason_is_an_error():
    with answering("error_after_finish") as server:
        told = ask(open_at(server, "openai"))
    assert "failed while it was writing" in str(told.error)
    assert (told.text, told.finish) == (ANSWER, "")


def test_an_answer_is_complete_without_the_counts_that_never_come(monkeypatch):
    monkeypatch.setattr(openai, "USAGE_TIMEOUT_S", 0.05)
    started = time.monotonic()
    with answering("stall_after_finish") as server:
        told = ask(open_at(server, "openai"))
    assert time.monotonic() - started < 30, "a stall would have been waited for a minute"
    assert (told.error, told.text, told.finish) == (None, ANSWER, "stop")
    assert told.chunks[-1].prompt_tokens is None


def ask_quiet(server, protocol, limit):
    """Ask with a short limit, on a busy machine with longer ones until the server has heard."""
    for seconds in (0.15, 1.0, 6.0, 36.0):
        told = ask(open_at(server, protocol, **{limit: seconds}), schema=SCHEMA)
        if server.chats:
            break
    return told, seconds


@BOTH
@pytest.mark.parametrize("mode", QUIET)
@pytest.mark.parametrize("chunked", [True, False])
def test_a_server_that_goes_quiet_is_left_at_the_deadline(protocol, mode, chunked):
    limit = "stall_timeout_s" if QUIET[mode] else "first_byte_timeout_s"
    with answering(mode, chunked=chunked) as server:
        told, seconds = ask_quiet(server, protocol, limit)
        assert server.hung_up.wait(30), "the connection is closed, not just forgotten"
    assert f"sent no text for {seconds:g} s" in str(told.error)
    assert limit in told.error.hint
    assert bool(told.text) is QUIET[mode]
    assert ANSWER.startswith(told.text)


@BOTH
def test_a_slow_reader_is_no_slow_server(protocol, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with answering("ok") as server:
        told = []
        for chunk in open_at(server, protocol).stream(PROMPT, schema=None, max_tokens=9):
            told.append(chunk.text)
            now[0] += 100.0  # with each word, longer than any limit
    assert "".join(told) == ANSWER


@BOTH
def test_a_line_without_end_is_refused_before_it_fills_the_memory(protocol):
    with answering("huge_line") as server:
        told = ask(open_at(server, protocol))
    assert "too long to be part of an answer" in str(told.error)
    assert told.text == ""


@BOTH
def test_closing_the_stream_hangs_up_at_once(protocol):
    with answering("stall") as server:
        with closing(open_at(server, protocol).stream(PROMPT, schema=None, max_tokens=9)) as stream:
            assert ANSWER.startswith(next(stream).text)
            assert server.stalled.wait(30)
            assert not server.hung_up.is_set()
        assert server.hung_up.wait(30)


@BOTH
@pytest.mark.parametrize("mode", ["stall", "silent"])
def test_another_thread_can_stop_a_reader_that_waits(protocol, mode):
    with answering(mode) as server:
        stream = open_at(server, protocol).stream(PROMPT, schema=None, max_tokens=9)
        told = []

        def read():
            with pytest.raises(ModelError) as caught:
                list(stream)
            told.append(str(caught.value))

        reader = threading.Thread(target=read)
        reader.start()
        assert server.stalled.wait(30)
        stream.close()
        reader.join(30)
        assert told == ["the answer was stopped"]
        assert server.hung_up.wait(30)


@BOTH
def test_a_stream_that_is_dropped_hangs_up_too(protocol):
    with answering("stall") as server:
        stream = open_at(server, protocol).stream(PROMPT, schema=None, max_tokens=9)
        next(stream)
        assert server.stalled.wait(30)
        del stream
        assert server.hung_up.wait(30)


@BOTH
def test_nothing_is_sent_before_the_first_chunk_is_asked_for(protocol):
    with answering() as server:
        open_at(server, protocol).stream(PROMPT, schema=None, max_tokens=9).close()
        assert server.received == []


@BOTH
def test_two_answers_at_once_do_not_mix(protocol):
    with answering() as server:
        server.answer = lambda request: request["messages"][-1]["content"]
        model = open_at(server, protocol)
        first = model.stream(PROMPT, schema=None, max_tokens=9)
        begin = next(first).text
        assert ask(model, PROMPT[:1]).text == "Be brief."
        assert begin + "".join(chunk.text for chunk in first) == NOTE


@BOTH
@pytest.mark.parametrize("mode", sorted({*STREAMED, *REFUSED}))
def test_no_failure_repeats_a_word_of_prompt_or_answer(protocol, mode, caplog):
    caplog.set_level(logging.DEBUG)
    limit = "first_byte_timeout_s" if QUIET.get(mode) is False else "stall_timeout_s"
    with answering(mode) as server:
        told, _ = ask_quiet(server, protocol, limit)
        assert NOTE in server.chats[0]["messages"][1]["content"]
    seen = caplog.text + (told.words if told.error else "") + repr(told.chunks) + repr(PROMPT)
    assert "Zanzibar" not in seen
    assert "Quagga" not in seen
    assert "chest" not in seen
