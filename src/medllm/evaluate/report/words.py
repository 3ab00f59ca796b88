"""The report in plain words: what was shown, what was not, and what no number here can show.

Each sentence claims what a test of the report says after its correction for all hypotheses, and no
more: a difference that was not shown is not called equality, nor a higher score a better answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]
TRACKS = {
    "lexical": "overlap with the references",
    "judge": "the judge model's ratings",
    "experts": "the experts' ratings",
    "task": "the tasks' own scores",
}
LONG, SHORT = 1.5, 0.67
NEAR_FLOOR = 1.25
FEWEST_FOR_FLOOR = 5
"""Items: of fewer it says nothing."""


def summarise(facts: Facts) -> list[str]:
    """Give the summary, sentence by sentence."""
    said = [_opening(facts), *_left_out(facts)] if facts["systems"] else []
    for system in facts["systems"]:
        if system["name"] != facts["baseline"]:
            said += _about(system["name"], facts)
    said += _fates(facts)
    said += _lengths(facts)
    said += _floors(facts)
    said += _classes(facts)
    said += _judge(facts)
    for section in facts.get("sections", []):
        said += _section(section, facts)
    return said


def _section(section: Facts, facts: Facts) -> list[str]:
    """Say what was measured in a section, and what its tests show, system by system."""
    said = list(section["said"])
    mine = [one for one in facts["comparisons"] if one.get("section") == section["title"]]
    for pair in dict.fromkeys((one["baseline"], one["system"]) for one in mine):
        rows = [one for one in mine if (one["baseline"], one["system"]) == pair]
        said += _track(pair[1], section["called"], rows, facts)
    return said


def _opening(facts: Facts) -> str:
    items = facts["items"]
    names = and_list([system["name"] for system in facts["systems"]])
    groups = ""
    if items["n_groups"] < items["n"]:
        groups = f" from {items['n_groups']:,} groups, which count as one each in every test"
    return f"{names} answered {items['n']:,} held-out items{groups}."


def _left_out(facts: Facts) -> list[str]:
    """Say what of the records was not evaluated, or not in words."""
    items = facts["items"]
    said = []
    counted = (
        (items.get("n_repeated"), "whose source and id came before"),
        (items.get("n_without_question"), "in which nobody asks anything"),
    )
    if left := [f"{n:,} {why}" for n, why in counted if n]:
        said.append(f"Of {items['n_read']:,} records were left out: {and_list(left)}.")
    has_words = any(measure["track"] == "lexical" for measure in facts["measures"])
    if has_words and (n := items.get("n_without_reference")):
        said.append(
            f"{n:,} of the {items['n']:,} items have no reference and are not compared in words."
        )
    return said


def _about(name: str, facts: Facts) -> list[str]:
    """Say what the tests show of a system against the baseline, track by track."""
    rows = [r for r in facts["comparisons"] if r["system"] == name and not r.get("section")]
    tracks = {measure["name"]: measure["track"] for measure in facts["measures"]}
    said = []
    favours: dict[str, set[str]] = {}
    for track, called in TRACKS.items():
        mine = [row for row in rows if tracks[row["metric"]] == track]
        if mine:
            said += _track(name, called, mine, facts)
            favours[track] = {row["_favours"] for row in map(_with_favour, mine) if row["is_shown"]}
    words, judge = favours.get("lexical", set()), favours.get("judge", set())
    if len(words) == 1 and len(judge) == 1 and words != judge:
        (by_words,), (by_judge,) = words, judge
        said.append(
            f"The tracks contradict each other: overlap with the references favours {by_words}, "
            f"the judge favours {by_judge}. {_what_experts_say(favours.get('experts'))}"
        )
    return said


def _what_experts_say(favoured: set[str] | None) -> str:
    """Say whom the experts favour; None where none has rated."""
    if favoured is None:
        return "Neither is the truth: have experts rate these items (`medllm evaluate experts`)."
    if len(favoured) == 1:
        return f"The experts favour {next(iter(favoured))}."
    return "The experts show no clear difference."


def _with_favour(row: Facts) -> dict[str, Any]:
    is_up = row["difference"]["mean"] > 0
    return {
        **row,
        "_favours": row["system"] if is_up == row["higher_is_better"] else row["baseline"],
    }


def _track(name: str, called: str, rows: Sequence[Facts], facts: Facts) -> list[str]:
    n = _range([row["n"] for row in rows])
    baseline = rows[0]["baseline"]
    said = []
    for is_up, word in ((True, "higher"), (False, "lower")):
        shown = [r for r in rows if r["is_shown"] and (r["difference"]["mean"] > 0) == is_up]
        if shown:
            metrics = and_list([_with_interval(row) for row in shown])
            said.append(
                f"In {called}, {name} scored {word} than {baseline} in {metrics}; n = {n}, "
                f"tested at 5 % after correction for {all_hypotheses(facts)}."
            )
    not_shown = [row for row in rows if not row["is_shown"] and row["p"] is not None]
    if not_shown:
        said.append(_not_shown(name, called, not_shown, n))
    few = [row for row in rows if row["p"] is None]
    if few:
        said.append(
            f"In {called}, {n} items are too few to test {and_list([r['metric'] for r in few])}: "
            "nothing can be concluded."
        )
    return said


def _not_shown(name: str, called: str, rows: Sequence[Facts], n: str) -> str:
    baseline = rows[0]["baseline"]
    least = max((row["detectable_dz"] or 0.0) for row in rows)
    reach = (
        f" With this many items a difference below {least:.2f} standard deviations is more likely "
        "missed than one in five times."
        if least
        else ""
    )
    metrics = and_list([row["metric"] for row in rows])
    return (
        f"In {called}, no difference between {name} and {baseline} was shown in {metrics} "
        f"(n = {n}). That does not mean that they are alike.{reach}"
    )


def _with_interval(row: Facts) -> str:
    d = row["difference"]
    return f"{row['metric']} (by {abs(d['mean']):.3g}, 95 % interval {_interval(d)})"


def _interval(d: Facts) -> str:
    low, high = sorted((abs(d["low"]), abs(d["high"])))
    if d["low"] <= 0 <= d["high"]:
        return f"{d['low']:.3g} to {d['high']:.3g}"
    return f"{low:.3g} to {high:.3g}"


_FATES = {
    "truncated": "cut off (they are scored as they are)",
    "empty": "empty (they score worst)",
    "failed": "failed",
    "missing": "missing",
}


def _fates(facts: Facts) -> list[str]:
    said = []
    has_gaps = False
    for system in facts["systems"]:
        bad = {fate: n for fate, n in system["fates"].items() if fate in _FATES and n}
        has_gaps = has_gaps or bool(bad.keys() & {"failed", "missing"})
        if bad:
            listed = and_list([f"{n:,} {_FATES[fate]}" for fate, n in bad.items()])
            said.append(f"Of {facts['items']['n']:,} answers of {system['name']}: {listed}.")
        if others := system.get("for_other_records"):
            said.append(
                f"{others:,} of the answers given for {system['name']} are for records that are "
                "not evaluated here and were not used."
            )
        if repeated := system.get("repeated"):
            said.append(
                f"{repeated:,} of the answers given for {system['name']} are for a record that "
                "came before: the last one counts."
            )
    if has_gaps:
        said.append(
            "Failed and missing answers have no score: comparisons leave those items out, and the "
            "table of scores shows what they could have made of a mean."
        )
    return said


def _lengths(facts: Facts) -> list[str]:
    said = []
    for system in facts["systems"]:
        ratio = system.get("length_ratio")
        if ratio is not None and not SHORT <= ratio <= LONG:
            said.append(
                f"The answers of {system['name']} are {ratio:.1f} times as long as the references; "
                "scores of overlap depend on length, so a part of their difference may be that."
            )
    return said


def _floors(facts: Facts) -> list[str]:
    near = []
    for measure in facts["measures"]:
        for name, row in measure["systems"].items():
            floor = row.get("floor")
            is_near = floor and row["mean"] < NEAR_FLOOR * floor and row["n"] >= FEWEST_FOR_FLOOR
            if measure["track"] == "lexical" and is_near:
                near.append(f"{measure['name']} of {name} ({row['mean']:.3f}, floor {floor:.3f})")
    if not near:
        return []
    return [
        "Hardly above what the same answers score against references of other items: "
        f"{and_list(near)}."
    ]


def _classes(facts: Facts) -> list[str]:
    """Say whose right answers are no more than always the same answer gives, or were not read."""
    said = []
    rows = {measure["name"]: measure["systems"] for measure in facts["measures"]}
    for name, reports in (facts.get("classes") or {}).items():
        dull = []
        for system, report in reports.items():
            most = max(row["n"] for row in report["classes"].values()) / report["n"]
            if rows[name][system]["low"] <= most:
                dull.append(f"{system} ({report['accuracy']:.3f} against {most:.3f})")
            if report["n_unread"]:
                said.append(
                    f"{report['n_unread']:,} of {report['n']:,} answers of {system} could not be "
                    f"read and count as wrong in {name}."
                )
        if dull:
            said.append(
                f"In {name} it is not shown that these are better than always giving the most "
                f"frequent right answer: {and_list(dull)}."
            )
    return said


def _judge(facts: Facts) -> list[str]:
    judge = facts.get("judge") or {}
    return [f"Distrust the judge: {warning}" for warning in judge.get("warnings", [])]


def all_hypotheses(facts: Facts) -> str:
    """Give "all 21 hypotheses"."""
    n = facts["n_hypotheses"]
    return "the one hypothesis" if n == 1 else f"all {n:,} hypotheses"


def and_list(words: Iterable[str]) -> str:
    """Give "a, b and c"."""
    words = list(words)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
