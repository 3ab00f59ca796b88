"""An expert study from the command line: blind sheets, a sealed key, ratings back, track C."""

from __future__ import annotations

import csv
import json
import re

import pytest

from medllm.cli.main import main
from medllm.evaluate.experts.sheets import hide_names, names_to_hide, read_key, seal_of
from tests.evaluate.invented import items, write_records

SETTINGS = """[evaluate]
records = ["test.jsonl"]
{more}
[[evaluate.systems]]
name = "llama-base"
predictions = "llama-base.jsonl"
[[evaluate.systems]]
name = "tuned.v2"
predictions = "tuned.v2.jsonl"
"""
SYSTEMS = ("llama-base", "tuned.v2")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A finished evaluation of two systems that like to name themselves."""
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "test.jsonl", 20)
    for name, says in zip(SYSTEMS, ("As LLaMA-3.2-1B, I say rest", "tuned.v2: drink"), strict=True):
        lines = [{"id": f"r{at}", "text": f"{says} a lot, {at} times."} for at in range(20)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (tmp_path / "cfg.toml").write_text(SETTINGS.format(more=""), encoding="utf-8")
    assert main(["evaluate", "cfg.toml", "--to", "out"]) == 0
    return tmp_path / "out"


def export(run, *more):
    to = run.parent / "sheets"
    assert main(["evaluate", "experts", "export", str(run), "--to", str(to), *more]) == 0
    return to


def filled(sheets, rater, rate):
    """A file of ratings as the page saves it; `rate` gives a row for what a code means."""
    key = json.loads((sheets / "key.json").read_text(encoding="utf-8"))
    sheet = key["raters"][rater]
    rows = {code: rate(meaning) for code, meaning in sheet["codes"].items()}
    path = sheets.parent / f"{rater}.json"
    value = {"format": 1, "rater": rater, "sheet": sheet["sheet"], "ratings": rows}
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def rating(level):
    names = ("accuracy", "comprehensiveness", "helpfulness", "relevance")
    return {**dict.fromkeys(names, str(level)), "harm": "none", "omission": "minor"}


def test_a_sheet_names_no_model_no_path_and_no_id(run, capsys):
    sheets = export(run, "--raters", "3")
    assert "seal of the key: " in capsys.readouterr().out
    found = sorted(path.name for path in sheets.iterdir())
    assert found == [
        "key.json",
        *(f"rater-{n}.{kind}" for n in (1, 2, 3) for kind in ("csv", "html")),
    ]
    forbidden = ["llama", "tuned", "invented/", str(run.parent), "predictions", "jsonl"]
    forbidden += [item.key for item in items(20)] + [f'r{at}"' for at in range(20)]
    for path in sheets.iterdir():
        if path.name != "key.json":
            text = path.read_text(encoding="utf-8").lower()
            assert [word for word in forbidden if word.lower() in text] == [], path.name
            assert "[name]" in text
    assert "llama-base" in (sheets / "key.json").read_text(encoding="utf-8")


def test_every_rater_has_an_order_of_their_own_and_hidden_repeats(run):
    sheets = export(run, "--raters", "2", "--seed", "5")
    key = json.loads((sheets / "key.json").read_text(encoding="utf-8"))
    orders = []
    for name in ("rater-1", "rater-2"):
        with (sheets / f"{name}.csv").open(encoding="utf-8-sig", newline="") as handle:
            codes = [row["code"] for row in csv.DictReader(handle)]
        meanings = key["raters"][name]["codes"]
        assert codes == list(meanings)
        assert len(codes) == 44
        repeats = [at for at, code in enumerate(codes) if meanings[code]["repeat"]]
        assert len(repeats) == 4
        assert min(repeats) >= 20, "a repeat comes late, its first time early"
        orders.append([(m["item"], m["system"]) for m in meanings.values()])
    assert orders[0] != orders[1]
    assert not set(key["raters"]["rater-1"]["codes"]) & set(key["raters"]["rater-2"]["codes"])


def test_the_page_asks_for_nothing_and_runs_only_its_own_script(run):
    page = (export(run) / "rater-1.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page.replace("&#x27;", "'")
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)
    assert page.count("<script>") == 1
    assert page.count('class="answer"') == 44


def test_ratings_come_back_unblinded_and_become_track_c(run, capsys):
    sheets = export(run)
    better = {"llama-base": 2, "tuned.v2": 4}
    files = []
    for n, name in enumerate(("rater-1", "rater-2", "rater-3")):
        files.append(
            filled(
                sheets,
                name,
                lambda m, n=n: rating(min(5, better[m["system"]] + (len(m["item"]) + n) % 2)),
            )
        )
    ratings = run.parent / "ratings.json"
    command = ["evaluate", "experts", "import", str(sheets), *map(str, files)]
    assert main([*command, "--to", str(ratings)]) == 0
    assert "132 ratings of 3 raters" in capsys.readouterr().out
    more = 'ratings = ["ratings.json"]'
    (run.parent / "cfg.toml").write_text(SETTINGS.format(more=more), encoding="utf-8")
    assert main(["evaluate", "cfg.toml", "--to", "out"]) == 0
    facts = json.loads((run / "report.json").read_text(encoding="utf-8"))
    accuracy = next(m for m in facts["measures"] if m["name"] == "accuracy (experts)")
    means = {name: row["mean"] for name, row in accuracy["systems"].items()}
    assert means["tuned.v2"] - means["llama-base"] == pytest.approx(2)
    assert facts["experts"]["criteria"]["accuracy"]["n_repeats"] == 12
    assert facts["experts"]["criteria"]["accuracy"]["same_again"] == 1
    assert facts["experts"]["criteria"]["accuracy"]["alpha"] > 0.5
    assert facts["experts"]["strength"]["tuned.v2"] > 0
    names = facts["agreement"]["names"]
    assert "accuracy (experts)" in names
    assert "ROUGE-L" in names
    assert len(facts["agreement"]["disagreements"]) == 20
    assert "No expert has rated" not in " ".join(facts["limits"])
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Agreement of the 3 raters" in page
    assert "To be looked at by somebody" in page


def test_a_spreadsheet_comes_back_as_well(run, capsys):
    sheets = export(run, "--raters", "1")
    path = sheets / "rater-1.csv"
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows[:30]:
        row.update(rating(3))
    back = run.parent / "back.csv"
    with back.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    to = str(run.parent / "ratings.json")
    assert main(["evaluate", "experts", "import", str(sheets), str(back), "--to", to]) == 0
    said = capsys.readouterr()
    assert "30 ratings of 1 raters" in said.out
    assert "rater-1 left 14 answers unrated" in said.err


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("key", "key.json was changed after it was sealed"),
        ("sheet", "belongs to another sheet"),
        ("code", "1 codes that are not on the sheet of rater-1"),
        ("value", "is not in the rubric"),
        ("rater", "is no file of ratings for this key"),
        ("json", "is no file of ratings for this key"),
        ("empty", "nothing is rated"),
        ("twice", "came twice"),
    ],
)
def test_ratings_that_cannot_be_trusted_are_refused(run, capsys, spoil, message):
    sheets = export(run)
    path = filled(sheets, "rater-1", lambda meaning: rating(3))
    value = json.loads(path.read_text(encoding="utf-8"))
    code = next(iter(value["ratings"]))
    if spoil == "key":
        key = json.loads((sheets / "key.json").read_text(encoding="utf-8"))
        first = next(iter(key["raters"]["rater-1"]["codes"].values()))
        first["system"] = "llama-base" if first["system"] == "tuned.v2" else "tuned.v2"
        (sheets / "key.json").write_text(json.dumps(key), encoding="utf-8")
    elif spoil == "sheet":
        value["sheet"] = "0" * 64
    elif spoil == "code":
        value["ratings"]["0000000000"] = value["ratings"][code]
    elif spoil == "value":
        value["ratings"][code]["accuracy"] = "7"
    elif spoil == "rater":
        value["rater"] = "rater-9"
    elif spoil == "empty":
        value["ratings"] = {code: {"accuracy": "3"}}
    path.write_text("[" if spoil == "json" else json.dumps(value), encoding="utf-8")
    files = [str(path)] * (2 if spoil == "twice" else 1)
    to = run.parent / "ratings.json"
    assert main(["evaluate", "experts", "import", str(sheets), *files, "--to", str(to)]) == 2
    assert message in capsys.readouterr().err
    assert not to.exists()


def test_a_key_that_was_changed_and_sealed_again_has_another_seal(run, capsys):
    sheets = export(run)
    noted = json.loads((sheets / "key.json").read_text(encoding="utf-8"))["seal"]
    path = str(filled(sheets, "rater-1", lambda meaning: rating(3)))
    to = str(run.parent / "ratings.json")
    command = ["evaluate", "experts", "import", str(sheets), path, "--to", to, "--seal", noted]
    assert main(command) == 0
    key = read_key(sheets)
    for meaning in key["raters"]["rater-1"]["codes"].values():
        meaning["system"] = "llama-base"
    key["seal"] = seal_of(key)
    (sheets / "key.json").write_text(json.dumps(key), encoding="utf-8")
    capsys.readouterr()
    assert main(command) == 2
    assert "has another seal than was noted down" in capsys.readouterr().err
    assert main(command[:-2]) == 0
    told = capsys.readouterr()
    assert f"seal of the key: {key['seal']}" in told.out
    assert "compare it with the one that was noted down" in told.err


def test_sheets_are_never_written_over(run, capsys):
    sheets = export(run)
    before = (sheets / "key.json").read_bytes()
    assert main(["evaluate", "experts", "export", str(run), "--to", str(sheets)]) == 2
    assert "holds rating sheets already" in capsys.readouterr().err
    assert (sheets / "key.json").read_bytes() == before
    assert main(["evaluate", "experts", "export", "nowhere", "--to", str(sheets)]) == 2


def test_ratings_of_another_study_are_refused(run, capsys):
    row = {"rater": "a", "item": "x/1", "system": "other", "repeat": False, "values": {}}
    (run.parent / "ratings.json").write_text(json.dumps({"ratings": [row]}), encoding="utf-8")
    more = 'ratings = ["ratings.json"]'
    (run.parent / "cfg.toml").write_text(SETTINGS.format(more=more), encoding="utf-8")
    assert main(["evaluate", "cfg.toml", "--to", "out"]) == 2
    assert "are for other systems or records" in capsys.readouterr().err


def test_names_are_hidden_and_ordinary_words_are_kept():
    names = names_to_hide(["base", "ollama:llama3.2:3b", "hf:/models/my-run+/out/adapter_7"])
    assert hide_names("I am Llama3.2:3b.", names) == "I am [name]."
    assert hide_names("ChatGPT and my-run say: adapter_7", names) == "[name] and [name] say: [name]"
    kept = "An acid-base problem; philosophy; the base of the skull."
    assert hide_names(kept, names) == kept


@pytest.mark.slow
def test_the_page_keeps_ticks_and_saves_them_to_a_file(run, tmp_path):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    sheets = export(run, "--raters", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_page()
        page.goto(f"file://{sheets / 'rater-1.html'}")
        assert page.inner_text("[role=status]") == "0 of 44 rated"
        page.set_default_timeout(120_000)  # on a machine that others use too
        one = {"include": [["fieldset.answer:first-of-type"], [".bar"]]}  # all are alike
        assert Axe().run(page, context=one).violations_count == 0
        page.keyboard.press("Tab")  # by the keyboard alone: a level of the first scale
        page.keyboard.press("Space")
        assert page.locator("fieldset.answer").first.locator("input:checked").count() == 1
        card = page.locator("fieldset.answer").first
        for name, level in rating(4).items():
            card.locator(f'input[data-name="{name}"][value="{level}"]').check()
        assert page.inner_text("[role=status]") == "1 of 44 rated"
        page.reload()
        assert page.inner_text("[role=status]") == "1 of 44 rated"
        with page.expect_download() as download:
            page.click("button")
        saved = tmp_path / "saved.json"
        download.value.save_as(saved)
        browser.close()
    to = str(tmp_path / "ratings.json")
    assert main(["evaluate", "experts", "import", str(sheets), str(saved), "--to", to]) == 0
    (row,) = json.loads((tmp_path / "ratings.json").read_text(encoding="utf-8"))["ratings"]
    assert row["values"]["accuracy"] == 4
