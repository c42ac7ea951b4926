"""What a controller need not tell with each job."""

from __future__ import annotations

import pytest

from netpulse_broker.dispatch import announced
from netpulse_broker.dispatch.announced import AGAIN, Announced


class Clock:
    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("netpulse_broker.dispatch.announced.time.monotonic", lambda: clock.now)
    return clock


def test_what_redis_has_not_taken_is_told_again(clock: Clock) -> None:
    told = Announced()
    assert told.due(("q", "r1", "h1"))
    assert told.due(("q", "r1", "h1"))
    told.told(("q", "r1", "h1"))
    assert not told.due(("q", "r1", "h1"))
    assert told.due(("q", "r1", "h2"))
    clock.now += AGAIN
    assert told.due(("q", "r1", "h1"))


def test_no_more_are_remembered_than_fit(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced, "MOST", 2)
    told = Announced()
    for name in ("a", "b", "a", "c"):
        told.told((name,))
    assert told.due(("b",))
    assert not told.due(("a",))
    assert not told.due(("c",))
