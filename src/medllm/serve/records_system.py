"""Calls of a records system, known by the signed token (JWT) of CDS Hooks 2.0.

After https://cds-hooks.hl7.org/2.0/#trusting-cds-clients. The issuer and where its keys are come
from the settings alone: the address in a token (`jku`) is never looked at.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from medllm.errors import ConfigError
from medllm.serve.door import RECORDS_SYSTEM, User

log = logging.getLogger(__name__)

_LONGEST_S = 600.0
"""A token is good for five minutes in the specification; twice that is the most taken."""
_LEEWAY_S = 30.0
"""For clocks that differ."""
_RETRY_S = 60.0
"""Between two looks for keys: an unknown one must not make this server ask at each call."""
_TIMEOUT_S = 5.0
_MAX_BYTES = 1_000_000
_MIN_RSA_BITS = 2048
_REQUIRED = ["iss", "aud", "exp", "iat", "jti"]

Keys = Mapping[str, tuple[str, Any]]
"""Key id -> the one algorithm that it is for, and the key."""


class RecordsSystem:
    """Who may call as the records system; any number of threads."""

    def __init__(self, issuer: str, keys: str, *, clock: Callable[[], float] = time.time) -> None:
        """Read the keys of a file; those of an address are fetched when the first call comes.

        Raises `ConfigError` for a file that is no JWKS, and for an address without TLS.
        """
        self._issuer = issuer
        self._place = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._looked = -_RETRY_S
        self._keys: Keys = {}
        if not _is_address(keys):
            self._keys = _read_file(Path(keys))
        elif urlsplit(keys).scheme != "https":
            raise ConfigError("serve.cds_keys must be a file or begin with https://")

    def who(self, token: str, endpoints: frozenset[str]) -> User | None:
        """Give the records system for a token that is its own, meant for here, and new. Blocks.

        `endpoints` are the addresses that the token may name as its audience. None says nothing
        about why: neither the caller nor the log learns it.
        """
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key = self._find(str(header.get("kid", "")))
            if header.get("alg") != algorithm:
                return None
            told = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=sorted(endpoints),
                leeway=_LEEWAY_S,
                options={"require": _REQUIRED},
            )
        except (jwt.PyJWTError, LookupError, ValueError, TypeError):
            return None
        is_new = self._is_new(str(told["jti"]), float(told["exp"]))
        return User(RECORDS_SYSTEM, "clinician", RECORDS_SYSTEM, "key") if is_new else None

    def _is_new(self, token_id: str, until: float) -> bool:
        """Tell whether a token was not shown before, and remember it until it is over."""
        now = self._clock()
        if not token_id or until > now + _LONGEST_S + _LEEWAY_S:
            return False
        with self._lock:
            self._seen = {one: end for one, end in self._seen.items() if end > now - _LEEWAY_S}
            if token_id in self._seen:
                return False
            self._seen[token_id] = until
            return True

    def _find(self, key_id: str) -> tuple[str, Any]:
        """Give a key; one that is not known may be new: the keys are looked at again."""
        with self._lock:
            is_due = time.monotonic() - self._looked >= _RETRY_S
            if key_id not in self._keys and is_due:
                self._looked = time.monotonic()
                self._keys = self._look_again()
            return self._keys[key_id]

    def _look_again(self) -> Keys:
        try:
            if not _is_address(self._place):
                return _read_file(Path(self._place))
            return _keys_in(_fetch(self._place))
        except (ConfigError, httpx.HTTPError, ValueError) as exc:
            log.warning("the keys of serve.cds_keys cannot be read: %s", type(exc).__name__)
            return self._keys


def _is_address(place: str) -> bool:
    return "://" in place


def _read_file(path: Path) -> Keys:
    try:
        return _keys_in(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"serve.cds_keys: {path} holds no public keys for RS384 or ES384",
            hint="name the issuer's JWKS, a file or an https:// address",
        ) from exc


def _fetch(url: str) -> bytes:
    with httpx.stream(
        "GET", url, timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False
    ) as response:
        response.raise_for_status()
        content = b""
        for block in response.iter_bytes():
            content += block
            if len(content) > _MAX_BYTES:
                raise ValueError("too long")
        return content


def _keys_in(content: bytes) -> Keys:
    """Give the keys of a JWKS that are strong enough; raise `ValueError` where there are none."""
    try:
        rows = json.loads(content)["keys"]
        named = [row for row in rows if isinstance(row, dict) and row.get("kid")]
    except (TypeError, KeyError) as exc:
        raise ValueError("no JWKS") from exc
    found = {str(row["kid"]): usable for row in named if (usable := _usable(row)) is not None}
    if not found:
        raise ValueError("no key that can be used")
    return found


def _usable(row: dict[str, Any]) -> tuple[str, Any] | None:
    """Give a public key with its algorithm, None for any other: shared secrets, small ones."""
    if row.get("use", "sig") != "sig" or row.get("kty") not in ("RSA", "EC"):
        return None
    algorithm = "RS384" if row["kty"] == "RSA" else "ES384"
    try:
        key = jwt.PyJWK(row, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    is_strong = (isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS) or (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP384R1)
    )
    return (algorithm, key) if is_strong and row.get("alg", algorithm) == algorithm else None
