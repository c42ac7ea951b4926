"""A queue with one node, seen from all sides."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.jobs.worker_queue import WorkerQueue
from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.ownership import NodeOwnership
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import Scripts, text
from netpulse_broker.queueing.redis.sealing import Sealer

CONTROLLER = "c1"
PASSWORD = "s3cr3t-device-password"


def payload(**changes: Any) -> JobPayload:
    values: dict[str, Any] = {
        "operation": "query",
        "driver": "netmiko",
        "connection_args": {"host": "192.0.2.1", "password": PASSWORD},
        "commands": ["show version"],
    }
    return JobPayload(**(values | changes))


@dataclass
class Queue:
    """Submit as a controller would, act as a node and as its workers would."""

    client: redis.Redis
    sealer: Sealer = field(default_factory=lambda: Sealer([os.urandom(32)]))
    node: str = "n1"

    def __post_init__(self) -> None:
        self.scripts = Scripts(self.client)
        self.lease = NodeLease(self.client, node=self.node, kind="pinned", capacity=10, ttl=10)
        self.lease.acquire()
        self.ownership = NodeOwnership(self.client, self.lease)
        self.client.xadd(keys.replies(CONTROLLER), {"id": ""})  # as its reader makes it
        self._incarnation = 0

    def worker(self, device: str = "r1") -> WorkerQueue:
        """A worker that owns the device."""
        self._incarnation += 1
        token = self.lease.token(self._incarnation)
        name = f"{self.node}.{self._incarnation}"
        assert self.ownership.adopt(device, token=token, pid=os.getpid(), started=1, worker=name)
        return WorkerQueue(self.client, self.sealer, queue=f"device:{device}", token=token, worker=name, node=self.node)

    def submit(self, device: str = "r1", **changes: Any) -> tuple[str, list[Any]]:
        """Job id and the script's answer."""
        announce = changes.pop("announce", True)
        of_payload = {name: changes.pop(name) for name in list(changes) if name in JobPayload.model_fields}
        values: dict[str, Any] = {"device": device, "host": device, "owner": "key1", "wait": True} | changes
        submission = JobSubmission(payload=payload(**of_payload), **values)
        script_keys, args = submission.script_call(self.sealer, reply_to=CONTROLLER, announce=announce)
        return submission.id, self.scripts("submit", keys=script_keys, args=args)

    def job(self, job_id: str) -> JobRecord:
        fields: dict[Any, Any] = self.client.hgetall(keys.rq_job(job_id))
        record = JobRecord.from_hash(job_id, {text(name): value for name, value in fields.items()})
        entries: Any = self.client.xrevrange(keys.rq_results(job_id), count=1)
        if entries:
            record.take_result(self.sealer, entries[0][1][b"sealed"])
        return record

    def replies(self) -> list[dict[str, bytes]]:
        entries: Any = self.client.xrange(keys.replies(CONTROLLER))
        return [{text(name): value for name, value in fields.items()} for _, fields in entries[1:]]

    def wait_until_ms_passes(self) -> None:
        now = int(time.time() * 1000)
        while int(time.time() * 1000) <= now:
            pass


@pytest.fixture
def queue(redis_client: redis.Redis) -> Queue:
    return Queue(redis_client)
