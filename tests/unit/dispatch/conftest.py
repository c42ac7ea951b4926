"""A dispatcher against a real server, and a node of the test's own that executes what comes."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis

from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.schedulers import SCHEDULERS
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.jobs.worker_queue import ClaimedJob, WorkerQueue
from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.ownership import NodeOwnership
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from netpulse_broker.states import JobStatus, Outcome
from tests.lab.redis_server import RedisServer


def submission(device: str = "r1", **changes: Any) -> JobSubmission:
    payload = {
        "operation": "query",
        "driver": "netmiko",
        "connection_args": {"host": device},
        "commands": ["show clock"],
    }
    payload |= {name: changes.pop(name) for name in list(changes) if name in JobPayload.model_fields}
    values: dict[str, Any] = {"device": device, "host": device, "owner": "key1"} | changes
    return JobSubmission(payload=JobPayload.model_validate(payload), **values)


class TestNode:
    """Takes start orders and executes the jobs of its devices, in a thread, until closed."""

    __test__ = False

    def __init__(self, server: RedisServer, sealer: Sealer, *, name: str = "n1", capacity: int = 10) -> None:
        self._server = server
        self._sealer = sealer
        self._clients: list[redis.Redis] = []
        self.name = name
        self.lease = NodeLease(self._client(), node=name, kind="pinned", capacity=capacity, ttl=300)
        self.lease.acquire()  # for the whole test: nobody renews it
        self.ownership = NodeOwnership(self._client(), self.lease)
        self.executed: list[str] = []
        self.behaviour: Callable[[ClaimedJob], dict[str, Any]] = lambda job: {"type": 1, "retval": job.payload.commands}
        self._sources: list[WorkerQueue] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def _client(self) -> redis.Redis:
        self._clients.append(self._server.client())
        return self._clients[-1]

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(timeout=60)
        for client in self._clients:
            client.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            order = self.ownership.next_order(0.01)
            if order is not None:
                self._start(order.device)
                self.ownership.order_done(order)
            for source in self._sources:
                while (job := source.claim()) is not None:
                    self.executed.append(job.place.id)
                    result = self.behaviour(job)
                    source.finish(job.place, status=JobStatus.FINISHED, outcome=Outcome.OK, result=result, duration=0.0)

    def _start(self, device: str) -> None:
        number = len(self._sources) + 1
        token, worker = self.lease.token(number), f"{self.name}.{number}"
        assert self.ownership.adopt(device, token=token, pid=os.getpid(), started=1, worker=worker)
        self._sources.append(
            WorkerQueue(
                self._client(),
                self._sealer,
                queue=f"device:{device}",
                token=token,
                worker=worker,
                node=self.name,
            )
        )


@pytest.fixture
def sealer() -> Sealer:
    return Sealer([os.urandom(32)])


@pytest.fixture
def node(redis_server: RedisServer, sealer: Sealer) -> Iterator[TestNode]:
    """A node that is registered; ``start()`` makes it work."""
    made = TestNode(redis_server, sealer)
    yield made
    made.close()


@pytest.fixture
async def dispatcher(redis_server: RedisServer, sealer: Sealer) -> AsyncIterator[Dispatcher]:
    # A thousand requests at once may wait for longer than usual where other tests run beside.
    settings = Settings(redis=redis_server.settings.model_copy(update={"socket_timeout": 60.0}))
    made = Dispatcher(settings, sealer, SCHEDULERS["least_load"], controller="c1")
    await made.start()
    yield made
    await made.stop()
