"""Sealing of everything that lies in Redis and is not meant for those who can read or write Redis.

AES-256-GCM (NIST SP 800-38D) under a key per job, derived with HKDF-SHA256 (RFC 5869) from a master key; direction,
place and type are bound as associated data. Deriving a key per job keeps the number of messages under one key tiny, so
random 96-bit nonces never run out, and master keys can be rotated: a sealed value names the id of the key that it was
made with.

Layout: ``b"NP1"`` · key id (8 bytes) · nonce (12 bytes) · ciphertext and tag.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_json

from netpulse_broker.queueing.redis.clock import RedisClock

_MAGIC = b"NP1"
_ID = 8
_NONCE = 12

CIPHERS = 32
"""Keys of jobs that are at hand: whoever seals a job's arguments opens its result soon, and the other way round."""

Direction = Literal["to_worker", "to_caller"]


class SealBroken(Exception):
    """A value that this process did not seal, or not for this place, or that has expired."""


@dataclass(frozen=True, slots=True)
class _MasterKey:
    """A 32-byte secret; its id is a digest that reveals nothing of it."""

    id: bytes
    secret: bytes

    @classmethod
    def of(cls, secret: bytes) -> _MasterKey:
        if len(secret) != 32:
            raise ValueError("a master key has 32 bytes")
        return cls(hashlib.sha256(b"netpulse key id\0" + secret).digest()[:_ID], secret)

    def __repr__(self) -> str:
        return f"MasterKey(id={self.id.hex()})"


class Sealer:
    """Seals and opens JSON values. The first key seals, all keys open.

    Attributes:
        clock: by which sealed values expire, on all machines alike.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """From master keys of 32 bytes each, the current one first.

        Raises:
            ValueError: no key, or one of another length.
        """
        if not keys:
            raise ValueError("no master key")
        known = [_MasterKey.of(key) for key in keys]
        self._current = known[0]
        self._keys = {key.id: key for key in known}
        self.clock = RedisClock()
        self._cipher = lru_cache(maxsize=CIPHERS)(_cipher)

    @classmethod
    def from_text(cls, keys: Sequence[str]) -> Sealer:
        """From the setting's keys: 32 bytes each in URL-safe base64, the current one first."""
        return cls([base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)) for key in keys])

    def mark(self, value: bytes) -> str:
        """A keyed digest (HMAC-SHA256): equal for equal values; without the key nobody can try values out."""
        return hmac.digest(_derived(self._current, b"netpulse mark"), value, "sha256").hex()

    def seal(
        self,
        value: Any,
        *,
        job_id: str,
        queue: str,
        direction: Direction,
        kind: str,
        sequence: int = 0,
        expires: float,
    ) -> bytes:
        """Seal a JSON-ready value for one place.

        Args:
            value: anything ``json.dumps`` takes, or a pydantic model.
            job_id, queue, direction, kind, sequence: where it belongs; it opens nowhere else.
            expires: epoch seconds, by ``clock``, after which it no longer opens.
        """
        nonce = os.urandom(_NONCE)
        bound = _bound(job_id, queue, direction, kind, sequence)
        cipher = self._cipher(self._current, job_id).encrypt(nonce, _encoded([expires, value]), bound)
        return _MAGIC + self._current.id + nonce + cipher

    def open(
        self, sealed: bytes, *, job_id: str, queue: str, direction: Direction, kind: str, sequence: int = 0
    ) -> Any:
        """Open what ``seal`` made for the same place.

        Raises:
            SealBroken: tampered with, made for another place or under an unknown key, or expired.
        """
        if sealed[:3] != _MAGIC or len(sealed) < 3 + _ID + _NONCE + 16:
            raise SealBroken("not a sealed value")
        key = self._keys.get(sealed[3 : 3 + _ID])
        if key is None:
            raise SealBroken("sealed under a master key that is not configured here")
        start = 3 + _ID + _NONCE
        try:
            plain = self._cipher(key, job_id).decrypt(
                sealed[3 + _ID : start], sealed[start:], _bound(job_id, queue, direction, kind, sequence)
            )
        except InvalidTag:
            raise SealBroken("the seal is broken") from None
        expires, value = _decoded(plain)
        if self.clock.now() >= expires:
            raise SealBroken("the sealed value has expired")
        return value


def _cipher(key: _MasterKey, job_id: str) -> AESGCM:
    return AESGCM(_derived(key, b"netpulse\0job\0" + job_id.encode()))


def _derived(key: _MasterKey, info: bytes) -> bytes:
    """32 bytes by HKDF-Expand with SHA-256: one block, so T(1) alone (RFC 5869, section 2.3).

    HKDF's extract step is for inputs that are not uniformly random; a master key is (section 3.3).
    """
    return hmac.digest(key.secret, info + b"\x01", "sha256")


def _bound(job_id: str, queue: str, direction: Direction, kind: str, sequence: int) -> bytes:
    return _encoded([job_id, queue, direction, kind, sequence])


def _encoded(value: Any) -> bytes:
    try:
        return to_json(value)
    except (PydanticSerializationError, UnicodeEncodeError):  # a lone surrogate, which UTF-8 has no word for
        return json.dumps(value, separators=(",", ":"), default=_plain).encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} cannot be sealed")


def _decoded(plain: bytes) -> Any:
    try:
        return from_json(plain)
    except ValueError:  # an escaped lone surrogate
        return json.loads(plain)
