"""Changes with a timer: what is on record of them, and the jobs that ask the device what became of them.

A record is made before anything is sent to the device, and kept apart from its job, so that neither a lost worker nor
the end of the job's ``result_ttl`` forgets that a device may hold a commit. Only the device's worker writes the records
of a device. With each record go a few jobs (operation ``check``), sealed beforehand and queued by the sweeper when the
timer is over; they are deleted when the record is settled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import redis

from netpulse_broker.queueing.jobs.payload import JobPayload, JobPlace
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.readable import readable
from netpulse_broker.queueing.redis.scripts import Scripts
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.states import CommitStatus, JobStatus
from netpulse_broker.times import utc_of

OPEN = frozenset({CommitStatus.COMMITTING, CommitStatus.PENDING, CommitStatus.UNKNOWN})
"""States in which the device may hold a commit that waits."""

KEPT_FOR = 8 * 86400
"""Seconds after its last change that a device's records are kept."""

MOST_RECORDS = 20
"""Records kept of a device."""

ASK_AFTER = (5.0, 300.0, 3600.0)
"""Seconds after the end of the timer at which the device is asked, until it has answered."""

CHECK_TTL = 3600
"""Seconds that such a job may wait in its queue."""

CHECK_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRecord:
    """A change with a timer. Times are seconds since the epoch by the broker's clock; 0: not (yet).

    Attributes:
        job: id of the job that made it.
        name: what the device calls it.
        revert_in: seconds that the device waits.
        committed_at: when the commit was sent.
        until: when the timer may be over at the earliest.
        latest: when it is over at the latest, by the broker's clock.
        before: fingerprint of the running configuration before it; "" when it could not be read.
        asked_at: when the device was last asked what became of it.
        settled_by: id of the job that confirmed it or took it back.
        checked: False while the device shall be asked although the state seems settled.
        said: what asking it brought, when that needs words.
    """

    job: str
    driver: str
    host: str
    owner: str
    state: CommitStatus
    revert_in: float
    name: str = ""
    committed_at: float = 0.0
    until: float = 0.0
    latest: float = 0.0
    before: str = ""
    asked_at: float = 0.0
    settled_by: str = ""
    settled_at: float = 0.0
    checked: bool = True
    said: str = ""

    @property
    def done(self) -> bool:
        """Nothing is left to ask."""
        return self.state not in OPEN and self.checked

    def shown(self, *, now: float | None = None, running: str | None = None) -> dict[str, Any]:
        """JSON-ready, as ``models.commits.Commit`` describes it.

        Args:
            now: seconds since the epoch.
            running: id of the job that runs on the device, where that is known.
        """
        state = self._state_at(time.time() if now is None else now, running)
        return {
            "job": self.job,
            "state": state,
            "name": self.name or None,
            "driver": self.driver,
            "by": self.owner,
            "revert_in": self.revert_in,
            "committed_at": _iso(self.committed_at),
            "pending_until": _iso(self.until),
            "asked_at": _iso(self.asked_at),
            "settled_by": self.settled_by or None,
            "settled_at": _iso(self.settled_at),
            "message": self.said or _WORDS[state],
        }

    def _state_at(self, now: float, running: str | None) -> CommitStatus:
        if self.state == CommitStatus.COMMITTING and running is not None and running != self.job:
            return CommitStatus.UNKNOWN  # its worker was lost: it would have written how it ended
        if self.state == CommitStatus.PENDING and self.latest <= now:
            return CommitStatus.EXPIRED
        return self.state


_WORDS: Mapping[CommitStatus, str] = {
    CommitStatus.COMMITTING: "the job runs; nothing is known yet",
    CommitStatus.PENDING: "the device waits for a confirmation and goes back by itself without one",
    CommitStatus.CONFIRMED: "confirmed: it stays",
    CommitStatus.ROLLED_BACK: "taken back: the device is on the configuration from before",
    CommitStatus.EXPIRED: (
        "the timer is over: unless somebody confirmed it past the broker, the device should be back on its old "
        "configuration; it has not been asked since"
    ),
    CommitStatus.REVERTED: "the device was asked: nothing waits, and its running configuration is the one from before",
    CommitStatus.KEPT: (
        "the device was asked: nothing waits, but its running configuration is not the one from before; it was "
        "confirmed past the broker, or by a job that was lost, or the device was changed since"
    ),
    CommitStatus.UNCLEAR: (
        "the device was asked: nothing waits; whether it has gone back cannot be told, because what it was before is "
        "not known"
    ),
    CommitStatus.UNKNOWN: (
        "the worker or its session was lost while it committed: the device may hold a commit that waits; it is asked "
        "after the timer"
    ),
    CommitStatus.NONE: "nothing was committed",
}


