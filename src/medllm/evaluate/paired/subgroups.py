"""The difference within parts of the items, where a part has enough of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from medllm.evaluate.held_out import Item
from medllm.evaluate.statistics import Interval, paired_interval

NOT_SAID = "not said"
_AGES = ((18, "under 18"), (40, "18 to 39"), (65, "40 to 64"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """The mean difference within a part; None where it has fewer items than asked for."""

    by: str
    value: str
    n: int
    difference: Interval | None


def split_items(items: Sequence[Item], by: str) -> dict[str, list[str]]:
    """Give the keys of the items of each part: by source, task, specialty, sex, age or a meta key.

    Age and sex are read from the question where the record does not name them.
    """
    parts: dict[str, list[str]] = {}
    for item in items:
        value = _READERS[by](item) if by in _READERS else _meta(item, by)
        parts.setdefault(value, []).append(item.key)
    return dict(sorted(parts.items()))


def compare_parts(
    baseline: Mapping[str, float],
    system: Mapping[str, float],
    parts: Mapping[str, Sequence[str]],
    *,
    by: str,
    bounds: tuple[float, float],
    fewest: int,
    seed: int = 0,
) -> list[Subgroup]:
    """Give each part's mean difference with its interval; a part that is too small has its n only.

    Nothing is tested here: intervals of many parts are to look at, not to conclude from.
    """
    found = []
    for value, keys in parts.items():
        common = [key for key in keys if key in baseline and key in system]
        interval = None
        if len(common) >= max(2, fewest):
            before = {key: baseline[key] for key in common}
            after = {key: system[key] for key in common}
            interval = paired_interval(before, after, bounds=bounds, seed=seed)
        found.append(Subgroup(by=by, value=value, n=len(common), difference=interval))
    return found


def _meta(item: Item, name: str) -> str:
    value = item.meta.get(name)
    return str(value).strip() or NOT_SAID if isinstance(value, str | int | float) else NOT_SAID


def _sex(item: Item) -> str:
    words = {"f": "female", "female": "female", "m": "male", "male": "male"}
    said = _meta(item, "sex").lower() if "sex" in item.meta else _meta(item, "gender").lower()
    return words.get(said) or words.get(_found(item, "sex"), NOT_SAID)


def _age(item: Item) -> str:
    said = item.meta.get("age_years", item.meta.get("age"))
    if not isinstance(said, int | float) or isinstance(said, bool):
        try:
            said = float(_found(item, "age"))
        except ValueError:
            return NOT_SAID
    return next((name for limit, name in _AGES if said < limit), "65 and over")


def _found(item: Item, kind: str) -> str:
    """Give what the question says about its patient, "" where it says nothing."""
    from medllm.clinical.findings import find_findings

    for finding in find_findings(item.question):
        if finding.kind == kind and finding.experiencer == "patient":
            return str(finding.value) if finding.value is not None else finding.normalised.lower()
    return ""


_READERS: dict[str, Callable[[Item], str]] = {
    "source": lambda item: item.source,
    "task": lambda item: item.task,
    "age": _age,
    "sex": _sex,
}
