"""A job on its way into the queue."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.queueing.redis.times import now_iso
from netpulse_drivers import QueueStrategy

Priority = Literal["control", "interactive", "normal", "batch"]

IDEMPOTENCY_TTL = 86400
"""Seconds that an idempotency key is remembered."""


class WebhookCall(Protocol):
    """What the submission of a job with a webhook needs of it (``webhooks.submission``)."""

    @property
    def wanted(self) -> dict[str, Any]:
        """What makes two of them the same."""
        ...

    def fields(self, sealer: Sealer, job_id: str, *, ends: float) -> dict[str, Any]:
        """Fields of the job's hash: the sealed delivery; ``ends``: when the job has ended at the latest."""
        ...


@dataclass(slots=True, kw_only=True)
class JobSubmission:
    """What a request asks for, validated.

    Attributes:
        payload: what the worker gets, sealed.
        device: identity of the device (``dispatch.device_identity``).
        host: as the caller wrote it, for listings.
        strategy: where it runs; a change always takes its turn in the device's order, whatever stands here.
        owner: id of the API key that submitted it.
        ttl: seconds that it may wait in the queue.
        result_ttl: seconds that its result is kept.
        wait: whether the submitter is going to wait for the end.
        created_at: when it was made, in RQ's time format; the dispatcher writes Redis' time here.
        webhook: who is called when it has ended.
        max_age: the same query's answer may be shared while it is being made, or until it is so many seconds old;
            None: never.
        idempotency_key: the same key and body within a day give the same job instead of another one.
    """

    payload: JobPayload
    device: str
    host: str
    owner: str
    strategy: QueueStrategy = "pinned"
    ttl: int = 300
    result_ttl: int = 3600
    priority: Priority = "normal"
    idempotent: bool = False
    idempotency_key: str | None = None
    wait: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: str = field(default_factory=now_iso)
    webhook: WebhookCall | None = None
    max_age: float | None = None

    @property
    def fifo(self) -> bool:
        return self.strategy == "fifo" and self.payload.operation != "change"

    @property
    def queue(self) -> str:
        """RQ queue name."""
        return keys.FIFO if self.fifo else keys.lane(self.device, self.priority)

    @property
    def announces(self) -> tuple[str, str, str]:
        """What need not be written down with each job: queue, device that has jobs, host that it is reached by."""
        return self.queue, self.device, self.host

    def digest(self) -> str:
        """Of everything that makes two requests the same request."""
        body = [self.payload.model_dump(mode="json"), self.device, self.strategy, self.priority, self.idempotent]
        if self.webhook is not None:
            body.append(self.webhook.wanted)
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    def kept_as(self, sealer: Sealer) -> str:
        """Key under which the answer is shared: with the same owner, for the same query with the same credentials."""
        if self.max_age is None:
            return ""
        body = self.payload.model_dump(mode="json", exclude={"timeout"})
        return keys.kept(sealer.mark(json.dumps([self.owner, self.device, self.fifo, body], sort_keys=True).encode()))

    def script_call(self, sealer: Sealer, *, reply_to: str, announce: bool = True) -> tuple[list[str], list[Any]]:
        """Keys and arguments of the submit script.

        Args:
            reply_to: controller that waits for the end, if ``wait``.
            announce: write down as well that the queue and the host exist; needed now and then.
        """
        expires = sealer.clock.now() + self.ttl + 60
        sealed = sealer.seal(
            self.payload,
            job_id=self.id,
            queue=self.queue,
            direction="to_worker",
            kind=self.payload.operation,
            expires=expires if not self.idempotent else expires + self.ttl + self.payload.timeout,
        )
        fields: dict[str, Any] = {
            "created_at": self.created_at,
            "enqueued_at": self.created_at,
            "origin": self.queue,
            "timeout": int(self.payload.timeout + 0.999),
            "ttl": self.ttl,
            "result_ttl": self.result_ttl,
            "description": "",
            "host": self.host,
            "owner": self.owner,
            "priority": self.priority,
            "idempotent": "1" if self.idempotent else "0",
            "expires": expires,
            "reply_to": reply_to if self.wait else "",
        }
        if self.webhook is not None:
            # By then the job has ended, one way or another, even if it ran twice.
            fields |= self.webhook.fields(sealer, self.id, ends=expires + self.ttl + 2 * self.payload.timeout)
        flat: list[Any] = []
        for name, value in fields.items():
            flat += [name, value]
        return (
            [
                keys.rq_job(self.id),
                keys.rq_queue(self.queue),
                keys.sequence(self.device),
                keys.device_jobs(self.device),
                keys.wake(keys.FIFO if self.fifo else f"device:{self.device}"),
                keys.device(self.device),
                keys.idempotency(self.owner, self.idempotency_key) if self.idempotency_key else "",
                self.kept_as(sealer),
                keys.host_devices(self.host) if self.host != self.device else "",
            ],
            [
                self.id,
                self.queue,
                self.ttl * 1000,
                "fifo" if self.fifo else "device",
                sealer.mark(self.digest().encode()) if self.idempotency_key else "",
                IDEMPOTENCY_TTL,
                int((self.max_age or 0.0) * 1000),
                self.device,
                self.payload.driver,
                self.payload.operation,
                sealed,
                "1" if announce else "",
                *flat,
            ],
        )