class CommitLedger:
    """The records of one device, as its worker writes them. Methods raise ``redis.RedisError``."""

    def __init__(self, client: redis.Redis, sealer: Sealer, *, device: str) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._sealer = sealer
        self._device = device
        self._key = keys.commits(device)

    def all(self) -> list[CommitRecord]:
        """All records, newest first."""
        return read_records(self._client.hgetall(self._key))

    def begin(self, job: JobPlace, payload: JobPayload, *, revert_in: float, before: str) -> CommitRecord:
        """Put on record that this job is about to commit, and have the device asked in any case."""
        now = time.time()
        # The latest moment at which its timer can end, whatever becomes of the worker.
        latest = now + payload.timeout + revert_in
        record = CommitRecord(
            job=job.id,
            driver=payload.driver,
            host=job.host,
            owner=job.owner,
            state=CommitStatus.COMMITTING,
            revert_in=revert_in,
            committed_at=now,
            until=now + revert_in,
            latest=latest,
            before=before,
        )
        superfluous = [old.job for old in self.all()[MOST_RECORDS - 1 :] if old.job != job.id]
        pipeline = self._client.pipeline()
        pipeline.hset(self._key, job.id, record_text(record))
        pipeline.expire(self._key, KEPT_FOR)
        if superfluous:
            pipeline.hdel(self._key, *superfluous)
        for number, delay in enumerate(ASK_AFTER, 1):
            check = check_id(job.id, number)
            due = self._due(record, delay)
            pipeline.hset(keys.rq_job(check), mapping=self._check_fields(check, job, payload, due=due))
            pipeline.zadd(keys.COMMITS_DUE, {check: due * 1000})
        pipeline.execute()
        return record

    def write(self, records: Iterable[CommitRecord]) -> None:
        """Write what became of commits, and have the device asked again, or no more. May be repeated."""
        pipeline = self._client.pipeline()
        for record in records:
            if record.state == CommitStatus.NONE:
                pipeline.hdel(self._key, record.job)
            else:
                pipeline.hset(self._key, record.job, record_text(record))
                pipeline.expire(self._key, KEPT_FOR)
            for number, delay in enumerate(ASK_AFTER, 1):
                check = check_id(record.job, number)
                if record.done:
                    pipeline.zrem(keys.COMMITS_DUE, check)
                    # Not one that is in its queue already, or runs: it will find that there is nothing left to ask.
                    self._scripts("forget_scheduled", keys=[keys.rq_job(check)], on=pipeline)
                else:
                    pipeline.zadd(keys.COMMITS_DUE, {check: self._due(record, delay) * 1000}, xx=True)
        pipeline.execute()

    def _due(self, record: CommitRecord, delay: float) -> float:
        """When to ask, by Redis' time; records hold this machine's, as people and devices read it."""
        return record.latest - self._sealer.clock.skew + delay

    def _check_fields(self, check: str, job: JobPlace, change: JobPayload, *, due: float) -> dict[Any, Any]:
        queue = keys.lane(self._device)
        payload = JobPayload(
            operation="check",
            driver=change.driver,
            connection_args=change.connection_args,
            driver_args={"job": job.id},
            enable=change.enable,
            timeout=CHECK_TIMEOUT,
        )
        expires = due + CHECK_TTL + 2 * CHECK_TIMEOUT
        sealed = self._sealer.seal(
            payload.model_dump(mode="json"),
            job_id=check,
            queue=queue,
            direction="to_worker",
            kind="check",
            expires=expires,
        )
        now = self._sealer.clock.now_iso()
        return {
            "data": sealed,
            "status": JobStatus.SCHEDULED,
            "seq": 0,
            "created_at": now,
            "enqueued_at": now,
            "origin": queue,
            "timeout": int(CHECK_TIMEOUT),
            "ttl": CHECK_TTL,
            "result_ttl": 86400,
            "description": "",
            "device": self._device,
            "host": job.host,
            "driver": change.driver,
            "operation": "check",
            "owner": job.owner,
            "priority": "normal",
            "idempotent": "1",  # asking twice does no harm
            "expires": expires,
            "reply_to": "",
        }


def check_id(job_id: str, number: int) -> str:
    """Id of the job that asks the device for the ``number``-th time (from 1) what became of a job's commit."""
    return f"{job_id}.check.{number}"


def read_records(stored: Mapping[Any, Any]) -> list[CommitRecord]:
    """The records of a device from its hash, newest first."""
    records = readable("change with a timer", stored.items(), _record)
    return sorted(records, key=lambda record: record.committed_at, reverse=True)


def _record(_job: Any, value: bytes) -> CommitRecord:
    known = CommitRecord.__dataclass_fields__
    fields = {name: field for name, field in json.loads(value).items() if name in known}
    return CommitRecord(**fields | {"state": CommitStatus(fields["state"])})


def record_text(record: CommitRecord) -> str:
    """As it is stored."""
    return json.dumps(asdict(record))


def _iso(moment: float) -> str | None:
    return utc_of(moment) if moment else None
