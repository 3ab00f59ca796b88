"""The whole evaluation from the command line: its report, its words, its resuming, its refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from medllm.cli.main import main
from medllm.evaluate.held_out import read_held_out
from medllm.evaluate.report.charts import curve
from medllm.evaluate.report.facts import training_curve
from medllm.evaluate.report.words import summarise
from medllm.evaluate.settings import load_settings, to_toml
from tests.conftest import EXAMPLES
from tests.evaluate.invented import items, write_records, write_script

SETTINGS = """[evaluate]
records = ["test.jsonl"]
baseline = "base"
{more}
[[evaluate.systems]]
name = "base"
model = "fake:base.json"
[[evaluate.systems]]
name = "tuned"
model = "fake:tuned.json"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(place: Path, n: int = 12, more: str = "", **answers) -> Path:
    """A folder with records, two scripts and a configuration; tuned answers better."""
    write_records(place / "test.jsonl", n)
    references = [item.reference for item in items(n)]
    base = [" ".join(text.split()[: 4 + at % 3]) for at, text in enumerate(references)]
    tuned = [" ".join(text.split()[: 8 + at % 4]) for at, text in enumerate(references)]
    write_script(place / "base.json", answers.get("base", base))
    write_script(place / "tuned.json", answers.get("tuned", tuned))
    config = place / "cfg.toml"
    config.write_text(SETTINGS.format(more=more), encoding="utf-8")
    return config


