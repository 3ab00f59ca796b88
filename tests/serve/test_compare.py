"""Two models on the same evidence: blind on the server, revealed once rated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fake_server import FakeServer
from tests.serve.running import NOTE, Running


def answer(request: Any) -> str:
    return json.dumps({"sentences": [{"text": "Pulmonary embolism was found.", "sources": [1]}]})


def test_nothing_says_whose_summary_it_is_until_it_is_rated(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    with FakeServer(answer, modes=["ok", "ok", "ok", "ok", "ok", "reset"]) as model:
        second = f"serve.compare=openai:{model.openai_url}#tiny"
        running = serve("--data", tmp_path / "data", settings=[second])
        with running.client() as client:
            sides = []
            for _ in range(6):
                compared = client.post("/api/v1/compare", json={"note": NOTE})
                assert "tiny" not in compared.text
                assert "extractive" not in compared.text
                assert model.url not in compared.text
                body = compared.json()
                sides.append(len(body["left"]["claims"]) > len(body["right"]["claims"]))
            revealed = client.post(f"/api/v1/compare/{body['id']}/rating", json={"better": "left"})
            names = revealed.json()
            longer, shorter = ("left", "right") if sides[-1] else ("right", "left")
            assert names[longer] == "extractive"
            assert names[shorter].endswith("#tiny")
            again = client.post(f"/api/v1/compare/{body['id']}/rating", json={"better": "left"})
            assert again.status_code == 404
            rows = client.get("/api/v1/feedback/export").text.splitlines()
            said = {json.loads(row)["model"]: json.loads(row)["rating"] for row in rows}
    assert said[names["left"]] == "preferred"
    assert said[names["right"]] == "not preferred"
    assert {row["note"] for row in map(json.loads, rows)} == {""}


def test_without_a_second_model_there_is_nothing_to_compare(serve: Callable[..., Running]) -> None:
    with serve().client() as client:
        assert client.post("/api/v1/compare", json={"note": NOTE}).status_code == 409
        assert client.get("/api/v1/session").json()["can_compare"] is False
