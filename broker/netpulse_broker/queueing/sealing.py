"""Sealing of everything that lies in Redis and is not meant for those who can read or write Redis.

AES-256-GCM (NIST SP 800-38D) under a key per job and direction, derived with HKDF-SHA256 (RFC 5869) from a master key.
Deriving a key per job keeps the number of messages under one key tiny, so random 96-bit nonces never run out, and
master keys can be rotated: a sealed value names the id of the key that it was made with.

Layout: ``b"NP1"`` · key id (8 bytes) · nonce (12 bytes) · ciphertext and tag.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_MAGIC = b"NP1"
_ID = 8
_NONCE = 12

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
    """Seals and opens JSON values. The first key seals, all keys open."""

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

    @classmethod
    def from_text(cls, keys: Sequence[str]) -> Sealer:
        """From the setting's keys: 32 bytes each in URL-safe base64, the current one first."""
        return cls([base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)) for key in keys])

    def mark(self, value: bytes) -> str:
        """A keyed digest (HMAC-SHA256): equal for equal values; without the key nobody can try values out."""
        key = HKDFExpand(SHA256(), 32, b"netpulse mark").derive(self._current.secret)
        return hmac.new(key, value, hashlib.sha256).hexdigest()

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
            value: anything ``json.dumps`` takes.
            job_id, queue, direction, kind, sequence: where it belongs; it opens nowhere else.
            expires: epoch seconds after which it no longer opens.
        """
        nonce = os.urandom(_NONCE)
        plain = json.dumps([expires, value], separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        bound = _bound(job_id, queue, direction, kind, sequence)
        cipher = _cipher(self._current, job_id, direction).encrypt(nonce, plain, bound)
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
            plain = _cipher(key, job_id, direction).decrypt(
                sealed[3 + _ID : start], sealed[start:], _bound(job_id, queue, direction, kind, sequence)
            )
        except InvalidTag:
            raise SealBroken("the seal is broken") from None
        expires, value = json.loads(plain.decode("utf-8", "surrogatepass"))
        if time.time() >= expires:
            raise SealBroken("the sealed value has expired")
        return value


def _cipher(key: _MasterKey, job_id: str, direction: Direction) -> AESGCM:
    # HKDF's extract step is for inputs that are not uniformly random; a master key is (RFC 5869, section 3.3).
    info = b"netpulse\0" + direction.encode() + b"\0" + job_id.encode()
    return AESGCM(HKDFExpand(SHA256(), 32, info).derive(key.secret))


def _bound(job_id: str, queue: str, direction: Direction, kind: str, sequence: int) -> bytes:
    return json.dumps([job_id, queue, direction, kind, sequence], separators=(",", ":")).encode()
