"""Work on devices: one, many, and the connection test."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from netpulse_broker.api.auth import Operator
from netpulse_broker.api.context import Shared
from netpulse_broker.api.fast_route import BodyRoute
from netpulse_broker.api.job_responses import STILL_RUNNING, job_after, job_as_it_stands, submitted
from netpulse_broker.api.openapi import failures, still_running
from netpulse_broker.api.requests.jobs import RefusedDevice
from netpulse_broker.api.requests.options import merged_options
from netpulse_broker.api.responses import success
from netpulse_broker.api.waiting import ControllerStopping
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import BrokerError, Conflict, QueueUnavailable, UnknownJob, WaitTimedOut
from netpulse_broker.models.device import (
    BulkAnswer,
    BulkRequest,
    ConnectionTest,
    ExecuteRequest,
    TestConnectionRequest,
)
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.job import Job, job_object
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.states import JobStatus
from netpulse_broker.times import utc

router = APIRouter(prefix="/device", tags=["device"], route_class=BodyRoute)

QUEUEING = 5.0
"""Seconds that a connection test may wait for a worker, beside its own time."""


@router.post(
    "/execute",
    status_code=201,
    response_model=Answer[Job],
    responses=still_running(Answer[Job]) | failures(400, 401, 403, 409, 413, 422, 429, 500, 503),
    summary="Run commands or apply configuration on one device",
    operation_id="execute",
)
async def execute(request: Request, body: ExecuteRequest, shared: Shared, caller: Operator) -> Response:
    """Make one job. With `wait`, the answer is held until the job has ended: look at its `status` and `result`."""
    options = merged_options(body)
    prepared = await shared.request_templates.execute(body, options)
    submission = shared.job_factory.execute(body, options, caller, prepared)
    return await submitted(shared, request, submission, options.wait)


@router.post(
    "/bulk",
    status_code=201,
    response_model=Answer[BulkAnswer],
    responses=still_running(Answer[BulkAnswer]) | failures(400, 401, 403, 413, 422, 429, 500, 503),
    summary="The same on many devices",
    operation_id="bulk",
)
async def bulk(request: Request, body: BulkRequest, shared: Shared, caller: Operator) -> Response:
    """Make a job per device. A device that no job can be made for stands under `failed` and stops none of the rest."""
    options = merged_options(body)
    prepared = await shared.request_templates.bulk(body, options)
    made = shared.job_factory.bulk(body, options, caller, prepared)
    submissions = [entry for entry in made if isinstance(entry, JobSubmission)]
    try:
        if options.wait:
            held = shared.dispatch.submit_many_and_wait(submissions, options.wait)
            records = await shared.waiting.hold(request, held)
        else:
            records = await shared.dispatch.submit_many(submissions)
    except ControllerStopping:
        records = [await _found(shared, submission) for submission in submissions]
    answer = _bulk_answer(made, records)
    running = bool(options.wait) and any(isinstance(record, JobRecord) and not record.final for record in records)
    return success(answer, status=202, message=STILL_RUNNING) if running else success(answer, status=201)


@router.post(
    "/test-connection",
    response_model=Answer[ConnectionTest],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 503, 504),
    summary="Log in to a device and out again",
    operation_id="test_connection",
)
async def test_connection(request: Request, body: TestConnectionRequest, shared: Shared, caller: Operator) -> Response:
    """Whether the device can be reached and entered, as a worker finds. A failed login is an answer, not an error."""
    submission = shared.job_factory.connection_test(body, caller)
    record = await job_after(shared, request, submission, body.timeout + QUEUEING)
    if record.final:
        return success(_connection_test(record))
    await _give_up(shared, record.id)
    raise WaitTimedOut(f"the test did not end within {body.timeout + QUEUEING:g} s and was given up")


router.add_api_route("/exec", execute, methods=["POST"], include_in_schema=False, status_code=201)
router.add_api_route("/test", test_connection, methods=["POST"], include_in_schema=False)


async def _found(shared: Shared, submission: JobSubmission) -> JobRecord | BrokerError:
    try:
        return await job_as_it_stands(shared, submission)
    except QueueUnavailable as error:
        return error


async def _give_up(shared: Shared, job_id: str) -> None:
    """Nobody is going to read a connection test's end: cancel it if it still waits, leave it if it just ended."""
    try:
        async with asyncio.timeout(2.0):
            await shared.dispatch.cancel(JobFilter(id=job_id))
    except (Conflict, UnknownJob, TimeoutError):
        return


def _bulk_answer(made: list[JobSubmission | RefusedDevice], records: list[JobRecord | BrokerError]) -> dict[str, Any]:
    succeeded: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    queued = iter(records)
    for index, entry in enumerate(made):
        if isinstance(entry, RefusedDevice):
            failed.append(_bulk_failure(index, entry.host, entry.error))
            continue
        record = next(queued)
        if isinstance(record, JobRecord):
            succeeded.append(job_object(record))
        else:
            failed.append(_bulk_failure(index, entry.host, record))
    return {"succeeded": succeeded, "failed": failed}


def _bulk_failure(index: int, host: str | None, error: Any) -> dict[str, Any]:
    return {
        "index": index,
        "host": host,
        "reason": error.message,
        "error": error.code,
        "retryable": error.retryable,
        "details": error.details,
    }


def _connection_test(record: JobRecord) -> dict[str, Any]:
    result = record.result or {}
    found = result.get("retval") or {}
    error = result.get("error")
    return {
        "success": record.status == JobStatus.FINISHED,
        "connection_time": found.get("connection_time"),
        "error_message": None if error is None else error["message"],
        "error": error,
        "device_info": found.get("device_info"),
        "timestamp": utc(record.ended_at or datetime.now(UTC)),
    }
