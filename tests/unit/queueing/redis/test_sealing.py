from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

import pytest

from netpulse_broker.queueing.redis.sealing import SealBroken, Sealer

PLACE: dict[str, Any] = {"job_id": "j1", "queue": "device:r1", "direction": "to_worker", "kind": "query", "sequence": 3}


@pytest.fixture
def sealer() -> Sealer:
    return Sealer([os.urandom(32)])


def seal(sealer: Sealer, value: Any = "hello", expires: float | None = None) -> bytes:
    return sealer.seal(value, **PLACE, expires=time.time() + 60 if expires is None else expires)


@pytest.mark.parametrize("value", ["", "ü€\udc80\ud800", None, 0, 1.5, [1, {"a": None}], {"long": "x" * 100_000}])
def test_opens_what_it_sealed(sealer: Sealer, value: Any) -> None:
    assert sealer.open(seal(sealer, value), **PLACE) == value


@pytest.mark.parametrize("name", sorted(PLACE))
def test_opens_nowhere_else(sealer: Sealer, name: str) -> None:
    sealed = seal(sealer)
    other = {"direction": "to_caller", "sequence": 4}.get(name, "elsewhere")
    with pytest.raises(SealBroken):
        sealer.open(sealed, **(PLACE | {name: other}))


def test_every_flipped_byte_is_noticed(sealer: Sealer) -> None:
    sealed = seal(sealer)
    for position in range(len(sealed)):
        broken = bytearray(sealed)
        broken[position] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(bytes(broken), **PLACE)


def test_every_truncation_is_noticed(sealer: Sealer) -> None:
    sealed = seal(sealer)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(sealed[:length], **PLACE)


def test_expires(sealer: Sealer) -> None:
    with pytest.raises(SealBroken, match="expired"):
        sealer.open(seal(sealer, expires=time.time() - 1), **PLACE)


def test_keys_rotate() -> None:
    old, new = os.urandom(32), os.urandom(32)
    sealed_before = seal(Sealer([old]))
    both = Sealer([new, old])
    assert both.open(sealed_before, **PLACE) == "hello"
    sealed_after = seal(both)
    assert Sealer([new]).open(sealed_after, **PLACE) == "hello"
    with pytest.raises(SealBroken, match="not configured"):
        Sealer([old]).open(sealed_after, **PLACE)


def test_hides_the_value_and_never_repeats(sealer: Sealer) -> None:
    first, second = seal(sealer, "top secret"), seal(sealer, "top secret")
    assert b"top secret" not in first
    assert first != second


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 31, b"x" * 33])
def test_refuses_keys_of_another_length(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer([secret])


def test_refuses_to_work_without_a_key() -> None:
    with pytest.raises(ValueError, match="no master key"):
        Sealer([])


def test_reads_keys_as_the_settings_write_them() -> None:
    secret = os.urandom(32)
    padded = base64.urlsafe_b64encode(secret).decode()
    sealed = seal(Sealer([secret]))
    assert Sealer.from_text([padded]).open(sealed, **PLACE) == "hello"
    assert Sealer.from_text([padded.rstrip("=")]).open(sealed, **PLACE) == "hello"


def test_plain_json_is_no_sealed_value(sealer: Sealer) -> None:
    with pytest.raises(SealBroken):
        sealer.open(json.dumps({"operation": "query"}).encode(), **PLACE)
