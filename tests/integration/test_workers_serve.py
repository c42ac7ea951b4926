"""Workers as real processes, doing their daily work."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.broker import BrokerUnderTest
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer


async def test_a_second_job_runs_on_the_session_of_the_first(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            first = await broker.run(device, "one", "two")
            second = await broker.run(device, "three")
            assert (first.status, first.outcome) == ("finished", "ok"), first.result
            assert first.result is not None
            assert first.result["retval"] == {"one": "did one", "two": "did two"}
            assert first.result["session_reused"] is False
            assert second.result is not None
            assert second.result["session_reused"] is True
            assert device.logins == 1
            assert first.worker == second.worker
