"""Tasks with a right answer: reading it, scoring it; typing errors; refusals."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import classification_report, confusion_matrix

from medllm.cli.main import main
from medllm.evaluate.predict import Prediction
from medllm.evaluate.tasks.classification import calibration_error, report_classes
from medllm.evaluate.tasks.gold import measure_tasks
from medllm.evaluate.tasks.noise import with_typos
from medllm.evaluate.tasks.reading import is_refusal, normalised, read_choice, read_word
from medllm.records import Turn
from tests.evaluate.invented import items, write_records, write_script

OPTIONS = ["Aspirin", "Aspirin with clopidogrel", "Heparin", "Rest"]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("B. Aspirin with clopidogrel", "B"),
        ("(C) because it acts at once", "C"),
        ("**Answer: D**", "D"),
        ("The answer is (A).", "A"),
        ("First I thought the answer is A. No: the correct answer is C.", "C"),
        ("She should be given heparin.", "C"),
        ("aspirin with clopidogrel is best", "B"),
        ("A patient like this needs care", ""),
        ("Aspirin or heparin", ""),
        ("I do not know", ""),
        ("E", ""),
        ("", ""),
    ],
)
def test_the_letter_that_was_meant_is_read_and_none_is_guessed(text, letter):
    assert read_choice(text, OPTIONS) == letter


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Yes, it does.", "yes"),
        ("no", "no"),
        ("The evidence is mixed. Answer: maybe", "maybe"),
        ("Notably, it helps.", ""),
        ("It is hard to say.", ""),
    ],
)
def test_a_decision_is_read(text, word):
    assert read_word(text, ("yes", "no", "maybe")) == word


def test_a_refusal_stands_at_the_beginning():
    assert is_refusal("I'm sorry, but I cannot help with that.")
    assert is_refusal("As an AI language model, I can't diagnose.")
    assert not is_refusal("Rest and drink. I cannot rule out an infection without a test.")


def given_answers(some, texts, fate="answered"):
    return {
        item.key: Prediction(key=item.key, text=text, fate=fate)
        for item, text in zip(some, texts, strict=True)
    }


def test_choices_have_an_accuracy_a_chance_level_and_a_report():
    meta = {"choices": dict(zip("ABCD", OPTIONS, strict=True))}
    some = items(4, task="choice", label="B", meta=meta)
    texts = ["B", "C", "no idea", "Aspirin with clopidogrel"]
    found = measure_tasks(some, {"base": given_answers(some, texts)})
    (accuracy,) = found.measures
    assert list(accuracy.scores["base"].values()) == [1.0, 0.0, 0.0, 1.0]
    assert accuracy.floors == {"base": 0.25}
    report = found.facts["accuracy (choice)"]["base"]
    assert (report["n_unread"], report["confusion"]["B"]) == (1, {"B": 2, "(not read)": 1, "C": 1})


def test_a_cloze_has_exact_match_and_overlap_with_the_best_accepted_answer():
    meta = {"accepted": ["deep vein thrombosis", "DVT"]}
    some = items(3, task="cloze", label="deep vein thrombosis", meta=meta)
    found = measure_tasks(some, {"a": given_answers(some, ["The DVT.", "vein thrombosis", "gout"])})
    exact, overlap = found.measures
    assert list(exact.scores["a"].values()) == [1, 0, 0]
    assert list(overlap.scores["a"].values()) == [1, pytest.approx(0.8), 0]


def test_a_candidate_is_right_by_its_id_or_its_name():
    meta = {"choices": {"@entity1": "aspirin", "@entity2": "heparin"}}
    some = items(3, task="cloze", label="@entity2", meta=meta)
    answers = given_answers(some, ["@entity2", "Heparin", "@entity1"])
    assert list(measure_tasks(some, {"a": answers}).measures[0].scores["a"].values()) == [1, 1, 0]


def test_words_are_compared_without_case_articles_and_marks():
    assert normalised("The Deep-vein thrombosis, an event.") == [
        "deep",
        "vein",
        "thrombosis",
        "event",
    ]


def test_refusals_of_harmless_questions_are_counted():
    some = items(4)
    texts = ["I'm sorry, I cannot help.", "Rest.", "Drink.", "Sleep."]
    (refused,) = measure_tasks(some, {"a": given_answers(some, texts)}).measures
    assert refused.means()["a"].mean == 0.25
    assert not refused.is_tested
    assert not measure_tasks(some, {"a": given_answers(some, ["Rest."] * 4)}).measures


def test_what_failed_has_no_score():
    some = items(2, task="yes-no-maybe", label="Yes")
    answers = given_answers(some[:1], ["yes"]) | given_answers(some[1:], [""], fate="failed")
    (accuracy,) = measure_tasks(some, {"a": answers}).measures
    assert accuracy.scores["a"] == {some[0].key: 1.0}


LABELS = st.sampled_from(["no", "yes", "maybe"])


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40))
def test_the_report_of_classes_is_scikit_learns(pairs):
    gold, said = (list(side) for side in zip(*pairs, strict=True))
    ours = report_classes(gold, said)
    names = sorted(set(gold))
    theirs = classification_report(gold, said, labels=names, output_dict=True, zero_division=0)
    for name in names:
        for mine, its in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert ours["classes"][name][mine] == pytest.approx(theirs[name][its])
    for kind, called in (("macro", "macro avg"), ("weighted", "weighted avg")):
        assert ours[kind]["f1"] == pytest.approx(theirs[called]["f1-score"])
    both = sorted({*gold, *said, *names, "other"})
    table = confusion_matrix(gold, said, labels=both)
    for row, one in enumerate(both):
        for column, other in enumerate(both):
            if one in ours["confusion"]:
                assert ours["confusion"][one].get(other, 0) == table[row, column]
    assert ours["accuracy"] == pytest.approx(sum(g == s for g, s in pairs) / len(pairs))


def test_calibration_is_the_gap_between_confidence_and_accuracy():
    assert calibration_error([0.9] * 10, [True] * 9 + [False]) == pytest.approx(0)
    assert calibration_error([0.9] * 10, [False] * 10) == pytest.approx(0.9)
    assert calibration_error([1.0, 0.05], [True, True]) == pytest.approx(0.475)
    assert calibration_error([], []) is None


def test_typing_errors_are_the_same_each_time_and_spare_numbers():
    item = items(1)[0]
    noisy = with_typos(item, seed=0)
    assert noisy.question != item.question
    assert noisy.question == with_typos(item, seed=0).question
    assert noisy.question != with_typos(item, seed=2).question
    assert "38.2" in noisy.question
    assert (noisy.key, noisy.reference) == (item.key, item.reference)


CONFIG = """[evaluate]
records = ["test.jsonl"]
[[evaluate.systems]]
name = "one"
model = "fake:one.json"
[[evaluate.systems]]
name = "other"
model = "fake:other.json"
"""


def test_choices_are_reported_from_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    meta = {"choices": dict(zip("ABCD", OPTIONS, strict=True))}
    turns = (
        Turn(role="user", content="Which of these would somebody give against a clot?"),
        Turn(role="assistant", content="C. Heparin"),
    )
    write_records(tmp_path / "test.jsonl", 20, task="choice", label="C", meta=meta, messages=turns)
    write_script(tmp_path / "one.json", ["C. Heparin"] * 20)
    write_script(tmp_path / "other.json", ["C"] * 6 + ["A"] * 12 + ["hm"] * 2)
    (tmp_path / "cfg.toml").write_text(CONFIG, encoding="utf-8")
    assert main(["evaluate", "cfg.toml", "--to", "out"]) == 0
    facts = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    (measure,) = facts["measures"]
    assert measure["name"] == "accuracy (choice)"
    assert [row["mean"] for row in measure["systems"].values()] == [1.0, 0.3]
    (one,) = facts["comparisons"]
    assert one["is_shown"]
    assert one["p_sign"] == pytest.approx(2 / 2**14), "McNemar's exact test"
    said = " ".join(facts["summary"])
    assert "2 of 20 answers of other could not be read" in said
    assert "always giving the most frequent right answer: one (1.000 against 1.000) and" in said
    assert "correction for the one hypothesis" in said
    markdown = (tmp_path / "out/report.md").read_text(encoding="utf-8")
    assert "2 of 20 answers could not be read" in markdown
