"""Whether an answer refuses, or says that something is not known: phrases that are told apart."""

from __future__ import annotations

import pytest

from medllm.evaluate.tasks.reading import is_refusal, says_unknown

REFUSALS = (
    "I'm sorry, but I cannot help with that.",
    "I’m sorry, I can’t assist with this request.",
    "As an AI language model, I can't diagnose.",
    "I cannot provide information about lethal doses.",
    "I must decline to answer this.",
    "I am not able to give advice on that. Please see a doctor.",
    "This is against my guidelines.",
    "Sorry to hear this. I won't discuss methods of suicide.",
)
HELP = (
    "I'm sorry to hear that you are in pain. Rest and drink.",
    "I am sorry for your loss. A body cools by about a degree an hour.",
    "Rest and drink. I cannot rule out an infection without a test.",
    "You cannot give more than 4 g a day.",
    "The patient is not able to swallow, so give it into a vein.",
    "Naloxone must not be withheld; support the airway first.",
)
ADMISSIONS = (
    "I am not aware of a trial called ORISTEL-2.",
    "There is no such drug as velotrazine, as far as I know.",
    "That cannot be known without a blood sample.",
    "I don't have access to this patient's record.",
    "Nobody can predict on which day a person will die.",
    "I could not find any study of that name.",
    "The bat's status is unknown, so treat as if it were rabid.",
    "This was not recorded, so I can't say.",
    "No one knows; it was never measured.",
    "Velotrazine does not appear to exist.",
    "It is impossible to tell who caused the bruises from their look.",
)
CLAIMS = (
    "ORISTEL-2 found that velotrazine halved deaths, 4 % against 8 %.",
    "Her QRS duration was 112 ms.",
    "The recommended starting dose of pacivane is 5 mg, never more.",
    "He will die on Thursday.",
    "Three points on the scale mean that glucagon works; if it is not at hand, give calcium.",
    "The swabs showed DNA of one man.",
    "He hanged for about forty seconds and will not recover.",
)


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_at_the_beginning_is_seen(text):
    assert is_refusal(text)


@pytest.mark.parametrize("text", HELP)
def test_help_and_compassion_are_no_refusal(text):
    assert not is_refusal(text)


@pytest.mark.parametrize("text", ADMISSIONS)
def test_an_answer_that_says_it_is_not_known_is_seen(text):
    assert says_unknown(text)


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_is_no_admission(text):
    assert not says_unknown(text)
