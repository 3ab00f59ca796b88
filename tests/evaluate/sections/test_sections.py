"""One report holds search, findings, summaries, robustness and answers, corrected together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medllm.cli.main import main
from medllm.evaluate.report.tables import all_tables
from medllm.evaluate.tasks.hard_prompts import read_hard_prompts
from tests.evaluate.invented import ADVICE, write_records
from tests.fake_server import FakeServer

NOTES = ("Fever, headache and stiff neck for one day.", "Child with fever and barking cough.")
ANNOTATED = {
    "id": "a",
    "text": "He had fever and no rash.",
    "clinical_entities": [{"start": 7, "end": 12}, {"start": 20, "end": 24}],
    "results": [],
    "events": [{"start": 20, "end": 24, "polarity": "NEG"}],
}


def report_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def index(tmp_path_factory, examples: Path) -> Path:
    place = tmp_path_factory.mktemp("sections") / "idx"
    articles = str(examples / "articles.jsonl")
    assert main(["index", "build", articles, "--kind", "articles", "--to", str(place)]) == 0
    return place


def configure(place: Path, index: Path, examples: Path, summariser: str) -> Path:
    notes = [{"id": str(at), "text": text} for at, text in enumerate(NOTES)]
    (place / "notes.jsonl").write_text("\n".join(map(json.dumps, notes)), encoding="utf-8")
    (place / "annotated.jsonl").write_text(json.dumps(ANNOTATED) + "\n", encoding="utf-8")
    config = place / "cfg.toml"
    config.write_text(
        f"""[evaluate]
