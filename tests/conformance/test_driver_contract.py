"""The driver contract, clause by clause (``netpulse_drivers.conformance``), for every driver in ``profiles.TRIED``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers.conformance import CLAUSES, Clause, NotApplicable, Trial
from tests.conformance.profile import Tried
from tests.conformance.profiles import TRIED


@pytest.fixture(autouse=True)
def known_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPULSE_KNOWN_HOSTS", str(tmp_path / "known_hosts"))


@pytest.fixture(scope="module")
def labs() -> Iterator[Callable[[Tried], Any]]:
    """Each kind of lab, brought up when first asked for."""
    with contextlib.ExitStack() as stack:
        running: dict[Any, Any] = {}

        def lab_of(tried: Tried) -> Any:
            if tried.lab not in running:
                running[tried.lab] = stack.enter_context(tried.lab())
            return running[tried.lab]

        yield lab_of


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.name)
@pytest.mark.parametrize("tried", TRIED, ids=lambda tried: tried.name)
def test_clause(tried: Tried, clause: Clause, labs: Callable[[Tried], Any]) -> None:
    with tried.target(labs(tried)) as device:
        try:
            clause.check(Trial(profile=tried.profile, device=device))
        except NotApplicable as reason:
            pytest.skip(str(reason))
        if clause.name == "wrong_credentials":
            assert device.logins() == 0
