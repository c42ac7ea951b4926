"""pytest fixtures for the real lab; load them with `pytest_plugins = ["tests.lab.fixtures_real"]`.

On a machine that cannot run a part of the lab, its tests are skipped and say why. In CI (environment variable CI set
to true) the same is a failure: there a silent gap would look like a pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.real import FrrLab, SshdHost


def require(availability: tuple[bool, str]) -> None:
    """Skip the test when its part of the lab is not available, or fail it when this is CI."""
    possible, reason = availability
    if possible:
        return
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(f"CI has to run this test, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def frr_lab() -> Iterator[FrrLab]:
    """Two FRR routers, shared by the whole test run: compare counters before and after, or call `reset()`."""
    require(FrrLab.available())
    with FrrLab() as lab:
        yield lab


@pytest.fixture(scope="session")
def sshd_host() -> Iterator[SshdHost]:
    """A Linux host behind sshd: with password and key as root, with a key only otherwise."""
    require(SshdHost.available())
    with SshdHost() as host:
        yield host
