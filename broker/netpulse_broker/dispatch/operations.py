"""What an operator does to a device's queue and to a node: look, pause, resume, release, drain."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import (
    Conflict,
    NoWorker,
    UnknownDevice,
    UnknownJob,
    UnknownNode,
    WaitTimedOut,
)
from netpulse_broker.queueing.jobs.commit_ledger import CommitRecord, read_records
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.nodes.orders import Order
from netpulse_broker.queueing.nodes.worker_index import NodeRecord, WorkerIndex
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import redis_needed
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.times import now_iso, parse_time
from netpulse_broker.states import DeviceState, JobStatus

RELEASE_TIMEOUT = 30.0
"""Seconds that closing a device's sessions may take, once it is their turn."""

SHOWN = 100
"""Waiting jobs that a device's view names, in the order in which they will run."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A device's queue is held. ``by`` is the id of the API key."""

    since: datetime | None
    by: str


@dataclass(slots=True, kw_only=True)
class DeviceView:
    """What is going on at a device. Texts are "" where there is nothing to say.

    Attributes:
        running: id of the running job; ``operation``, ``driver`` and ``started_at`` are the running job's.
        queued: waiting jobs by lane.
        waiting: ids of the first of them.
        interactive: state of the interactive session, when the running job is one.
        commits: changes with a timer, newest first.
    """

    device: str
    state: DeviceState = DeviceState.NONE
    node: str = ""
    worker: str = ""
    since: datetime | None = None
    sessions: int = 0
    drivers: list[str] = field(default_factory=list)
    running: str = ""
    operation: str = ""
    driver: str = ""
    started_at: datetime | None = None
    interactive: str = ""
    queued: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    pause: Pause | None = None
    commits: list[CommitRecord] = field(default_factory=list)


class DeviceOperations:
    """Operators' side of the queue. All methods raise ``QueueUnavailable`` when Redis cannot be reached."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._client = dispatcher.client
        self._scripts = AsyncScripts(self._client)
        self._workers = WorkerIndex(self._client)

    # -- a device ---------------------------------------------------------------------------------------------------

    async def device(self, name: str) -> DeviceView:
        """What is going on at the device; two round trips.

        Raises:
            UnknownDevice
        """
        with redis_needed():
            return await self._look(name)

    async def _look(self, name: str) -> DeviceView:
        lanes = keys.lanes(f"device:{name}")
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(keys.device(name))
        pipeline.hget(keys.PAUSED, name)
        pipeline.exists(keys.device_jobs(name))
        pipeline.hgetall(keys.commits(name))
        for lane in lanes:
            pipeline.llen(lane)
            pipeline.lrange(lane, 0, SHOWN - 1)
        fields, paused, known, commits, *rest = await pipeline.execute()
        owner = {text(key): text(value) for key, value in fields.items()}
        view = DeviceView(
            device=name,
            state=DeviceState(owner.get("state", DeviceState.NONE)),
            node=owner.get("node", ""),
            worker=owner.get("worker", ""),
            since=parse_time(owner.get("since", "")),
            sessions=int(owner.get("sessions", "0") or 0),
            drivers=[driver for driver in owner.get("driver", "").split(",") if driver],
            running=owner.get("job", ""),
            queued=dict(zip(keys.LANES, rest[::2], strict=True)),
            waiting=[text(job) for lane in rest[1::2] for job in lane][:SHOWN],
            commits=read_records(commits),
        )
        if paused is not None:
            since, _, by = text(paused).partition(" ")
            view.pause = Pause(parse_time(since), by)
        if not (owner or paused or known or view.commits or any(view.queued.values())):
            raise UnknownDevice(
                f"nothing is known of a device {name!r}; its name is its host as job objects show it under `device`"
            )
        if view.running:
            pipeline.hmget(keys.rq_job(view.running), ["operation", "driver", "started_at"])
            pipeline.hget(keys.session(view.running), "state")
            job, interactive = await pipeline.execute()
            view.operation, view.driver, started = (text(value or b"") for value in job)
            view.started_at = parse_time(started)
            view.interactive = text(interactive or b"")
        return view

    async def pause(self, name: str, *, by: str) -> Pause:
        """Start nothing more of the device's queue; the running job goes on. Holds until ``resume``.

        Returns:
            Since when it is paused; an earlier pause stands.
        """
        with redis_needed():
            await self._scripts("pause", keys=[keys.device(name)], args=[name, now_iso(), by])
            since, _, who = text(await self._client.hget(keys.PAUSED, name) or b"").partition(" ")
        return Pause(parse_time(since), who)

    async def resume(self, name: str) -> int:
        """Let the queue go on; the number of jobs that wait in it."""
        queue = f"device:{name}"
        with redis_needed():
            _, pending, place = await self._scripts(
                "resume", keys=[keys.device(name), keys.wake(queue), *keys.lanes(queue)], args=[name, now_iso()]
            )
            if place:
                with suppress(NoWorker):  # the sweepers go on trying
                    await self._dispatcher.placement.place([name])
        return int(pending)

    async def release(self, name: str, *, owner: str, wait: float) -> int:
        """Close the device's sessions after the running job and before every waiting one, also while it is paused.

        Returns:
            How many were closed; 0 at once when the device has no worker.

        Raises:
            WaitTimedOut: the running job did not end in time; the release was taken back.
            NoWorker
        """
        with redis_needed():
            fields = await self._client.hmget(keys.device(name), ["token", "driver"])
        if fields[0] is None:
            return 0
        record = await self._dispatcher.submit_and_wait(_release(name, text(fields[1] or b""), owner, wait), wait)
        if not record.final:
            with suppress(Conflict, UnknownJob):
                await self._dispatcher.cancel(JobFilter(id=record.id))
            raise WaitTimedOut(f"the device was busy for {wait:g} s; the release was taken back")
        result = record.result or {}
        if record.status != JobStatus.FINISHED:
            raise NoWorker(f"the sessions were not released: {(result.get('error') or {}).get('message', 'unknown')}")
        return int((result.get("retval") or {}).get("closed", 0))

    # -- nodes ------------------------------------------------------------------------------------------------------

    async def nodes(self) -> list[NodeRecord]:
        """All registered nodes, by name."""
        with redis_needed():
            return await self._workers.nodes()

    async def drain(self, name: str) -> NodeRecord:
        """Tell a node to take nothing more, let its running jobs end, give its devices back, and end.

        Raises:
            UnknownNode
            Conflict: the node is dead; what it had is placed elsewhere by itself.
        """
        found = next((node for node in await self.nodes() if node.name == name), None)
        if found is None:
            raise UnknownNode(f"no node has the name {name!r}; GET /node lists them")
        if not found.alive:
            raise Conflict(f"node {name!r} gives no sign of life; its devices are placed elsewhere by themselves")
        if not found.draining:
            with redis_needed():
                await self._client.rpush(keys.orders(name), Order.encode("drain"))
        return found


def _release(name: str, drivers: str, owner: str, wait: float) -> JobSubmission:
    return JobSubmission(
        payload=JobPayload(
            operation="lease",
            driver=drivers.partition(",")[0] or "netmiko",  # of no consequence: all sessions are closed
            connection_args={},
            driver_args={"reset": True},
            timeout=RELEASE_TIMEOUT,
        ),
        device=name,
        host=name,
        owner=owner,
        ttl=max(int(wait + 0.999), 1),
        result_ttl=60,
        priority="control",
    )
