"""Which server program is taken, and what is said of one that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from netpulse_broker.embedded.binary import check_binary
from netpulse_broker.embedded.errors import EmbeddedServerError


def program(folder: Path, says: str) -> Path:
    path = folder / "server"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "product", "version"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "Redis", "7.0.15"),
        ("Valkey server v=9.1.2 sha=00000000:0 malloc=libc bits=64", "Valkey", "9.1.2"),
    ],
)
def test_a_server_tells_product_and_version(tmp_path: Path, says: str, product: str, version: str) -> None:
    found = check_binary(program(tmp_path, says))
    assert (found.product, found.version) == (product, version)


@pytest.mark.parametrize(
    ("says", "reason"),
    [("Redis server v=6.2.14 sha=0", "is Redis 6.2.14, older than 7.0"), ("hello", "does not say that it is")],
)
def test_what_cannot_be_used_is_named_with_the_reason(tmp_path: Path, says: str, reason: str) -> None:
    with pytest.raises(EmbeddedServerError, match=reason):
        check_binary(program(tmp_path, says))


def test_a_program_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="does not run"):
        check_binary(tmp_path / "nothing")
