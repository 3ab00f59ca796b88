"""The framing gives the same whatever the network does to the bytes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.errors import ModelError
from medllm.models.frames import parse_object, read_events, read_json_lines, split_lines

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
OBJECTS = st.lists(
    st.dictionaries(TEXTS, TEXTS | st.integers() | st.none(), max_size=3), max_size=5
)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def cut_at(body, cuts):
    """The body in blocks, some of them empty."""
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    return [body[a:b] for a, b in zip(places, places[1:], strict=False)]


def as_json(value):
    return json.dumps(value, ensure_ascii=False)


@settings(deadline=None, derandomize=True)
@given(OBJECTS, LINE_ENDS, st.booleans(), st.lists(st.integers(0, 400), max_size=12))
def test_json_lines_are_read_the_same_however_they_are_cut(objects, line_end, is_ended, cuts):
    body = line_end.join(as_json(value) for value in objects) + (line_end if is_ended else "")
    for blocks in (cut_at(body.encode(), cuts), [bytes([byte]) for byte in body.encode()]):
        assert list(read_json_lines(split_lines(blocks))) == objects


@settings(deadline=None, derandomize=True)
@given(
    OBJECTS,
    LINE_ENDS,
    st.sampled_from(["", ": ping", "event: message", "id: 1", "retry: 5", ": data: {}"]),
    st.booleans(),
    st.lists(st.integers(0, 600), max_size=12),
)
def test_events_are_read_the_same_however_they_are_cut(objects, line_end, extra, is_ended, cuts):
    lines = []
    for value in objects:
        lines += ([extra] if extra else []) + [f"data: {as_json(value)}", ""]
    lines += ["data: [DONE]", "", "data: never read", ""] if is_ended else []
    body = line_end.join(lines).encode()
    for blocks in (cut_at(body, cuts), [bytes([byte]) for byte in body]):
        assert [json.loads(event) for event in read_events(split_lines(blocks))] == objects


@settings(deadline=None, derandomize=True)
@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", "é".encode()])).map(b"".join),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_any_bytes_at_all_give_the_same_lines_or_the_same_error(body, cuts):
    def outcome(blocks):
        lines = []
        try:
            lines += split_lines(blocks, max_line_bytes=40)  # keeps nothing where it fails
        except ModelError as exc:
            return str(exc)
        return lines

    whole = outcome([body])
    assert outcome(cut_at(body, cuts)) == whole
    assert outcome([bytes([byte]) for byte in body]) == whole
    if isinstance(whole, list) and b"\r" not in body:
        assert "\n".join(whole).encode() == body.removesuffix(b"\n")


def test_the_data_lines_of_one_event_are_joined():
    assert list(read_events(["data: a", "data:b", "data", "", "data:  c", ""])) == ["a\nb\n", " c"]


def test_a_byte_order_mark_is_passed_over():
    assert list(read_events(split_lines(["\ufeffdata: a\n\n".encode()]))) == ["a"]


def test_a_last_event_without_its_blank_line_is_given():
    assert list(read_events(["data: a", "", "data: b"])) == ["a", "b"]
    assert list(read_events(["data: a", "", "data: [DONE]"])) == ["a"]


@pytest.mark.parametrize("n_bytes", [100, 101])
def test_a_line_may_be_as_long_as_the_limit_and_no_longer(n_bytes):
    blocks = [b"x" * n_bytes, b"\n", b"y"]
    if n_bytes == 100:
        assert list(split_lines(blocks, max_line_bytes=100)) == ["x" * 100, "y"]
    else:
        with pytest.raises(ModelError, match="too long"):
            list(split_lines(blocks, max_line_bytes=100))


def test_an_answer_that_never_ends_is_refused():
    def for_ever():
        while True:
            yield b" " * 500_000 + b"\n"

    with pytest.raises(ModelError, match="without end"):
        for _ in split_lines(for_ever()):
            pass


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"text"', "[" * 100_000, "9" * 5000])
def test_what_is_no_object_is_an_error(text):
    with pytest.raises(ModelError):
        parse_object(text)
