"""The tables of a report, as rows of words, for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medllm.evaluate.report.words import all_hypotheses

Facts = Mapping[str, Any]
NONE = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, what a reader must know, a header and rows of as many words."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    is_detail: bool = False
    """Whether a page may fold it."""


def all_tables(facts: Facts) -> Iterator[Table]:
    """Give every table that has a row, in reading order."""
    tables = [
        means(facts),
        differences(facts),
        tests(facts),
        paper(facts),
        *(Table(**table) for table in facts.get("tables", [])),
        *(Table(**table) for part in facts.get("sections", []) for table in part["tables"]),
        subgroups(facts),
        answers(facts),
    ]
    return (table for table in tables if table.rows)


def means(facts: Facts) -> Table:
    """Give every measure's mean with its interval and floor."""
    names = [system["name"] for system in facts["systems"]]
    rows = []
    for measure in facts["measures"]:
        cells = [mean_cell(measure["systems"].get(name)) for name in names]
        floors = [
            row["floor"] for row in measure["systems"].values() if row.get("floor") is not None
        ]
        floor = number(max(floors)) if floors else NONE
        rows.append([measure["name"], *cells, floor])
        for name, values in measure["totals"].items():
            rows.append([name, *(_total(values, measure, system) for system in names), NONE])
    return Table(
        title="Scores",
        header=["measure", *names, "floor"],
        rows=rows,
        note="Means with their 95 % intervals and n. The floor is what answers reach that know "
        "nothing: for overlap the same answers against the references of other items, for choices "
        "chance.",
    )


def _total(values: Mapping[str, float], measure: Facts, system: str) -> str:
    """Give a number of all items together, with how many they are."""
    n = measure["systems"].get(system, {}).get("n")
    return NONE if values.get(system) is None or not n else f"{number(values[system])}, n {n:,}"


def mean_cell(row: Facts | None) -> str:
    """Give "0.231 [0.210, 0.252], n 84"; the range too, where answers failed."""
    if row is None:
        return NONE
    said = f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}], n {row['n']:,}"
    if row.get("n_without_score"):
        said += (
            f" (with {row['n_without_score']:,} that have no score: {number(row['mean_if_worst'])} "
            f"if worst, {number(row['mean_if_best'])} if best)"
        )
    return said


def differences(facts: Facts) -> Table:
    """Give every difference with its interval, its corrected p and what it would take."""
    rows = []
    for one in facts["comparisons"]:
        d = one["difference"]
        rows.append(
            [
                named(one),
                f"{one['system']} - {one['baseline']}",
                _n(one),
                f"{signed(d['mean'])} [{signed(d['low'])}, {signed(d['high'])}]",
                p_value(one["p_holm"]),
                "yes" if one["is_shown"] else "no" if one["p"] is not None else "too few",
                _won(one),
                number(one["dz"], 2),
                number(one["detectable_dz"], 2),
                NONE if one["needed_n"] is None else f"{one['needed_n']:,}",
            ]
        )
    return Table(
        title="Paired differences",
        header=[
            *("measure", "systems", "n", "difference [95 %]", "p (Holm)", "shown"),
            *("won / tied / lost", "dz", "found from dz", "n needed"),
        ],
        rows=rows,
        note=f"Paired by item. p is of a permutation test of the mean difference, corrected by "
        f"Holm for {all_hypotheses(facts)}. dz is the difference in standard "
        "deviations of the differences; won is where the system has the better score, which of "
        "harm, omission and refusals is the lower one; “found from dz” is the least that n items "
        "find in 80 % of samples; “n needed” would find the observed one as often.",
    )


def named(one: Facts) -> str:
    """Give a comparison's measure, with the section that it is of."""
    return f"{one['section']}: {one['metric']}" if one.get("section") else str(one["metric"])


def _won(one: Facts) -> str:
    """Give how often the system was better, as good and worse: of harm, less is better."""
    won, lost = one["wins"], one["losses"]
    if not one["higher_is_better"]:
        won, lost = lost, won
    return f"{won:,} / {one['ties']:,} / {lost:,}"


def _n(one: Facts) -> str:
    said = f"{one['n']:,}"
    if one["n_clusters"] < one["n"]:
        said += f" in {one['n_clusters']:,} groups"
    return f"{said} ({one['n_left_out']:,} without a pair)" if one["n_left_out"] else said


