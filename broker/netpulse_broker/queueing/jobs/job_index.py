"""Reading jobs: one, many, or a page of the newest. Asyncio; the controller's side."""

from __future__ import annotations

import base64
import math
from contextlib import suppress
from dataclasses import dataclass

import redis.asyncio

from netpulse_broker.errors import BadRequest, UnknownJob
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import WritesRefused
from netpulse_broker.queueing.redis.readable import readable
from netpulse_broker.queueing.redis.scripts import text
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.states import JobStatus

SCAN_PAGE = 200
SCAN_LIMIT = 5000
"""A filtered page looks at this many jobs at most; the cursor says where to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs; None: any.

    Attributes:
        host: as written in a request, whichever devices are reached there, or the name of one device.
        device: the name of one device.
    """

    id: str | None = None
    queue: str | None = None
    status: JobStatus | None = None
    node: str | None = None
    host: str | None = None
    device: str | None = None

    def matches(self, job: JobRecord) -> bool:
        return (
            (self.id is None or job.id == self.id)
            and (self.queue is None or job.queue == self.queue)
            and (self.status is None or job.status == self.status)
            and (self.node is None or job.node == self.node)
            and (self.host is None or self.host in (job.host, job.device))
            and (self.device is None or self.device == job.device)
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ended: the time of its last job (ms), how many jobs of that time came before, and its id.

    Jobs of one time are in the order of their ids, backwards, as Redis has them.
    """

    score: float
    alike: int
    member: bytes

    def precedes(self, score: float, member: bytes) -> bool:
        return (score, member) < (self.score, self.member)

    def after(self, score: float, member: bytes) -> _Place:
        return _Place(score, self.alike + 1 if score == self.score else 1, member)

    def encoded(self) -> str:
        return base64.urlsafe_b64encode(b"%r,%d,%b" % (self.score, self.alike, self.member)).decode().rstrip("=")

    @classmethod
    def decoded(cls, cursor: str) -> _Place:
        """Raises ``BadRequest``: no page gave this cursor out."""
        place: _Place | None
        try:
            score, alike, member = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).split(b",", 2)
            place = cls(float(score), int(alike), member)
        except ValueError:  # binascii's error is one
            place = None
        if place is None or math.isnan(place.score) or not 0 < place.alike <= MOST_ALIKE:
            raise BadRequest("cursor: use the next_cursor of an earlier page unchanged")
        return place


MOST_ALIKE = 10_000
"""Jobs of one millisecond that a cursor counts."""


class JobIndex:
    """The jobs in Redis."""

    def __init__(self, client: redis.asyncio.Redis, sealer: Sealer) -> None:
        self._client = client
        self._sealer = sealer

    async def get(self, job_id: str) -> JobRecord:
        """One job, with its result if it is final.

        Raises:
            UnknownJob
        """
        found = await self.fetch([job_id])
        if not found:
            raise UnknownJob(f"no job has the id {job_id!r}, or its result has expired")
        return found[0]

    async def fetch(self, job_ids: list[str], *, results: bool = True) -> list[JobRecord]:
        """The jobs that still exist, in the order asked for; two round trips whatever their number."""
        pipeline = self._client.pipeline(transaction=False)
        for job_id in job_ids:
            pipeline.hgetall(keys.rq_job(job_id))
        hashes = await pipeline.execute(raise_on_error=False)
        read = readable("job", zip(job_ids, hashes, strict=True), _record)
        jobs = [job for job in read if job is not None]
        if results:
            await self._attach_results([job for job in jobs if job.final])
        return jobs

    async def _attach_results(self, jobs: list[JobRecord]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for job in jobs:
            pipeline.xrevrange(keys.rq_results(job.id), count=1)
        for job, entries in zip(jobs, await pipeline.execute(), strict=True):
            sealed = entries[0][1].get(b"sealed", b"") if entries else b""
            job.take_result(self._sealer, sealed)

    async def page(
        self, wanted: JobFilter, *, limit: int, cursor: str | None = None, results: bool = True
    ) -> tuple[list[JobRecord], str | None]:
        """A page of jobs, newest first, and the cursor of the next one (None at the end).

        A page may be shorter than ``limit`` although more follow: a rare filter looks at ``SCAN_LIMIT`` jobs at most.

        Raises:
            BadRequest: a cursor that no page gave out.
        """
        if wanted.id is not None:
            found = await self.fetch([wanted.id], results=results)
            return [job for job in found if wanted.matches(job)], None
        indexes = await self._indexes(wanted)
        place = _Place(math.inf, 0, b"") if cursor is None else _Place.decoded(cursor)
        more = True
        taken: list[JobRecord] = []
        looked = 0
        while more and len(taken) < limit and looked < SCAN_LIMIT:
            rows = await self._rows(indexes, None if cursor is None and not looked else place)
            more = bool(rows)
            jobs = {job.id: job for job in await self.fetch([text(member) for _, member in rows], results=False)}
            gone = [member for _, member in rows if text(member) not in jobs]
            if gone:
                pipeline = self._client.pipeline(transaction=False)
                for index in indexes:
                    pipeline.zrem(index, *gone)
                with suppress(WritesRefused):  # a listing needs none
                    await pipeline.execute()
            for score, member in rows:
                place = place.after(score, member)
                looked += 1
                job = jobs.get(text(member))
                if job is not None and wanted.matches(job):
                    taken.append(job)
                    if len(taken) == limit:
                        break
        if results:
            await self._attach_results([job for job in taken if job.final])
        return taken, place.encoded() if more else None

    async def _indexes(self, wanted: JobFilter) -> list[str]:
        """The indexes that hold every job that can match."""
        if wanted.device is not None:
            return [keys.device_jobs(wanted.device)]
        if wanted.host is not None:
            there = [text(name) for name in await self._client.zrange(keys.host_devices(wanted.host), 0, -1)]
            own = keys.device_jobs(wanted.host)
            # Neither known: jobs of an older broker may be there, which did not note where their devices are.
            if there or await self._client.exists(own):
                return list(dict.fromkeys([own, *(keys.device_jobs(name) for name in there)]))
            return [keys.JOBS]
        if wanted.queue is not None and wanted.queue.startswith("device:"):
            return [keys.device_jobs(wanted.queue.removeprefix("device:").partition("/")[0])]
        return [keys.JOBS]

    async def _rows(self, indexes: list[str], after: _Place | None) -> list[tuple[float, bytes]]:
        """The next jobs of all indexes together, newest first; [] at the end."""
        many = SCAN_PAGE + (0 if after is None else after.alike)
        pipeline = self._client.pipeline(transaction=False)
        for index in indexes:
            newest = "+inf" if after is None else after.score
            pipeline.zrevrangebyscore(index, newest, "-inf", start=0, num=many, withscores=True)
        rows = {(score, member) for found in await pipeline.execute() for member, score in found}
        left = [row for row in rows if after is None or after.precedes(*row)]
        return sorted(left, reverse=True)[:SCAN_PAGE]


def _record(job_id: str, fields: dict[bytes, bytes]) -> JobRecord | None:
    """The job of a hash; None when there is none of ours (the submit script gives each a ``seq``)."""
    if b"seq" not in fields:
        return None
    return JobRecord.from_hash(job_id, {text(name): value for name, value in fields.items()})