def report_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_a_configuration_becomes_a_report_in_four_forms(place, capsys):
    assert main(["evaluate", str(prepare(place)), "--to", "out/demo"]) == 0
    said = capsys.readouterr().out
    assert "tuned scored higher than base" in " ".join(said.split())
    facts = report_of(place / "out" / "demo")
    assert facts["items"]["n"] == 12
    assert facts["n_hypotheses"] == 7
    assert {m["name"] for m in facts["measures"]} >= {"BLEU", "ROUGE-L", "METEOR", "chrF"}
    assert facts["manifest"]["inputs"][0]["sha256"]
    markdown = (place / "out/demo/report.md").read_text(encoding="utf-8")
    assert "## What this does not show" in markdown
    card = (place / "out/demo/README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    assert "Not a medical device" in card


def test_the_long_form_of_the_command_is_the_same(place, capsys):
    config = prepare(place)
    assert main(["evaluate", "run", str(config), "--to", "out/demo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"]["n"] == 12
    assert main(["evaluate", "findings", "--help"]) == 0


def test_the_page_asks_for_nothing_and_escapes_what_it_shows(place):
    config = prepare(place)
    text = config.read_text(encoding="utf-8").replace('name = "tuned"', 'name = "a b"')
    config.write_text(text, encoding="utf-8")
    assert main(["evaluate", str(config), "--to", "out/x<script>"]) == 0
    page = (place / "out/x<script>/report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "x&lt;script&gt;" in page
    outside = [a for a in re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')]+)", page)]
    assert outside == []
    assert page.count("<svg") >= 8
    assert "Content-Security-Policy" in page


def test_no_text_of_a_record_is_in_any_form_of_the_report(place):
    main(["evaluate", str(prepare(place)), "--to", "out/demo"])
    for name in ("report.html", "report.md", "report.json", "scores.json", "README.md"):
        text = (place / "out/demo" / name).read_text(encoding="utf-8")
        for words in ("sore throat", "itchy", "paracetamol", "bandage"):
            assert words not in text, name


def test_a_repeated_run_asks_for_nothing_again(place):
    config = prepare(place)
    assert main(["evaluate", str(config), "--to", "out/demo"]) == 0
    before = report_of(place / "out/demo")
    for name in ("base", "tuned"):
        write_script(place / f"{name}.json", [])
    assert main(["evaluate", str(config), "--to", "out/demo"]) == 0
    again = report_of(place / "out/demo")
    assert again["comparisons"] == before["comparisons"]
    entries = json.loads((place / "out/demo/manifest.json").read_text(encoding="utf-8"))
    assert len(entries) == 2


def test_empty_cut_and_failed_answers_are_said_in_words(place):
    tuned = [
        "", {"text": "cut", "finish": "length"}, {"text": "x", "error": "the server broke off"},
        *["Rest and drink."] * 9,
    ]  # fmt: skip
    main(["evaluate", str(prepare(place, tuned=tuned[1:] + tuned[:1])), "--to", "out/demo"])
    facts = report_of(place / "out/demo")
    tuned_facts = facts["systems"][1]
    assert tuned_facts["fates"] == {
        "answered": 9,
        "truncated": 1,
        "empty": 1,
        "failed": 1,
        "missing": 0,
    }
    said = " ".join(facts["summary"])
    assert "1 cut off" in said
    assert "1 empty" in said
    assert "1 failed" in said
    bleu = facts["measures"][0]["systems"]["tuned"]
    assert bleu["n"] == 11
    assert bleu["mean_if_worst"] < bleu["mean"] < bleu["mean_if_best"]
    assert facts["comparisons"][0]["n_left_out"] == 1


def test_three_items_are_too_few_and_nothing_is_concluded(place):
    main(["evaluate", str(prepare(place, n=3)), "--to", "out/demo"])
    facts = report_of(place / "out/demo")
    assert facts["n_hypotheses"] == 0
    said = " ".join(facts["summary"])
    assert "3 items are too few to test" in said
    assert "nothing can be concluded" in said
    assert "higher" not in said


def test_a_difference_that_is_not_shown_is_not_called_equality(place):
    answers = [item.reference for item in items(12)]
    halves = [" ".join(a.split()[:6]) if at % 2 else a for at, a in enumerate(answers)]
    others = [" ".join(a.split()[:6]) if at % 2 == 0 else a for at, a in enumerate(answers)]
    main(["evaluate", str(prepare(place, base=halves, tuned=others)), "--to", "out/demo"])
    said = " ".join(report_of(place / "out/demo")["summary"])
    assert "no difference between tuned and base was shown" in said
    assert "That does not mean that they are alike" in said
    assert "scored higher" not in said


def test_longer_answers_are_named(place):
    tuned = [f"{item.reference} {item.reference}" for item in items(12)]
    main(["evaluate", str(prepare(place, tuned=tuned)), "--to", "out/demo"])
    said = " ".join(report_of(place / "out/demo")["summary"])
    assert "tuned are 2.0 times as long as the references" in said


def test_answers_that_say_nothing_of_the_item_are_near_the_floor(place):
    others = [item.reference for item in items(12)]
    rotated = [*others[5:], *others[:5]]
    main(["evaluate", str(prepare(place, tuned=rotated)), "--to", "out/demo"])
    said = " ".join(report_of(place / "out/demo")["summary"])
    assert "Hardly above what the same answers score against references of other items" in said
    assert "ROUGE-1 of tuned" in said


def test_tracks_that_contradict_each_other_are_said_to():
    def row(metric, mean, shown=True):
        interval = {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}
        return {
            "metric": metric, "system": "tuned", "baseline": "base", "n": 84, "p": 0.001,
            "difference": interval, "is_shown": shown, "higher_is_better": True,
            "detectable_dz": 0.31,
        }  # fmt: skip

    facts = {
        "baseline": "base",
        "items": {"n": 84, "n_groups": 84},
        "systems": [{"name": n, "fates": {"answered": 84}} for n in ("base", "tuned")],
        "measures": [
            {"name": "BLEU", "track": "lexical", "systems": {}},
            {"name": "accuracy", "track": "judge", "systems": {}},
        ],
        "comparisons": [row("BLEU", 0.2), row("accuracy", -0.4)],
        "n_hypotheses": 2,
    }
    said = " ".join(summarise(facts))
    assert "favours tuned, the judge favours base" in said
    assert "have experts rate these items" in said
    facts["measures"].append({"name": "expert accuracy", "track": "experts", "systems": {}})
    facts["comparisons"].append(row("expert accuracy", 0.5))
    assert "The experts favour tuned." in " ".join(summarise(facts))
    facts["comparisons"][1] = row("accuracy", -0.05, shown=False)
    said = " ".join(summarise(facts))
    assert "contradict" not in said
    assert "below 0.31 standard deviations" in said


def test_the_papers_columns_are_shown_where_asked_for(place):
    config = prepare(place)
    more = ["--set", "evaluate.lexical.paper_compat=true"]
    main(["evaluate", str(config), "--to", "out/demo", *more])
    markdown = (place / "out/demo/report.md").read_text(encoding="utf-8")
    assert "## As the published study shows it" in markdown
    assert "Mann-Whitney" in markdown
    row = next(line for line in markdown.splitlines() if re.match(r"\| METEOR \| tuned \|", line))
    assert re.search(r"\+\d+\.\d %", row)


def test_clusters_are_counted_once(place):
    config = prepare(place, n=24)
    write_records(place / "test.jsonl", 24, group="one dialogue")
    main(["evaluate", str(config), "--to", "out/demo"])
    facts = report_of(place / "out/demo")
    assert facts["items"]["n_groups"] == 1
    assert facts["comparisons"][0]["n_clusters"] == 1
    assert facts["n_hypotheses"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("baseline =", "baselin ="), "unknown key evaluate.baselin"),
        (('"test.jsonl"', '"absent.jsonl"'), "cannot read"),
        (('baseline = "base"', 'ratings = ["nowhere.json"]'), "nowhere.json: no such file"),
        (('name = "tuned"', 'name = "base"'), "two systems have the same name"),
        (('name = "tuned"', 'name = "tuned"\nlikelihood = true'), "likelihood works with hf:"),
        (('model = "fake:tuned.json"', ""), "a system needs either model or predictions"),
        (('baseline = "base"', 'baseline = "bose"'), "baseline must be one of base, tuned"),
        (("fake:tuned.json", "extractive"), "extractive cannot be evaluated"),
        (("[evaluate]", "[evaluat]"), "evaluate is missing"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(place, capsys, change, message):
    config = prepare(place)
    text = config.read_text(encoding="utf-8").replace(*change)
    if change[0] == "[evaluate]":
        text = "[other]\n"
        message = "has no section [evaluate]"
    config.write_text(text, encoding="utf-8")
    assert main(["evaluate", str(config), "--to", "out/demo"]) == 2
    assert message in capsys.readouterr().err


def test_records_without_references_cannot_be_compared_by_words(place, capsys):
    config = prepare(place)
    from medllm.records import Turn

    question = (Turn(role="user", content="What helps against a cough?"),)
    write_records(place / "test.jsonl", 6, messages=question)
    assert main(["evaluate", str(config), "--to", "out/demo"]) == 2
    assert "none of the 6 items can be scored: they have no reference" in capsys.readouterr().err


def test_settings_read_back_as_they_were_written(place):
    settings = load_settings(prepare(place), ["evaluate.judge.repeats=5"])
    (place / "again.toml").write_text(to_toml(settings), encoding="utf-8")
    assert load_settings(place / "again.toml") == settings


def test_a_training_curve_is_read_and_drawn(tmp_path):
    path = tmp_path / "metrics.jsonl"
    rows = [{"step": at, "loss": 2.0 / at} for at in range(1, 900)]
    rows[449]["validation_loss"] = 1.5
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    points = training_curve(path)
    assert 250 < len(points) < 500
    assert {"step": 450.0, "loss": 2.0 / 450, "validation_loss": 1.5} in points
    assert "<polyline" in curve(points).text


def test_runs_are_set_side_by_side_on_the_items_they_share(place, capsys):
    config = prepare(place)
    main(["evaluate", str(config), "--to", "out/first"])
    prepare(place, n=16, more="", tuned=[item.reference for item in items(16)])
    main(["evaluate", str(config), "--to", "out/second"])
    capsys.readouterr()
    assert main(["compare", "out/first", "out/second", "--baseline", "first/tuned"]) == 0
    shown = capsys.readouterr()
    assert "12 items in common, compared with first/tuned" in shown.out
    assert "4 of 16 items of second are left out" in shown.err
    assert main(["compare", "out/first", "out/second", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["baseline"] == "first/base"
    assert {one["system"] for one in facts["comparisons"]} == {
        "first/tuned",
        "second/base",
        "second/tuned",
    }
    best = [c for c in facts["comparisons"] if c["system"] == "second/tuned"]
    assert all(one["is_shown"] and one["n"] == 12 for one in best)


def test_items_that_changed_and_other_definitions_are_not_compared(place, capsys):
    config = prepare(place)
    main(["evaluate", str(config), "--to", "out/first"])
    main(["evaluate", str(config), "--to", "out/second", "--set", "evaluate.lexical.beta=1.2"])
    scores = place / "out/second/scores.json"
    table = json.loads(scores.read_text(encoding="utf-8"))
    table["digests"][0] = "0" * 16
    scores.write_text(json.dumps(table), encoding="utf-8")
    capsys.readouterr()
    assert main(["compare", "out/first", "out/second"]) == 0
    shown = capsys.readouterr()
    assert "11 items in common" in shown.out
    assert "1 of them with another prompt or reference" in shown.err
    assert "ROUGE-1 is not compared: the runs define it differently" in shown.err
    assert "ROUGE-1" not in shown.out
    assert main(["compare", "out/first"]) == 2
    assert main(["compare", "out/first", "out/nowhere"]) == 2
    assert main(["compare", "out/first", "out/second", "--baseline", "x"]) == 2


def test_the_records_are_those_that_data_prepare_writes(place):
    prepare(place)
    assert len(read_held_out([place / "test.jsonl"]).items) == 12


def test_given_answers_for_other_records_are_said(place):
    config = prepare(place)
    lines = [{"id": f"r{at}", "text": "Rest and drink."} for at in range(12)]
    lines += [{"id": "elsewhere", "text": "Rest."}, *lines[:2]]
    text = "\n".join(json.dumps(line) for line in lines)
    (place / "given.jsonl").write_text(text, encoding="utf-8")
    written = config.read_text(encoding="utf-8")
    config.write_text(
        written.replace('model = "fake:tuned.json"', 'predictions = "given.jsonl"'),
        encoding="utf-8",
    )
    assert main(["evaluate", str(config), "--to", "out/demo"]) == 0
    said = " ".join(report_of(place / "out/demo")["summary"])
    assert "1 of the answers given for tuned are for records that are not evaluated here" in said
    assert "2 of the answers given for tuned are for a record that came before" in said


def test_the_examples_of_a_configuration_are_read():
    told = load_settings(EXAMPLES / "evaluate" / "base-and-tuned.toml").evaluate
    assert told.compared_with == "base"
    assert told.records[0].is_absolute()
    told = load_settings(EXAMPLES / "evaluate" / "corpus.toml").evaluate
    shipped = [path for path in told.inputs() if path.name != "index.json"]
    assert shipped
    assert all(path.resolve().is_file() for path in shipped)
