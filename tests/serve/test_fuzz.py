"""Whatever is sent, the answer is of a declared status, and none is a mistake of ours."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serve.running import NOTE, Running

EXPECTED = {200, 201, 202, 404, 409, 412, 413, 415, 422, 429}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS: dict[str, dict[str, Any]] = {
    "/api/v1/findings": {"note": NOTE},
    "/api/v1/deidentify": {"note": NOTE},
    "/api/v1/search": {"text": "fever", "kind": "articles", "top": 3, "sex": "F", "age_from": 2.0},
    "/api/v1/ask": {"note": NOTE, "corrections": {"rejected": [], "added": []}},
    "/api/v1/ask/jobs": {"note": NOTE, "corrections": {}},
    "/api/v1/compare": {"note": NOTE},
    "/api/v1/documents/read": {"id": "example-a01"},
    "/api/v1/feedback": {"answer": "x", "claim": 1, "rating": "right", "comment": ""},
    "/api/v1/jobs/x/cancel": {},
    "/cds-services/medllm-literature": {
        "hook": "patient-view",
        "hookInstance": "7c9b8a4e-7d3f-4c0a-9d49-3c8c1f0c9c11",
        "context": {"patientId": "1"},
        "prefetch": {"patient": {"resourceType": "Patient"}},
    },
    "/v1/chat/completions": {"model": "medllm", "messages": [{"role": "user", "content": NOTE}]},
}


@pytest.fixture(scope="module")
def declared(server: Running) -> dict[str, set[int]]:
    with server.client() as client:
        paths = client.get("/api/v1/openapi.json").json()["paths"]
    return {
        path: {int(status) for status in methods["post"]["responses"]}
        for path, methods in paths.items()
        if "post" in methods
    }


@pytest.mark.parametrize("path", FIELDS)
def test_odd_bodies_get_a_declared_answer(
    path: str, server: Running, declared: dict[str, set[int]]
) -> None:
    template = path.replace("/x/", "/{job_id}/").replace("medllm-literature", "{service_id}")
    changes = st.dictionaries(st.sampled_from([*FIELDS[path], "more"]), ANYTHING, max_size=2)

    with server.client() as client:

        @settings(
            max_examples=25, derandomize=True, deadline=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(changes, ANYTHING, st.booleans())
        def send(changed: dict[str, Any], whole: Any, is_whole: bool) -> None:
            check(client, path, whole if is_whole else {**FIELDS[path], **changed})

        send()

    assert declared[template] & {200, 201, 202}


def check(client: httpx.Client, path: str, body: Any) -> None:
    try:
        answer = client.post(path, json=body)
    except UnicodeEncodeError:
        return  # no client can send half a surrogate pair
    assert answer.status_code in {200, 201, 202, 404, 409, 412, 413, 415, 422, 429}, (
        answer.status_code
    )
    assert answer.headers["content-type"].startswith("application/json")
