"""Ending jobs and workers on request."""

from __future__ import annotations

import asyncio

import redis.asyncio

from netpulse_broker.errors import Conflict, InternalError
from netpulse_broker.queueing.jobs.job_index import JobFilter, JobIndex
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.nodes.orders import Order
from netpulse_broker.queueing.nodes.worker_index import WorkerRecord
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.times import now_iso
from netpulse_broker.states import JobStatus

STOP_WAIT = 10.0
"""Seconds that a request to stop a running job waits for its end."""


class Ending:
    """Ends what runs or waits. All methods may raise redis' connection errors."""

    def __init__(self, client: redis.asyncio.Redis, scripts: AsyncScripts, index: JobIndex) -> None:
        self._client = client
        self._scripts = scripts
        self._index = index

    async def cancel(self, wanted: JobFilter) -> list[str]:
        """Cancel queued jobs and stop running ones; the ids that were ended.

        Raises:
            UnknownJob: an id that nobody knows.
            Conflict: the one job asked for has ended already.
            InternalError: some were told to stop and did not in time; all others have been ended.
        """
        if wanted.id is not None:
            job = await self._index.get(wanted.id)
            if not wanted.matches(job):
                return []
            if job.final:
                raise Conflict(f"job {job.id} has ended already ({job.status})")
            if not await self._cancel_one(job):
                raise Conflict(f"job {job.id} ended before it could be stopped")
            return [job.id]
        ended_ids: list[str] = []
        stuck: list[str] = []
        cursor: str | None = None
        while True:
            jobs, cursor = await self._index.page(wanted, limit=500, cursor=cursor, results=False)
            open_jobs = [job for job in jobs if not job.final]
            done = await asyncio.gather(*(self._cancel_one(job) for job in open_jobs), return_exceptions=True)
            for job, ended in zip(open_jobs, done, strict=True):
                if isinstance(ended, InternalError):
                    stuck.append(job.id)
                elif isinstance(ended, BaseException):
                    raise ended
                elif ended:
                    ended_ids.append(job.id)
            if cursor is None:
                break
        if stuck:
            raise InternalError(
                f"{len(stuck)} jobs were told to stop and did not within {STOP_WAIT:.0f} s ({', '.join(stuck[:5])}); "
                f"they may still end by themselves; {len(ended_ids)} others were ended"
            )
        return ended_ids

    async def _cancel_one(self, job: JobRecord) -> bool:
        answer = await self._scripts("cancel", keys=[keys.rq_job(job.id)], args=[job.id, now_iso()])
        verdict = text(answer[0])
        if verdict == JobStatus.CANCELED:
            return True
        if verdict != JobStatus.STARTED:
            return False
        _, device, queue, node, worker = (text(value) for value in answer)
        order = Order.encode("stop_job", device="" if queue == keys.FIFO else device, worker=worker, job=job.id)
        await self._client.rpush(keys.orders(node), order)
        end = asyncio.get_running_loop().time() + STOP_WAIT
        while asyncio.get_running_loop().time() < end:
            current = (await self._index.fetch([job.id], results=False))[0]
            if current.final:
                return current.status == JobStatus.STOPPED
            await asyncio.sleep(0.02)
        raise InternalError(
            f"job {job.id} was told to stop and did not within {STOP_WAIT:.0f} s: it writes nothing more, and ends "
            "when its driver returns, or with its worker 20 s after the stop; ask for it again"
        )

    async def stop_workers(self, workers: list[WorkerRecord]) -> None:
        """Order them to end gracefully: their running jobs end first."""
        pipeline = self._client.pipeline(transaction=False)
        for worker in workers:
            order = Order.encode("stop_worker", device=worker.device, worker=worker.name)
            pipeline.rpush(keys.orders(worker.node), order)
        await pipeline.execute()
