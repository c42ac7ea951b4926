"""Reading jobs: one, many, or a page of the newest. Asyncio; the controller's side."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from netpulse_broker.errors import BadRequest, UnknownJob
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import text
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.states import JobStatus

SCAN_PAGE = 200
SCAN_LIMIT = 5000
"""A filtered page looks at this many jobs at most; the cursor says where to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs; None: any. ``host`` matches the host as written in the request or the device identity."""

    id: str | None = None
    queue: str | None = None
    status: JobStatus | None = None
    node: str | None = None
    host: str | None = None

    def matches(self, job: JobRecord) -> bool:
        return (
            (self.id is None or job.id == self.id)
            and (self.queue is None or job.queue == self.queue)
            and (self.status is None or job.status == self.status)
            and (self.node is None or job.node == self.node)
            and (self.host is None or self.host in (job.host, job.device))
        )


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
        hashes = await pipeline.execute()
        jobs = [
            JobRecord.from_hash(job_id, {text(name): value for name, value in fields.items()})
            for job_id, fields in zip(job_ids, hashes, strict=True)
            if fields and b"seq" in fields
        ]
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
        index = keys.device_jobs(wanted.host) if wanted.host is not None else keys.JOBS
        if wanted.host is not None and not await self._client.exists(index):
            index = keys.JOBS
        before: float | None = None
        skip: set[str] = set()
        if cursor is not None:
            before, skip = _decode_cursor(cursor)
        taken: list[JobRecord] = []
        looked = 0
        while len(taken) < limit and looked < SCAN_LIMIT:
            rows: Any = await self._client.zrevrangebyscore(
                index, "+inf" if before is None else before, "-inf", start=0, num=SCAN_PAGE + len(skip), withscores=True
            )
            fresh = [(text(member), score) for member, score in rows if text(member) not in skip]
            if not fresh:
                before = None
                break
            jobs = {job.id: job for job in await self.fetch([member for member, _ in fresh], results=False)}
            gone = [member for member, _ in fresh if member not in jobs]
            if gone:
                await self._client.zrem(index, *gone)
            for member, score in fresh:
                skip = {member} | (skip if score == before else set())
                before = score
                looked += 1
                job = jobs.get(member)
                if job is not None and wanted.matches(job):
                    taken.append(job)
                    if len(taken) == limit:
                        break
        if results:
            await self._attach_results([job for job in taken if job.final])
        return taken, None if before is None else _encode_cursor(before, skip)


def _encode_cursor(before: float, skip: set[str]) -> str:
    return base64.urlsafe_b64encode(f"{int(before)},{','.join(sorted(skip))}".encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> tuple[float, set[str]]:
    try:
        score, *skip = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(",")
        return float(int(score)), set(skip)
    except (ValueError, OverflowError, binascii.Error, UnicodeDecodeError):
        raise BadRequest("cursor: use the next_cursor of an earlier page unchanged") from None
