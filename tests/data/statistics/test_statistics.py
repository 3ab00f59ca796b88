from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.data.statistics import lengths
from medllm.data.statistics.charts import bar_list, histogram_chart
from medllm.data.statistics.describe import describe_records
from medllm.data.statistics.page import write_page
from medllm.errors import ConfigError, DataError
from tests.data.prepare.making import dialogues, record, write_records
from tests.data.prepare.test_duplicates import edit


def measured(*pairs: tuple[int, int]) -> lengths.Lengths:
    before, answer = np.array(pairs, dtype=np.int64).T
    return lengths.Lengths(before, answer, before, answer)


def test_coverage_says_what_a_cutoff_leaves_and_costs() -> None:
    rows = lengths.coverage(measured((10, 10), (10, 30), (50, 50)), cutoffs=(10, 20, 40, 100, 500))
    assert [row["records"] for row in rows] == [0.0, 0.33333, 0.66667, 1.0]
    assert [row["answer_tokens_lost"] for row in rows] == [1.0, 0.77778, 0.55556, 0.0]
    assert [row["answers_lost"] for row in rows] == [1.0, 0.33333, 0.33333, 0.0]


def test_the_cutoff_for_a_share_leaves_that_share_whole() -> None:
    values = measured(*((n, 0) for n in range(1, 101)))
    assert lengths.cutoff_for(values, 0.9) == 90
    assert lengths.cutoff_for(values, 1.0) == 100


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60))
def test_a_histogram_loses_nothing(values: list[int]) -> None:
    bins = lengths.histogram(np.array(values))
    assert sum(bins["counts"]) == len(values)
    assert len(bins["edges"]) == len(bins["counts"]) + 1
    assert bins["edges"] == sorted(set(bins["edges"]))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=1, max_size=30))
def test_a_longer_cutoff_never_costs_more(pairs: list[tuple[int, int]]) -> None:
    rows = lengths.coverage(measured(*pairs))
    for row, longer in zip(rows, rows[1:], strict=False):
        assert row["records"] <= longer["records"]
        assert row["answer_tokens_lost"] >= longer["answer_tokens_lost"]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    base = dialogues(60)
    copies = [edit(base[at], f"copy-{at}", "swap") for at in range(4)]
    other = [
        record(f"o{n}", f"I take {drug} for fever. Is {n} days long?", f"It is, {drug} helps.",
               source="other", task="question", licence="CC0", meta={"augmented": {}})
        for n, drug in enumerate(["aspirin", "ibuprofen", "aspirin"])
    ]  # fmt: skip
    return [
        write_records(tmp_path / "train.jsonl", [*base, *copies]),
        write_records(tmp_path / "test.jsonl", other),
    ]


def test_the_report_counts_by_source(files: list[Path]) -> None:
    report = describe_records(files)
    assert report["records"] == 67
    invented, other = report["sources"]
    assert (invented["source"], invented["records"], invented["groups"]) == ("invented", 64, 64)
    assert other["tasks"] == {"question": 3}
    assert other["licences"] == {"CC0": 3}
    assert other["augmented"] == 3
    assert report["topics"]["kinds"]["medication"] == {"aspirin": 2, "ibuprofen": 1}
    assert report["duplicates"]["near"] >= 4
    assert report == json.loads(json.dumps(report))


def test_the_report_is_the_same_twice_and_holds_no_text(files: list[Path]) -> None:
    report = describe_records(files)
    assert report == describe_records(files)
    assert "leaflets" not in json.dumps(report)


class Reader(HTMLParser):
    """Checks that every element is closed, and notes addresses and tags."""

    VOID = ("meta", "br", "rect", "line", "circle", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attributes if k in ("src", "href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing_outside(files: list[Path]) -> None:
    page = write_page(describe_records(files))
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert reader.addresses == []
    assert "script" not in reader.tags
    assert reader.tags.count("svg") >= 6
    assert not re.search(r"url\(|@import", page)
    assert all(f'scope="{scope}"' in page for scope in ("col", "row"))


def test_every_picture_says_what_it_shows(files: list[Path]) -> None:
    page = write_page(describe_records(files))
    assert page.count("<svg ") == page.count('role="img" aria-label="')


def test_names_are_escaped() -> None:
    chart = bar_list({"<b>&": 3}, title='"x"', total=3)
    assert "<b>" not in chart
    assert "&lt;b&gt;&amp;" in chart


def test_a_chart_of_one_value_can_be_drawn() -> None:
    assert "<rect" in histogram_chart([0, 1], [5], title="t", unit="words")


def test_a_file_without_records_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no record"):
        describe_records([write_records(tmp_path / "a.jsonl", [])])
    with pytest.raises(DataError, match="not-there"):
        describe_records([tmp_path / "not-there.jsonl"])


def test_a_tokenizer_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(ConfigError, match="cannot load the tokenizer"):
        lengths.tokenizer_counter(str(tmp_path))


def test_tokens_are_counted_with_the_chat_template(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"[UNK]": 0, "<u>": 1, "<a>": 2, "why": 3, "so": 4, "it": 5}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
    fast.chat_template = (
        "{% for m in messages %}{{ '<u> ' if m.role == 'user' else '<a> ' }}{{ m.content }} "
        "{% endfor %}{% if add_generation_prompt %}<a> {% endif %}"
    )
    fast.save_pretrained(tmp_path / "tokenizer")
    counter = lengths.tokenizer_counter(str(tmp_path / "tokenizer"))
    assert counter.tokens_of(record("a", "why it", "so so it")) == (4, 3)


def test_words_are_counted_without_a_tokenizer() -> None:
    one = record("a", "Why is it so?", "Because of it.")
    assert lengths.words_counter().tokens_of(one) == (4, 3)
    assert lengths.words_counter().tokens_of(replace(one, messages=one.messages[1:])) == (0, 3)
