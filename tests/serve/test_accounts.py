"""Accounts: passwords, roles, keys, idle locks, and a brake on guessing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from medllm.errors import ConfigError
from medllm.serve.accounts import Accounts
from medllm.serve.door import SignIn, TooManyGuesses
from medllm.serve.sessions import AccountDoor
from tests.cli.running import run
from tests.serve.running import NOTE, Running

PASSWORD = "correct horse battery"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    made = Accounts(tmp_path / "accounts.json")
    made.add("ada", "clinician", PASSWORD)
    return made


def door_of(accounts: Accounts, clock: Clock) -> AccountDoor:
    return AccountDoor(accounts, idle_lock_s=900, clock=clock)


def shown(password: str, name: str = "ada") -> SignIn:
    return SignIn(name=name, password=password)


def test_a_password_opens_a_session_and_stands_nowhere(accounts: Accounts, tmp_path: Path) -> None:
    door = door_of(accounts, Clock())
    cookie = door.sign_in(shown(PASSWORD))
    assert cookie is not None
    user = door.who(bearer="", cookie=cookie)
    assert user is not None
    assert (user.name, user.role) == ("ada", "clinician")
    path = tmp_path / "accounts.json"
    assert PASSWORD not in path.read_text()
    assert "$argon2id$" in path.read_text()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_an_idle_session_locks_and_a_busy_one_ends_after_a_shift(accounts: Accounts) -> None:
    clock = Clock()
    door = door_of(accounts, clock)
    cookie = door.sign_in(shown(PASSWORD)) or ""
    clock.now += 899
    assert door.who(bearer="", cookie=cookie)
    clock.now += 901
    assert door.who(bearer="", cookie=cookie) is None
    cookie = door.sign_in(shown(PASSWORD)) or ""
    for _ in range(48):
        clock.now += 899
        assert door.who(bearer="", cookie=cookie)
    clock.now += 899
    assert door.who(bearer="", cookie=cookie) is None


def test_of_ten_thousand_guesses_ten_are_looked_at_in_fifteen_minutes(accounts: Accounts) -> None:
    clock = Clock()
    door = door_of(accounts, clock)
    looked_at = 0
    for _ in range(10_000):
        clock.now += 0.09
        try:
            assert door.sign_in(shown("a wrong guess")) is None
            looked_at += 1
        except TooManyGuesses:
            pass
    assert looked_at <= 10
    with pytest.raises(TooManyGuesses):
        door.sign_in(shown(PASSWORD))
    clock.now += 3_600
    assert door.sign_in(shown(PASSWORD))


def test_a_key_opens_for_its_account_and_goes_with_it(accounts: Accounts, tmp_path: Path) -> None:
    door = door_of(accounts, Clock())
    key = accounts.make_key("ada")
    assert key not in (tmp_path / "accounts.json").read_text()
    user = door.who(bearer=key, cookie="")
    assert user is not None
    assert user.name == "ada"
    for wrong in (key[:-1], key + "x", "mk--", "", "Quaggaridge"):
        assert door.who(bearer=wrong, cookie="") is None
    Accounts(tmp_path / "accounts.json").remove("ada")  # by another process
    assert door.who(bearer=key, cookie="") is None


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [("Ada", "admin", PASSWORD), ("ada", "admin", PASSWORD), ("x", "king", PASSWORD),
     ("x", "admin", "short")],
)  # fmt: skip
def test_an_account_that_cannot_be_is_refused(
    accounts: Accounts, name: str, role: str, password: str
) -> None:
    with pytest.raises(ConfigError):
        accounts.add(name, role, password)  # type: ignore[arg-type]


def test_roles_hold_on_a_server_and_other_addresses_need_tls(
    serve: Callable[..., Running], tmp_path: Path, index_dir: Path
) -> None:
    data = tmp_path / "data"
    (tmp_path / "password").write_text(PASSWORD)
    for name, role in (("ada", "clinician"), ("eve", "engineer")):
        given = ("--data", data, "--role", role, "--password-file", tmp_path / "password")
        assert run("accounts", "add", name, *given, home=tmp_path).code == 0
    key = run("accounts", "key", "eve", "--data", data, home=tmp_path).out.strip()
    refused = run("serve", "--index", index_dir, "--host", "0.0.0.0", "--data", data, home=tmp_path)
    assert refused.code == 2
    assert "needs TLS" in refused.err
    running = serve("--data", data)
    assert running.token == ""
    origin = {"origin": running.url.rstrip("/")}
    with httpx.Client(base_url=running.url, headers=origin, timeout=60) as ada:
        wrong = {"name": "ada", "password": "wrong password"}
        assert ada.post("/api/v1/session", json=wrong).status_code == 401
        right = {"name": "ada", "password": PASSWORD}
        assert ada.post("/api/v1/session", json=right).json()["role"] == "clinician"
        assert ada.post("/api/v1/findings", json={"note": NOTE}).status_code == 200
        assert ada.post("/api/v1/documents/delete", json={"ids": ["x"]}).status_code == 403
        assert ada.get("/api/v1/feedback/export").status_code == 403
    bearer = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=running.url, headers=bearer, timeout=60) as eve:
        assert eve.get("/api/v1/jobs").status_code == 200
        assert eve.post("/api/v1/session", json={"token": ""}).status_code == 401
    log = (data / "audit.jsonl").read_text()
    assert '"who": "ada", "what": "findings"' in log
