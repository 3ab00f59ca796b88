"""Signed tokens of a records system: whose they are, what for, how long, and never twice."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from medllm.errors import ConfigError
from medllm.serve.door import RECORDS_SYSTEM
from tests.serve.running import Running
from tests.serve.test_cds_hooks import HERE, PATIENT, condition, hook

jwt = pytest.importorskip("jwt", reason="PyJWT is not installed")
ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402

from medllm.serve import records_system  # noqa: E402
from medllm.serve.records_system import RecordsSystem  # noqa: E402

ISSUER = "https://records.example"
ENDPOINT = "https://medllm.example/cds-services/medllm-literature"
CURVE = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)


def jwk(key: Any, key_id: str, **more: str) -> dict[str, Any]:
    kinds = jwt.algorithms
    algorithm = kinds.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else kinds.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, **more}


def keys_at(path: Path, *keys: dict[str, Any]) -> str:
    path.write_text(json.dumps({"keys": list(keys)}))
    return str(path)


@pytest.fixture
def system(tmp_path: Path) -> RecordsSystem:
    keys = keys_at(tmp_path / "keys.json", jwk(CURVE, "curve", alg="ES384"), jwk(RSA, "rsa"))
    return RecordsSystem(ISSUER, keys)


def token(key: Any = CURVE, algorithm: str = "ES384", key_id: str = "curve", **changed: Any) -> str:
    now = int(time.time())
    told = {"iss": ISSUER, "aud": ENDPOINT, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
    told |= changed
    payload = {name: value for name, value in told.items() if value is not None}
    return str(jwt.encode(payload, key, algorithm, headers={"kid": key_id}))


def is_let_in(system: RecordsSystem, shown: str) -> bool:
    return system.who(shown, frozenset({ENDPOINT})) is not None


def test_a_token_of_either_algorithm_opens(system: RecordsSystem) -> None:
    user = system.who(token(), frozenset({ENDPOINT}))
    assert user is not None
    assert (user.name, user.role) == (RECORDS_SYSTEM, "clinician")
    assert is_let_in(system, token(RSA, "RS384", "rsa"))
    assert is_let_in(system, token(aud=["https://else.example", ENDPOINT]))


NOW = int(time.time())
WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://else.example"},
    "another audience": {"aud": "https://medllm.example/cds-services/other"},
    "no audience": {"aud": None},
    "over": {"exp": NOW - 60},
    "not over for a day": {"exp": NOW + 86_400},
    "never over": {"exp": None},
    "made tomorrow": {"iat": NOW + 86_400},
    "no number": {"jti": None},
    "an empty number": {"jti": ""},
    "an unknown key": {"key_id": "other"},
    "no key named": {"key_id": ""},
    "another's key": {"key": ec.generate_private_key(ec.SECP384R1())},
    "another algorithm of the key": {"key": RSA, "algorithm": "RS256", "key_id": "rsa"},
    "the public key as a secret": {"key": "x" * 48, "algorithm": "HS384", "key_id": "rsa"},
    "no signature": {"key": None, "algorithm": "none"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_token_that_is_wrong_in_anything_opens_nothing(system: RecordsSystem, wrong: str) -> None:
    assert not is_let_in(system, token(**WRONG[wrong]))


def test_a_token_is_good_once_also_when_it_is_shown_to_many_threads(
    system: RecordsSystem,
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    shown = token()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: is_let_in(system, shown), range(32)))
    assert sum(found) == 1


def test_what_is_no_token_opens_nothing(system: RecordsSystem) -> None:
    for shown in ("", ".", "..", "a.b.c", token()[:-2], token().replace(".", "", 1), "é.é.é"):
        assert not is_let_in(system, shown)


def test_weak_keys_and_shared_secrets_are_not_taken(tmp_path: Path) -> None:
    small = rsa.generate_private_key(65537, 1024)
    other_curve = ec.generate_private_key(ec.SECP256R1())
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}
    path = keys_at(tmp_path / "keys.json", jwk(small, "a"), jwk(other_curve, "b"), secret)
    with pytest.raises(ConfigError, match="no public keys"):
        RecordsSystem(ISSUER, path)
    for text in ("", "[]", "{}", '{"keys": 3}', '{"keys": [3, null]}', "\udc80"):
        (tmp_path / "keys.json").write_text(text, errors="surrogateescape")
        with pytest.raises(ConfigError, match="no public keys"):
            RecordsSystem(ISSUER, path)
    with pytest.raises(ConfigError, match="begin with https"):
        RecordsSystem(ISSUER, "http://records.example/keys.json")


def test_a_key_that_is_new_in_the_file_is_found(tmp_path: Path, system: RecordsSystem) -> None:
    new = ec.generate_private_key(ec.SECP384R1())
    keys_at(tmp_path / "keys.json", jwk(new, "new"))
    assert is_let_in(system, token(new, key_id="new"))
    assert not is_let_in(system, token())  # the old one is withdrawn


class Files(BaseHTTPRequestHandler):
    """Keys at /keys, a way to them at /moved, and more than anybody's keys at /endless."""

    keys = b""
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("location", "/keys")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b" " * 2_000_000 if self.path == "/endless" else self.keys)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


