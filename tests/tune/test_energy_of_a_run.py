"""A run says what it used where the machine counts it, and says so where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medllm.cli.main import main
from medllm.tune.config import to_toml
from medllm.tune.metrics import read_metrics
from medllm.tune.train import train
from tests.tune.runs import settings

JOULES_A_READING = 3.6


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a counter of a processor that grows by so many joules from step to step."""
    package = tmp_path / "powercap" / "intel-rapl:0"
    package.mkdir(parents=True)
    (package / "name").write_text("package-0")
    (package / "energy_uj").write_text("0")
    monkeypatch.setattr("medllm.energy.COUNTERS", package.parent)
    return package / "energy_uj"


def growing(counter: Path) -> Any:
    def tell(values: dict[str, Any]) -> None:
        if values["event"] == "step":
            counter.write_text(str(int(counter.read_text()) + round(JOULES_A_READING * 1e6)))

    return tell


def test_watt_hours_go_on_over_a_kill_and_grams_need_the_grid(counted, tiny_model, tmp_path):
    config = settings(
        tmp_path, tiny_model, n_records=12, train__max_steps=4, train__grid_g_per_kwh=400.0
    )

    def kill(values: dict[str, Any]) -> None:
        growing(counted)(values)
        if values["event"] == "step" and values["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run", tell=kill)
    report = train(config, tmp_path / "run", resume=True, tell=growing(counted)).report
    # Steps 1 to 3, then 3 and 4 again; what the killed run used after its last line is lost.
    assert report["energy_wh"] == pytest.approx(4 * JOULES_A_READING / 3600)
    assert report["energy_of"] == ["package-0"]
    assert report["co2_g"] == pytest.approx(report["energy_wh"] / 1000 * 400)
    steps = [
        line["energy_wh"] for line in read_metrics(tmp_path / "run") if line["event"] == "step"
    ]
    assert steps == sorted(steps)
    (entry,) = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert entry["results"]["energy_wh"] == report["energy_wh"]


def test_a_machine_without_counters_has_no_number_and_says_why(
    tiny_model, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("medllm.energy.COUNTERS", tmp_path / "nothing")
    config = settings(
        tmp_path,
        tiny_model,
        n_records=8,
        validation=False,
        train__max_steps=1,
        train__grid_g_per_kwh=400.0,
    )
    path = tmp_path / "run.toml"
    path.write_text(to_toml(config))
    assert main(["train", str(path), "--to", str(tmp_path / "run")]) == 0
    assert "energy: not measured (processors: this system has no energy" in capsys.readouterr().out
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["energy_wh"] is None
    assert report["co2_g"] is None
    assert "energy_wh" not in read_metrics(tmp_path / "run")[0]
