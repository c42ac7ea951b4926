from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import structlog

from netpulse_broker.api import wrong_keys
from netpulse_broker.api.wrong_keys import FREE, WrongKeys


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited, which nobody does here."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("netpulse_broker.api.wrong_keys.asyncio.sleep", sleep)
    return waited


async def test_the_first_are_answered_at_once_and_further_ones_wait(pauses: list[float]) -> None:
    wrong = WrongKeys()
    with structlog.testing.capture_logs() as lines:
        for _ in range(FREE + 20):
            await wrong.presented("192.0.2.1")
        await wrong.presented("192.0.2.2")
    assert pauses == [wrong_keys.DELAY] * 20
    told: list[Any] = [(line["address"], line["tries"]) for line in lines if line["event"] == "api_key_wrong"]
    assert told == [*(("192.0.2.1", number) for number in range(1, FREE + 1)), ("192.0.2.1", 10), ("192.0.2.2", 1)]


async def test_waiting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong_keys, "MOST_WAITING", 3)
    monkeypatch.setattr(wrong_keys, "DELAY", 3600.0)
    wrong = WrongKeys()
    for _ in range(FREE):
        await wrong.presented("192.0.2.1")
    held = [asyncio.create_task(wrong.presented("192.0.2.1")) for _ in range(3)]
    await asyncio.sleep(0)
    await wrong.presented("192.0.2.1")  # does not wait
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert wrong._waiting == 0


async def test_a_right_key_is_never_slowed_down(client: httpx.AsyncClient, pauses: list[float]) -> None:
    for _ in range(FREE + 1):
        refused = await client.get("/job", headers={"X-API-KEY": "guess"})
        assert refused.status_code == 403
    assert len(pauses) == 1
    assert (await client.get("/job")).status_code == 200
    assert len(pauses) == 1
