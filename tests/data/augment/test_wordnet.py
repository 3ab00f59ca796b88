from __future__ import annotations

from pathlib import Path

import pytest

from medllm.data.augment.wordnet import load_synonyms, load_wordnet, plain_words
from medllm.errors import ConfigError
from tests.data.augment.making import write_database, write_wordnet


@pytest.mark.parametrize("form", ["zipped", "plain", "database"])
def test_each_form_of_wordnet_gives_the_same_synonyms(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "wn"
    made = write_database(folder) if form == "database" else write_wordnet(
        folder, zipped=form == "zipped"
    )  # fmt: skip
    synonyms = load_synonyms(made)
    assert synonyms["lately"] == ("recently",)
    assert synonyms["photos"] == ("pictures", "photographs")
    assert synonyms["began"] == ("started",)
    assert synonyms["my doctor"] == ("my physician",)
    assert synonyms["occasionally"] == ("at times",)


def test_a_pair_that_the_wordnet_does_not_know_is_not_used(tmp_path: Path) -> None:
    synonyms = load_synonyms(write_wordnet(tmp_path / "wn"))
    assert "nearly" not in synonyms
    assert "from time to time" not in synonyms["occasionally"]


def test_a_pair_that_only_the_wordnet_knows_is_not_used(tmp_path: Path) -> None:
    wordnet = load_wordnet(write_wordnet(tmp_path / "wn"))
    assert wordnet.have_sense_in_common("aspirin", "salicylate")
    assert wordnet.have_sense_in_common("nausea", "queasiness")
    synonyms = load_synonyms(tmp_path / "wn")
    assert not synonyms.keys() & {"aspirin", "nausea", "start", "commence"}


def test_forms_of_a_word_share_its_meanings_and_others_do_not(tmp_path: Path) -> None:
    wordnet = load_wordnet(write_wordnet(tmp_path / "wn"))
    assert wordnet.have_sense_in_common("been experiencing", "been having")
    assert wordnet.have_sense_in_common("began", "started")
    assert not wordnet.have_sense_in_common("began", "doctor")
    assert not wordnet.have_sense_in_common("my doctor began", "my physician")


@pytest.mark.parametrize("content", [None, "{}\n", "no json\n", '{"members": ["lately"]}\n', "1\n"])
def test_a_folder_without_a_wordnet_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "synsets.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_synonyms(tmp_path)
    assert caught.value.hint


def test_the_shipped_words_are_well_formed() -> None:
    rows = list(plain_words())
    assert len({word for word, _ in rows}) == len(rows)
    for word, others in rows:
        assert word == word.lower().strip()
        assert others
        assert word not in others
        assert all(other == other.strip() and other for other in others)


def test_no_shipped_word_is_a_finding_a_number_or_a_denial() -> None:
    from medllm.clinical.findings import find_findings
    from medllm.data.augment.survives import negations_of, numbers_of

    for word, others in plain_words():
        for one, other in [(word, other) for other in others] + [(other, word) for other in others]:
            changes = " ".join(part for part in one.split() if part not in other.split())
            assert not find_findings(changes), one
            assert not negations_of(one), one
            assert not numbers_of(one), one


@pytest.mark.real_data
def test_the_real_wordnet_confirms_every_shipped_pair(real_data: Path) -> None:
    synonyms = load_synonyms(real_data / "oewn")
    assert {word: synonyms.get(word) for word, _ in plain_words()} == dict(plain_words())
