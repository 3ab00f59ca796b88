"""De-identification: the 18 identifiers of HIPAA's safe harbour found by rules, and replaced.

`find_identifiers` says where they are; a `Deidentifier` puts consistent surrogates in their place.
Rules find what has a form or a cue. They miss names without one ("seen with Quillon"), so a list of
the patient's own names, which is always removed, belongs to every use on records.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from medllm.clinical.deidentify.dates.ages import find_ages_behind_names, find_old_ages
from medllm.clinical.deidentify.dates.calendar import find_calendar_words
from medllm.clinical.deidentify.dates.numeric import find_numeric_dates
from medllm.clinical.deidentify.dates.shift import fill_years
from medllm.clinical.deidentify.dates.worded import find_worded_dates
from medllm.clinical.deidentify.messages import find_message_fields
from medllm.clinical.deidentify.names.find import find_names
from medllm.clinical.deidentify.numbers.codes import find_codes_of_charts
from medllm.clinical.deidentify.numbers.contacts import find_addresses, find_phones
from medllm.clinical.deidentify.numbers.forms import find_forms
from medllm.clinical.deidentify.numbers.labelled import find_labelled_numbers
from medllm.clinical.deidentify.numbers.loose import find_loose_numbers
from medllm.clinical.deidentify.numbers.mentions import find_mentions
from medllm.clinical.deidentify.places.addresses import find_streets
from medllm.clinical.deidentify.places.charts import find_places_of_charts
from medllm.clinical.deidentify.places.employers import find_employers
from medllm.clinical.deidentify.places.institutions import find_institutions
from medllm.clinical.deidentify.places.postcodes import find_codes
from medllm.clinical.deidentify.places.small_letters import find_places_in_small_letters
from medllm.clinical.deidentify.places.towns import find_places
from medllm.clinical.deidentify.result import Deidentified, Identifier
from medllm.clinical.deidentify.surrogates import Surrogates, is_surrogate, placeholder
from medllm.clinical.deidentify.text import Found, Words, resolve
from medllm.errors import ConfigError

__all__ = [
    "Deidentified",
    "Deidentifier",
    "Identifier",
    "Style",
    "find_identifiers",
    "without_identifiers",
]

Style = Literal["surrogates", "placeholders"]


def without_identifiers(text: str, known_names: Sequence[str] = ()) -> Deidentified:
    """Give the text with words in brackets for the identifiers that are found in it.

    This is what may go to a model on another machine: nothing invented, no shifted date, which a
    model could repeat as if it were the patient's.
    """
    found = find_identifiers(text, known_names)
    return _replaced(text, tuple(found))


def find_identifiers(
    text: str, known_names: Sequence[str] = (), *, day_first: bool | None = None
) -> list[Identifier]:
    """Give the identifiers of a text, sorted, not overlapping, each with words in brackets for it.

    `known_names` are found wherever they stand, whatever their case. `day_first` says how 03/04 is
    read; None tells it from the text's other dates and its spelling.
    """
    found = _find(text, known_names, day_first)
    return [_identifier(text, item, placeholder(text, item)) for item in found]


class Deidentifier:
    """Replaces the identifiers of one patient's texts: one name, one surrogate; one date shift."""

    def __init__(
        self,
        secret: str | bytes,
        *,
        patient: str = "",
        known_names: Sequence[str] = (),
        day_first: bool | None = None,
        style: Style = "surrogates",
    ) -> None:
        """Derive the key of one patient from `secret`; raise `ConfigError` if it is empty.

        `patient` is any id that tells patients apart: with another one dates shift by another
        number of days and names get other surrogates.
        """
        key = secret.encode("utf-8") if isinstance(secret, str) else secret
        if not key:
            raise ConfigError(
                "the secret for de-identification is empty",
                hint="give a secret that is kept apart from the texts",
            )
        self._surrogates = Surrogates(key + b"\0" + patient.encode("utf-8"))
        self._known_names = tuple(known_names)
        self._day_first = day_first
        self._style = style

    def code(self, said: str) -> str:
        """Give what stands for a whole text, such as the name of a file: "anon-k3vq7a"."""
        return f"anon-{self._surrogates.code(said)}"

    def apply(self, text: str) -> Deidentified:
        """Give the text with every identifier that is found replaced."""
        replace = self._surrogates.replace if self._style == "surrogates" else placeholder
        found = _find(text, self._known_names, self._day_first)
        return _replaced(
            text, tuple(_identifier(text, item, replace(text, item)) for item in found)
        )


def _replaced(text: str, identifiers: tuple[Identifier, ...]) -> Deidentified:
    parts: list[str] = []
    at = 0
    for identifier in identifiers:
        parts += (text[at : identifier.start], identifier.replacement)
        at = identifier.end
    parts.append(text[at:])
    return Deidentified("".join(parts), identifiers)


def _identifier(text: str, item: Found, replacement: str) -> Identifier:
    return Identifier(item.category, item.start, item.end, text[item.start : item.end], replacement)


def _find(text: str, known_names: Sequence[str], day_first: bool | None) -> list[Found]:
    words = Words(text)
    found = chain(
        find_message_fields(text),
        find_numeric_dates(text, day_first=day_first),
        find_worded_dates(text),
        find_calendar_words(words),
        find_old_ages(words),
        find_addresses(words),
        find_phones(words),
        find_labelled_numbers(words),
        find_loose_numbers(words),
        find_codes_of_charts(words),
        find_forms(words),
        find_mentions(words),
        find_names(words, known_names),
        find_employers(words),
        find_institutions(words),
        find_places(words),
        find_places_of_charts(words),
        find_places_in_small_letters(words),
        find_streets(words),
        find_codes(words),
    )
    resolved = [item for item in resolve(text, found) if not is_surrogate(text, item)]
    ages = list(find_ages_behind_names(text, resolved))
    return fill_years(resolve(text, [*resolved, *ages]) if ages else resolved)
