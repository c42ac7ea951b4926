"""What a request that makes a job is answered with: the job as accepted, as it ended, or as it stands."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from netpulse_broker.api.context import Context
from netpulse_broker.api.responses import success
from netpulse_broker.api.waiting import ControllerStopping
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import QueueUnavailable, UnknownJob
from netpulse_broker.models.job import job_object
from netpulse_broker.queueing.jobs.record import JobRecord

STILL_RUNNING = "the wait ran out; the job goes on"


async def submitted(shared: Context, request: Request, submission: JobSubmission, seconds: float | None) -> Response:
    """Queue the job: 201 at once, or after at most ``seconds`` with the ended job, or 202 while it still runs."""
    if not seconds:
        return success(job_object(await shared.dispatch.submit(submission)), status=201)
    record = await job_after(shared, request, submission, seconds)
    if record.final:
        return success(job_object(record), status=201)
    return success(job_object(record), status=202, message=STILL_RUNNING)


async def job_after(shared: Context, request: Request, submission: JobSubmission, seconds: float) -> JobRecord:
    """Queue the job and wait for its end, at most ``seconds``; as it stands when the controller stops meanwhile.

    Raises:
        CallerGone: there is nobody left to tell.
        QueueUnavailable: as ``job_as_it_stands``.
    """
    try:
        return await shared.waiting.hold(request, shared.dispatch.submit_and_wait(submission, seconds))
    except ControllerStopping:
        return await job_as_it_stands(shared, submission)


async def job_as_it_stands(shared: Context, submission: JobSubmission) -> JobRecord:
    """The job whose wait was broken off.

    Raises:
        QueueUnavailable: it is not there yet; what was sent to Redis may still make it.
    """
    try:
        return await shared.dispatch.get(submission.id)
    except UnknownJob:
        raise QueueUnavailable(
            f"this controller is stopping; whether job {submission.id} is still accepted is not known: ask for it "
            "before repeating"
        ) from None
