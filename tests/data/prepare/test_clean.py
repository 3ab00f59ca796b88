from __future__ import annotations

from dataclasses import replace

import pytest

from medllm.data.prepare.clean import CleanRules, clean_record
from medllm.data.prepare.language import guess_language
from medllm.records import Turn
from tests.data.prepare.making import record

RULES = CleanRules()


def test_a_clean_record_comes_back_as_it_is() -> None:
    one = record("a")
    assert clean_record(one, RULES) is one


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("  ", "Yes, rest.", "a question is empty"),
        ("Why?", "", "an answer is empty"),
        ("Why?", "<p> </p>", "an answer holds only a greeting or mark-up"),
        ("Why?", "Hello. Regards, Chat Doctor", "an answer holds only a greeting or mark-up"),
        ("Why?", "...", "an answer has no letter and no digit"),
        ("Why?", "\ufffd\ufffd\ufffd is good", "an answer is broken"),
        ("The same", "The same", "the answer repeats the question"),
    ],
)
def test_a_broken_record_is_left_out_with_a_reason(question: str, answer: str, reason: str) -> None:
    said = clean_record(record("a", question, answer), RULES)
    assert isinstance(said, str)
    assert said.startswith(reason)


def test_a_reason_holds_nothing_of_the_text() -> None:
    said = clean_record(record("a", "Quagga aches?", "Quagga aches?"), RULES)
    assert isinstance(said, str)
    assert "Quagga" not in said


def test_an_answer_of_one_letter_is_kept() -> None:
    assert not isinstance(
        clean_record(record("a", "Which? A) x B) y", "B", task="choice"), RULES), str
    )


def test_lengths_are_held_after_cleaning() -> None:
    rules = CleanRules(min_answer=5, max_question=20)
    assert clean_record(record("a", "Why?", "ab   c"), rules) == (
        "the answer is shorter than 5 characters"
    )
    assert clean_record(record("a", "W" * 21, "abcdef"), rules) == (
        "the question is longer than 20 characters"
    )
    assert not isinstance(clean_record(record("a", "W" * 20, "abcde"), rules), str)


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([("user", "Why?")], "the last turn is not an answer"),
        ([("assistant", "Because.")], "turns do not alternate"),
        ([("user", "Why?"), ("user", "Why?"), ("assistant", "So.")], "turns do not alternate"),
        ([("user", "Why?"), ("assistant", "So."), ("system", "Be brief")], "a system turn is not"),
    ],
)
def test_turns_must_be_in_order(turns: list[tuple[str, str]], reason: str) -> None:
    messages = tuple(Turn(role=role, content=text) for role, text in turns)  # type: ignore[arg-type]
    said = clean_record(replace(record("a"), messages=messages), RULES)
    assert isinstance(said, str)
    assert said.startswith(reason)


def test_an_empty_system_turn_goes_and_the_record_stays() -> None:
    one = record("a")
    messages = (Turn(role="system", content=" "), *one.messages)
    cleaned = clean_record(replace(one, messages=messages), RULES)
    assert not isinstance(cleaned, str)
    assert cleaned.messages == one.messages


def test_boilerplate_is_stripped_of_dialogues_only() -> None:
    answer = "Hello. The knee needs rest."
    dialogue = clean_record(record("a", answer=answer), RULES)
    question = clean_record(record("a", answer=answer, task="question"), RULES)
    assert not isinstance(dialogue, str)
    assert dialogue.messages[-1].content == "The knee needs rest."
    assert not isinstance(question, str)
    assert question.messages[-1].content == answer


GERMAN = (
    "Ich habe seit drei Wochen Schmerzen im Knie, die vor allem nachts auftreten und mir den "
    "Schlaf rauben. Was kann das sein, und muss ich damit zum Arzt gehen? Danke für Ihre Hilfe."
)
ENGLISH = (
    "I have had pain in my knee for three weeks, mostly at night, and it takes my sleep away. "
    "What could this be, and do I have to see a doctor about it? Thank you for your help."
)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GERMAN, "de"),
        (ENGLISH, "en"),
        ("膝盖疼痛三周了,晚上特别严重,我应该怎么办?", "zh"),
        ("У меня болит колено уже три недели, особенно ночью.", "ru"),
        ("膝が三週間痛いです。夜は特にひどいです。", "ja"),
        ("BP 120/80, HR 72, SpO2 98 %, afebrile, GCS 15", ""),
        ("β-thalassaemia and α1-antitrypsin are what the test is for in this family", "en"),
    ],
)
def test_the_language_is_told(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_other_languages_are_left_out_only_when_asked() -> None:
    one = record("a", GERMAN, GERMAN + " Ja.")
    assert not isinstance(clean_record(one, RULES), str)
    assert clean_record(one, CleanRules(languages=("en",))) == "the language is de"
    assert not isinstance(clean_record(one, CleanRules(languages=("en", "de"))), str)


def test_what_cannot_be_told_is_kept() -> None:
    one = record("a", "Hb 8?", "Ja.")
    assert not isinstance(clean_record(one, CleanRules(languages=("en",))), str)
