from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from medllm.data.augment.synonyms import Augmented, augment_with_synonyms, with_synonyms
from medllm.data.journal import Journal
from medllm.data.augment.rewrite import augment_with_model
from medllm.data.augment.survives import drugs_of, negations_of, numbers_of, what_is_lost
from medllm.data.augment.wordnet import Synonyms, load_synonyms
from medllm.errors import ConfigError, DataError, ModelError
from medllm.models.chat import Chunk, Message
from medllm.models.spec import ModelSpec
from medllm.records import SftRecord
from tests.data.prepare.making import record

SYNSETS = [
    ("adv.all", ["usually", "normally"]),
    ("adj.all", ["huge", "vast"]),
    ("noun.substance", ["aspirin", "salicylate"]),
    ("noun.act", ["nausea", "queasiness"]),
    ("noun.artifact", ["armchair", "recliner"]),
    ("noun.cognition", ["notion", "opinion"]),
    ("noun.state", ["hush", "still"]),
    ("adv.all", ["still", "yet"]),
]


def write_wordnet(folder: Path, *, zipped: bool = True) -> Path:
    """Write an invented WordNet; its definitions use each word often enough to be plain."""
    folder.mkdir()
    lines = [
        {"id": str(n), "pos": "n", "lexfile": lexfile, "members": members,
         "definition": " ".join(members * 6)}
        for n, (lexfile, members) in enumerate(SYNSETS)
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    name = "synsets.jsonl.gz" if zipped else "synsets.jsonl"
    (folder / name).write_bytes(gzip.compress(text) if zipped else text)
    return folder


@pytest.fixture
def synonyms(tmp_path: Path) -> Synonyms:
    return load_synonyms(write_wordnet(tmp_path / "oewn"))


def test_plain_words_have_synonyms_both_ways(synonyms: Synonyms) -> None:
    assert synonyms.of("usually") == ("normally",)
    assert synonyms.of("Vast") == ("huge",)
    assert synonyms.of("armchairs") == ("recliners",)


@pytest.mark.parametrize("word", ["aspirin", "nausea", "still", "hush", "quinine", "a"])
def test_drugs_symptoms_and_words_of_several_senses_have_none(
    synonyms: Synonyms, word: str
) -> None:
    assert synonyms.of(word) == ()


def test_a_wordnet_database_is_read(tmp_path: Path) -> None:
    used = "huge vast " * 6
    line = f"00001740 00 a 02 huge 0 vast(p) 0 000 | {used}\n"
    (tmp_path / "data.adj").write_text("  1 a licence\n" + line, encoding="utf-8")
    (tmp_path / "data.noun").write_text("  1 a licence\n", encoding="utf-8")
    assert load_synonyms(tmp_path).of("huge") == ("vast",)


@pytest.mark.parametrize("content", [None, "{}\n", "no json\n"])
def test_a_folder_without_a_wordnet_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "synsets.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_synonyms(tmp_path)


QUESTION = "I usually take 5 mg of aspirin in a huge armchair and have no nausea. Why?"


def test_a_copy_has_other_words_and_says_how_it_was_made(synonyms: Synonyms) -> None:
    one = record("a", QUESTION)
    copy = with_synonyms(one, synonyms, key="k")
    assert copy is not None
    assert copy.id != one.id
    assert copy.group == one.group
    assert copy.messages[1] == one.messages[1]
    assert "normally" in copy.messages[0].content
    assert "5 mg of aspirin" in copy.messages[0].content
    assert "no nausea" in copy.messages[0].content
    assert copy.meta["augmented"] == {"method": "synonyms", "of": "a"}


def test_a_and_an_still_fit(synonyms: Synonyms) -> None:
    copy = with_synonyms(record("a", "I usually sit in an armchair."), synonyms, key="k")
    assert copy is not None
    assert copy.messages[0].content == "I normally sit in an armchair."


class Anything:
    """Has a synonym for every word."""

    def of(self, word: str) -> tuple[str, ...]:
        return ("zebra",)


def test_a_finding_is_never_touched_whatever_its_words() -> None:
    one = record("a", "Nausea and fever came after aspirin 5 mg.")
    copy = with_synonyms(one, Anything(), key="k")  # type: ignore[arg-type]
    assert copy is not None
    assert copy.messages[0].content == "Nausea zebra fever came after aspirin 5 mg."


def test_the_original_is_kept_and_everything_is_counted(synonyms: Synonyms) -> None:
    records = [record("a", QUESTION), record("b", "Why?"), record("c", QUESTION, task="choice")]
    counts = Augmented()
    given = list(augment_with_synonyms(records, synonyms, counts=counts))
    assert [one.id for one in given] == ["a", "a~synonyms", "b", "c"]
    assert (counts.originals, counts.copies, counts.nothing_to_replace) == (3, 1, 2)


def test_a_share_takes_the_same_records_each_time(synonyms: Synonyms) -> None:
    records = [record(f"r{n}", QUESTION) for n in range(200)]
    runs = [
        [one.id for one in augment_with_synonyms(records, synonyms, share=0.3, counts=Augmented())]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert 230 < len(runs[0]) < 290


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("Take 5 mg now.", "Take 50 mg now.", "numbers"),
        ("For two days.", "For 2 days.", ""),
        ("I took aspirin.", "I took ibuprofen.", "drug names"),
        ("I took aspirin.", "I took a pill.", "drug names"),
        ("I have no fever.", "I have fever.", "negations"),
        ("I have a cough but no fever.", "I have a fever but no cough.", "negations"),
        ("I have fever and no cough.", "There is fever, without a cough.", ""),
        ("It may be a stroke.", "It is a stroke.", "certainty"),
        ("My head aches badly.", "I have a bad ache in my head.", ""),
    ],
)
def test_what_a_rewriting_loses_is_noticed(before: str, after: str, lost: str) -> None:
    assert what_is_lost(before, after) == lost