def test_keys_of_an_address_are_fetched_without_following_it_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Files.keys = json.dumps({"keys": [jwk(CURVE, "curve")]}).encode()
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as files:
        threading.Thread(target=files.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{files.server_port}"
        assert records_system._fetch(f"{url}/keys") == Files.keys
        with pytest.raises(httpx.HTTPStatusError):
            records_system._fetch(f"{url}/moved")
        with pytest.raises(ValueError, match="too long"):
            records_system._fetch(f"{url}/endless")
        # The address has to have TLS; here the way there is one without.
        monkeypatch.setattr(
            records_system, "_fetch", lambda place, fetch=records_system._fetch: fetch(
                place.replace("https://records.example", url)
            ),
        )  # fmt: skip
        Files.asked.clear()
        system = RecordsSystem(ISSUER, "https://records.example/keys")
        assert Files.asked == []  # the server starts also while the other is down
        assert is_let_in(system, token())
        for _ in range(20):
            assert not is_let_in(system, token(key_id="other"))
        assert Files.asked == ["/keys"]
        files.shutdown()


def test_the_server_takes_a_token_for_its_cds_services_and_for_nothing_else(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    keys = keys_at(tmp_path / "keys.json", jwk(CURVE, "curve"))
    settings = [f"serve.cds_issuer={ISSUER}", f"serve.cds_keys={keys}"]
    server = serve("--data", tmp_path / "data", settings=settings)
    here = server.url.rstrip("/")
    body = hook(patient=PATIENT, conditions=condition("pulmonary embolism"))
    with server.client() as client:

        def status(path: str, shown: str, told: Any = body) -> int:
            client.headers["authorization"] = f"Bearer {shown}"
            return client.post(path, json=told).status_code

        shown = token(aud=here + HERE)
        assert status(HERE, shown) == 200
        assert status(HERE, shown) == 401
        assert status(HERE, token(aud="https://else.example" + HERE)) == 401
        assert status("/api/v1/findings", token(aud=here + HERE), {"note": "A fever."}) == 401
        assert status("/api/v1/findings", token(aud=here + "/api/v1/findings"), {}) == 401
        given = {"feedback": [{"card": "x", "outcome": "accepted"}]}
        assert status(f"{HERE}/feedback", token(aud=f"{here}{HERE}/feedback"), given) == 200
        assert status(HERE, server.token) == 200
    server.stop()
    log = (tmp_path / "data" / "audit.jsonl").read_text()
    assert RECORDS_SYSTEM in log
    assert shown not in log + server.log.decode()


def test_an_issuer_without_keys_is_refused_at_the_start(serve: Callable[..., Running]) -> None:
    with pytest.raises(AssertionError, match="need both"):
        serve(settings=[f"serve.cds_issuer={ISSUER}"])
