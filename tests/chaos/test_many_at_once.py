"""A node that is asked for many new devices at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.redis import keys
from netpulse_broker.workers.node.fork_client import MOST_UNDER_WAY
from tests.chaos.broker import BrokerUnderTest
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer

AT_ONCE = 150
"""More than a fork server is given at a time."""


@contextmanager
def fleet(count: int) -> Iterator[list[LineDevice]]:
    with ExitStack() as stack:
        yield [stack.enter_context(LineDevice()) for _ in range(count)]


def said(broker: BrokerUnderTest, event: str) -> list[dict[str, object]]:
    """What the roles have logged under that name."""
    lines = (json.loads(line) for line in broker.log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("event") == event]


async def ask_all(broker: BrokerUnderTest, devices: list[LineDevice], command: str) -> Counter[str]:
    """One job for each device in one bulk; how many ended how."""
    jobs = [broker.job(device, command) for device in devices]
    ended = await broker.dispatcher.submit_many_and_wait(jobs, 120.0)
    return Counter(one.status if isinstance(one, JobRecord) else one.code for one in ended)


async def test_each_device_is_started_once(redis_server: RedisServer, tmp_path: Path) -> None:
    assert AT_ONCE > 2 * MOST_UNDER_WAY
    async with BrokerUnderTest(redis_server, tmp_path, node={"capacity": AT_ONCE}) as broker:
        with fleet(AT_ONCE) as devices:
            await broker.start()
            assert await ask_all(broker, devices, "show") == {"finished": AT_ONCE}
            assert await ask_all(broker, devices, "again") == {"finished": AT_ONCE}
            assert Counter(device.logins for device in devices) == {1: AT_ONCE}
            assert all(device.commands == ["show", "again"] for device in devices)
            assert said(broker, "fork_server_lost") == []
            assert len(said(broker, "fork_server_ready")) == 1
            assert len({broker.worker_pid(device) for device in devices}) == AT_ONCE
            assert broker.client.scard(keys.node_devices("n1")) == AT_ONCE
            assert broker.client.llen(keys.orders_taken("n1")) == 0


async def test_a_fork_server_that_is_killed_on_the_way_costs_no_device(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path, node={"capacity": AT_ONCE}) as broker:
        with fleet(AT_ONCE) as devices:
            node = await broker.start()
            jobs = [broker.job(device, "show") for device in devices]
            accepted = await broker.dispatcher.submit_many(jobs)
            devices[0].wait_for_command("show")
            node.fork_server().kill()
            for record in accepted:
                assert isinstance(record, JobRecord)
                assert (await broker.ended(record.id)).status == "finished"
            assert all(device.commands == ["show"] for device in devices)
            assert len(said(broker, "fork_server_lost")) == 1