[[evaluate.retrieval]]
name = "articles"
index = "{index}"
queries = "{examples / "queries.jsonl"}"
qrels = "{examples / "qrels.tsv"}"
[evaluate.findings]
annotated = "annotated.jsonl"
[evaluate.summaries]
notes = "notes.jsonl"
index = "{index}"
models = ["extractive", "{summariser}"]
""",
        encoding="utf-8",
    )
    return config


def test_search_findings_and_summaries_stand_in_one_report(tmp_path, index, examples, capsys):
    made_up = json.dumps({"sentences": [{"text": "Give 900 mg of gold.", "sources": [1]}]})
    with FakeServer(lambda request: made_up) as server:
        worse = f"openai:{server.openai_url}#tiny:latest"
        config = configure(tmp_path, index, examples, worse)
        out = tmp_path / "out"
        assert main(["evaluate", str(config), "--to", str(out)]) == 0
        n_asked = len(server.received)
        assert n_asked
        assert main(["evaluate", str(config), "--to", str(out)]) == 0
        assert len(server.received) == n_asked, "what was scored is not summarised again"
    facts = report_of(out)
    assert [s["title"] for s in facts["sections"]] == [
        "Search: articles",
        "Findings",
        "Cited summaries",
    ]
    said = " ".join(facts["summary"])
    assert "(n = 6 queries)" in said
    assert "in 1 note)" in said
    assert "tiny:latest wrote a summary for" in said
    assert "127.0.0.1" not in said
    assert "too few to test" in said, "of two notes nothing can be concluded"
    titles = [table.title for table in all_tables(facts)]
    assert {"Search: articles", "Findings", "Cited summaries"} <= set(titles)
    assert "held-out" not in said
    assert not (out / "README.md").exists(), "there is no model to describe"
    for name in ("report.html", "report.md", "report.json", "metrics.jsonl"):
        assert "barking" not in (out / name).read_text(encoding="utf-8"), name
    assert "barking" not in (out / "summaries/scores.jsonl").read_text(encoding="utf-8")


def test_notes_are_read_again_mistyped_and_in_other_words(tmp_path, index, examples):
    config = configure(tmp_path, index, examples, "extractive:none")
    text = config.read_text(encoding="utf-8").replace(', "extractive:none"', "")
    config.write_text(
        f"{text}[evaluate.robustness]\ntypos = true\nparaphrases = true\n", encoding="utf-8"
    )
    long = "Dyspnoea and headache for 14 days, with swollen ankles, sweating, weakness, dizziness, "
    long += "nausea every morning since Sunday, tiredness, palpitations and trembling hands."
    notes = [{"text": long}, {"text": "Fever. Cough."}]
    (tmp_path / "notes.jsonl").write_text("\n".join(map(json.dumps, notes)), encoding="utf-8")
    assert main(["evaluate", str(config), "--to", str(tmp_path / "out")]) == 0
    sections = report_of(tmp_path / "out")["sections"]
    again = next(s for s in sections if s["title"] == "Notes in other words")
    kept = {m["name"]: m["systems"] for m in again["measures"]}
    assert kept["findings kept"]["paraphrases"]["mean"] == 1.0
    assert kept["findings kept"]["paraphrases"]["n"] == 1, "no rule changes the second note"
    assert kept["documents kept"]["typos"]["n"] >= 1
    assert "1 by paraphrases" in again["tables"][0]["note"]


def test_a_summariser_that_is_down_is_not_taken_for_silent(tmp_path, index, examples, capsys):
    with FakeServer(modes=["refuse_schema", "reset_first"]) as server:
        spec = f"openai:{server.openai_url}#tiny:latest"
        config = configure(tmp_path, index, examples, spec)
        assert main(["evaluate", str(config), "--to", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "the same command goes on where it stopped" in " ".join(told.split())
    kept = (tmp_path / "out/summaries/scores.jsonl").read_text(encoding="utf-8")
    assert "extractive|1" in kept
    assert "tiny" not in kept


def refuses_or_invents(request) -> str:
    """A model that refuses what it reads of killing, invents what it does not know, and answers
    questions with mistyped words worse."""
    question = request["messages"][-1]["content"]
    if "kill" in question:
        return "I'm sorry, but I cannot help with that."
    for at, advice in enumerate(ADVICE):
        known = ("sore throat", "itchy", "swollen", "burning", "cough", "headache")[at]
        if known in question:
            return advice
    return "It is exactly 42."


CONFIG = """[evaluate]
records = ["test.jsonl"]
[[evaluate.systems]]
name = "tiny"
model = "openai:{url}#tiny:latest"
[evaluate.findings]
annotated = "annotated.jsonl"
[evaluate.robustness]
typos = true
paraphrases = true
hard_prompts = true
"""


def test_other_words_and_hard_questions_are_reported(tmp_path, capsys):
    write_records(tmp_path / "test.jsonl", 12)
    (tmp_path / "annotated.jsonl").write_text(json.dumps(ANNOTATED) + "\n", encoding="utf-8")
    with FakeServer(refuses_or_invents) as server:
        config = tmp_path / "cfg.toml"
        config.write_text(CONFIG.format(url=server.openai_url), encoding="utf-8")
        out = tmp_path / "out"
        assert main(["evaluate", str(config), "--to", str(out)]) == 0
    facts = report_of(out)
    words, hard, _ = facts["sections"]
    assert (words["title"], hard["title"]) == ("Other words", "Hard questions")
    typos, reworded = (n_changed(words, kind) for kind in ("typos", "paraphrases"))
    assert min(typos, reworded) > 8
    assert {(c["baseline"], c["system"]) for c in facts["comparisons"]} >= {
        ("tiny", "tiny (typos)"),
        ("tiny", "tiny (paraphrases)"),
    }
    assert facts["n_hypotheses"] == len([c for c in facts["comparisons"] if c["p"] is not None])
    refused, invented = (m["systems"]["tiny"] for m in hard["measures"])
    prompts = read_hard_prompts()
    n_killing = sum("kill" in item.question for item in prompts.benign)
    assert refused["mean"] == pytest.approx(n_killing / 64)
    assert refused["low"] < refused["mean"] < refused["high"]
    assert invented["mean"] > 0.9
    said = " ".join(facts["summary"])
    assert "of 64 benign questions that sound dangerous" in said
    assert "of 64 questions that nobody can answer as if it knew" in said
    assert (out / "predictions/tiny.typos.jsonl").is_file()
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "64 benign questions" in card
    assert "Findings" in " ".join(facts["summary"])
    assert "Findings" not in card, "that is not about the model"
    assert "127.0.0.1" not in card
    lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    steps = [e for e in events if e["event"] == "step" and e["what"].startswith("asking")]
    assert [e["n"] for e in steps] == [12, typos, reworded, 128]
    assert all(e["seconds"] >= 0 for e in steps)
    assert any(e["event"] == "score" and e["section"] == "Hard questions" for e in events)
    assert "Patient" not in "".join(lines)


def n_changed(section: dict, kind: str) -> int:
    """How many questions were changed and asked again."""
    likeness = next(m for m in section["measures"] if m["name"] == "likeness to its own answer")
    return likeness["systems"][f"tiny ({kind})"]["n"]


def test_the_hard_questions_are_many_and_in_pairs():
    prompts = read_hard_prompts()
    assert len(prompts.benign) == len(prompts.unanswerable) >= 60
    assert len(set(prompts.categories)) >= 8
    questions = [item.question for item in (*prompts.benign, *prompts.unanswerable)]
    assert len(set(questions)) == len(questions)
    told = read_hard_prompts("Be brief.").benign[0]
    assert [m.role for m in told.messages] == ["system", "user"]
    assert told.question == prompts.benign[0].question


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("", "nothing is evaluated"),
        ('records = ["test.jsonl"]', "records and systems go together"),
        ('[evaluate.summaries]\nnotes = "n.jsonl"', "summaries need notes, index and models"),
        (
            '[[evaluate.retrieval]]\nname="a"\nindex="i"\nqueries="q"\nqrels="r"\nmodes=["bm52"]',
            "modes are each one of bm25, dense, hybrid",
        ),
        ("[evaluate.robustnes]\ntypos = true", "unknown key evaluate.robustnes"),
    ],
)
def test_a_section_that_is_wrong_is_refused_in_one_line(tmp_path, capsys, more, message):
    config = tmp_path / "cfg.toml"
    config.write_text(f"[evaluate]\n{more}\n", encoding="utf-8")
    assert main(["evaluate", str(config), "--to", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_answers_from_a_file_cannot_be_asked_again_in_other_words(tmp_path, capsys):
    write_records(tmp_path / "test.jsonl", 6)
    (tmp_path / "annotated.jsonl").write_text(json.dumps(ANNOTATED) + "\n", encoding="utf-8")
    lines = [json.dumps({"id": f"r{at}", "text": "Rest and drink."}) for at in range(6)]
    (tmp_path / "given.jsonl").write_text("\n".join(lines), encoding="utf-8")
    config = tmp_path / "cfg.toml"
    text = CONFIG.format(url="x").replace('model = "openai:x#tiny:latest"', "")
    text = text.replace('name = "tiny"', 'name = "tiny"\npredictions = "given.jsonl"')
    config.write_text(text, encoding="utf-8")
    assert main(["evaluate", str(config), "--to", str(tmp_path / "out")]) == 2
    assert "robustness needs a system that can be asked" in capsys.readouterr().err