def tests(facts: Facts) -> Table:
    """Give every test's p-value, raw and corrected."""
    rows = [
        [
            named(one),
            f"{one['system']} - {one['baseline']}",
            *(p_value(one[name]) for name in ("p", "p_holm", "p_bh", "p_wilcoxon", "p_sign")),
            percent(
                one["win_rate"]["mean"] if one["higher_is_better"] else 1 - one["win_rate"]["mean"]
            ),
            number(one["rank_biserial"], 2),
            number(one["power"], 2),
            _boot(one["bootstrap"]),
            _n(one),
        ]
        for one in facts["comparisons"]
    ]
    return Table(
        title="Every test",
        header=[
            *("measure", "systems", "permutation", "Holm", "BH", "Wilcoxon-Pratt", "sign"),
            *("win rate", "rank-biserial", "power", "bootstrap interval", "n"),
        ],
        rows=rows,
        note="The permutation's p decides and is corrected; the others stand beside it. For scores "
        "of 0 and 1 the sign test is McNemar's exact test. With groups, Wilcoxon's and the sign "
        "test take the mean of each. The win rate is that of the better score, with half of the "
        "ties.",
        is_detail=True,
    )


def _boot(interval: Facts | None) -> str:
    return f"{signed(interval['low'])} to {signed(interval['high'])}" if interval else NONE


def paper(facts: Facts) -> Table:
    """Give the columns of the published study, where its definitions were asked for."""
    rows = [
        [
            one["metric"],
            one["system"],
            number(one["baseline_mean"], 4),
            number(one["system_mean"], 4),
            signed(one["system_mean"] - one["baseline_mean"], 4),
            NONE if one["improvement_percent"] is None else f"{one['improvement_percent']:+.1f} %",
            p_value(one["p_mann_whitney"]),
            f"{one['n']:,}",
        ]
        for one in facts["comparisons"]
        if facts.get("paper_compat") and not one.get("section")
    ]
    return Table(
        title="As the published study shows it",
        header=["measure", "system", "base", "tuned", "difference", "improvement", "p (U)", "n"],
        rows=rows,
        note="p is of the Mann-Whitney U test, which takes the two systems' answers to the same "
        "items for unrelated: it is here to be compared with the study, not to conclude from.",
    )


def subgroups(facts: Facts) -> Table:
    """Give the difference within each part."""
    rows = [
        [one["by"], one["value"], one["measure"], one["system"], _part(one), f"{one['n']:,}"]
        for one in facts.get("subgroups", [])
    ]
    return Table(
        title="Subgroups",
        header=["by", "part", "measure", "system", "difference [95 %]", "n"],
        rows=rows,
        note="Not tested: of many parts some differ by chance.",
        is_detail=True,
    )


def _part(one: Facts) -> str:
    d = one["difference"]
    if d is None:
        return "too few items"
    return f"{signed(d['mean'])} [{signed(d['low'])}, {signed(d['high'])}]"


def answers(facts: Facts) -> Table:
    """Give what became of each system's answers, and what they took."""
    rows = []
    for system in facts["systems"]:
        fates = system["fates"]
        seconds, joules = system.get("seconds_median"), system.get("joules_per_answer")
        tokens = system.get("answer_tokens_median")
        rows.append(
            [
                system["name"],
                system["spec"],
                *(f"{fates[f]:,}" for f in ("answered", "truncated", "empty", "failed", "missing")),
                number(system.get("length_ratio"), 2),
                NONE if tokens is None else f"{tokens:g}",
                NONE if seconds is None else f"{seconds:.2g} s",
                "not measured" if joules is None else _energy(joules, system),
            ]
        )
    return Table(
        title="Answers",
        header=[
            *("system", "model", "answered", "cut off", "empty", "failed", "missing"),
            *("length / reference", "tokens", "time", "energy"),
        ],
        rows=rows,
        note="Tokens and time are the median of an answer, energy its mean, of the whole machine "
        "while it answered. Where nothing was measured there is no number.",
    )


def _energy(joules: float, system: Facts) -> str:
    """Give "12.5 J, n 40, of package-0 and GPU 0"."""
    n, of = system.get("n_joules"), " and ".join(system.get("joules_of") or [])
    return f"{joules:.3g} J" + (f", n {n:,}" if n else "") + (f", of {of}" if of else "")


def number(value: float | None, digits: int = 3) -> str:
    """Give a number with so many digits behind its point."""
    return NONE if value is None else f"{value:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """Give a number with its sign."""
    return f"{value:+.{digits}f}"


def percent(value: float | None) -> str:
    """Give a share in per cent."""
    return NONE if value is None else f"{100 * value:.0f} %"


def p_value(p: float | None) -> str:
    """Give a p-value; none smaller than what 20,000 permutations can show."""
    if p is None:
        return NONE
    return "< .0001" if p < 1e-4 else f"{p:.4f}".removeprefix("0")
