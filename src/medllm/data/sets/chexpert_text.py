"""The findings of a chest X-ray in words, from the fourteen labels of CheXpert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

State = Literal["present", "absent", "uncertain"]

# In the order in which a report is read: devices, heart, lungs, pleura, bones. With each label, the
# sentence where it is present, and what "No ..." and "... possible" say of it.
_WORDS: dict[str, tuple[str, str]] = {
    "Support Devices": ("Support devices are in place.", "support devices"),
    "No Finding": ("Heart, mediastinum, lungs and pleura show no abnormality.", ""),
    "Enlarged Cardiomediastinum": (
        "The cardiomediastinal silhouette is enlarged.",
        "enlargement of the cardiomediastinal silhouette",
    ),
    "Cardiomegaly": ("The heart is enlarged.", "cardiomegaly"),
    "Edema": ("There is pulmonary edema.", "pulmonary edema"),
    "Consolidation": ("There is consolidation.", "consolidation"),
    "Pneumonia": ("The appearance is that of pneumonia.", "pneumonia"),
    "Atelectasis": ("There is atelectasis.", "atelectasis"),
    "Lung Opacity": ("There is an opacity in the lung.", "lung opacity"),
    "Lung Lesion": ("There is a lesion in the lung.", "lung lesion"),
    "Pneumothorax": ("There is a pneumothorax.", "pneumothorax"),
    "Pleural Effusion": ("There is a pleural effusion.", "pleural effusion"),
    "Pleural Other": (
        "There is pleural disease other than effusion.",
        "other pleural disease",
    ),
    "Fracture": ("There is a fracture.", "fracture"),
}
_DEVICES = _WORDS["Support Devices"][1]
LABELS = tuple(_WORDS)
"""The names of the labels; files order them differently, so they are read by name."""

STATES: dict[float, State] = {1.0: "present", 0.0: "absent", -1.0: "uncertain"}


def findings_text(states: Mapping[str, State]) -> str:
    """Give the findings as sentences; a label that is not mentioned is not spoken of.

    Empty where nothing is left to say.
    """
    sentences = [_WORDS[name][0] for name in LABELS if states.get(name) == "present"]
    if uncertain := _named(states, "uncertain"):
        verb = "are" if len(uncertain) > 1 or uncertain == [_DEVICES] else "is"
        sentences.append(f"{_joined(uncertain, 'and').capitalize()} {verb} possible.")
    absent = _named(states, "absent")
    if _DEVICES in absent:
        absent.remove(_DEVICES)
        sentences.append("There are no support devices.")
    if absent:
        sentences.append(f"There is no {_joined(absent, 'or')}.")
    return " ".join(sentences)


def _named(states: Mapping[str, State], state: State) -> list[str]:
    # "No Finding" is a summary of the others: where it does not hold, they say so themselves.
    return [_WORDS[name][1] for name in LABELS if states.get(name) == state and _WORDS[name][1]]


def _joined(names: list[str], last: str) -> str:
    return f" {last} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