def test_numbers_negations_and_drugs_are_read() -> None:
    assert numbers_of("two or 2.5 mg, twice") == {2.0: 2, 2.5: 1}
    assert negations_of("It isn't, no, never") == {"n't": 1, "no": 1, "never": 1}
    assert drugs_of("no aspirin, but paracetamol")[("aspirin", True)] == 1


class Parrot:
    """A model that answers from a list."""

    def __init__(self, *answers: str | ModelError) -> None:
        self.spec = ModelSpec("fake", "parrot")
        self.constrained = True
        self.asked: list[str] = []
        self._answers = iter(answers)

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> Iterator[Chunk]:
        self.asked.append(messages[-1].content)
        answer = next(self._answers)
        if isinstance(answer, ModelError):
            raise answer
        yield Chunk(answer)
        yield Chunk("", "stop")


def rewritten(model: Parrot, path: Path, records: list[SftRecord], **how: Any) -> Any:
    counts = Augmented()
    with Journal(path, "x") as journal:
        given = list(augment_with_model(records, model, journal=journal, counts=counts, **how))  # type: ignore[arg-type]
    return given, counts


def test_a_paraphrase_is_kept_where_it_survives_the_check(tmp_path: Path) -> None:
    records = [record("a", "I have no fever for 3 days."), record("b", "I have fever for 3 days.")]
    model = Parrot("For 3 days I am without fever.", "For 4 days I have had fever.")
    given, counts = rewritten(model, tmp_path / "j", records)
    assert [one.id for one in given] == ["a", "a~paraphrase", "b"]
    assert given[1].meta["augmented"]["by"] == "fake:parrot"
    assert counts.lost == {"numbers": 1}


def test_back_translation_goes_there_and_back(tmp_path: Path) -> None:
    model = Parrot("Mein Knie schmerzt.", "My knee is hurting.")
    given, _ = rewritten(
        model, tmp_path / "j", [record("a", "My knee hurts.")],
        method="back-translation",
    )  # fmt: skip
    assert model.asked == ["My knee hurts.", "Mein Knie schmerzt."]
    assert given[1].messages[0].content == "My knee is hurting."


def test_what_a_model_said_is_not_asked_for_again(tmp_path: Path) -> None:
    records = [record("a", "My knee hurts."), record("b", "My hip hurts.")]
    broken = Parrot("My knee is sore.", ModelError("gone"))
    _, counts = rewritten(broken, tmp_path / "j", records)
    assert counts.failed == 1
    again = Parrot("My hip is sore.")
    given, counts = rewritten(again, tmp_path / "j", records)
    assert again.asked == ["My hip hurts."]
    assert counts.copies == 2
    assert given[1].messages[0].content == "My knee is sore."


def test_a_model_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        rewritten(Parrot(ModelError("gone")), tmp_path / "j", [record("a")])


def test_a_journal_forgets_a_line_that_broke_off_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path, "x")
    journal.write("one", 1)
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"key": "two", "val')
    with Journal(path, "x") as again:
        assert "one" in again
        assert "two" not in again
        again.write("two", 2)
    with Journal(path, "x") as again:
        assert again["two"] == 2


def test_a_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "j", "x").close()
    with pytest.raises(DataError, match="another run"):
        Journal(tmp_path / "j", "y")
    (tmp_path / "j").write_text('{"made_of":"x"}\nnot json\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        Journal(tmp_path / "j", "x")
