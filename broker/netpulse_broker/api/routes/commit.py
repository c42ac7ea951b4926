"""Changes with a timer: confirm one, take one back."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from netpulse_broker.api.auth import Operator, Principal
from netpulse_broker.api.context import Context, Shared
from netpulse_broker.api.job_responses import submitted
from netpulse_broker.api.openapi import failures, still_running
from netpulse_broker.api.requests.options import merged_options
from netpulse_broker.models.device import CommitRequest
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.job import Job

router = APIRouter(prefix="/device", tags=["device"])


@router.post(
    "/confirm",
    status_code=201,
    response_model=Answer[Job],
    responses=still_running(Answer[Job]) | failures(400, 401, 403, 409, 413, 422, 429, 500, 503),
    summary="Keep a change that would be taken back by its timer",
    operation_id="confirm",
)
async def confirm(request: Request, body: CommitRequest, shared: Shared, caller: Operator) -> Response:
    """Make a job, in the device's order. It fails when nothing waits on the device, and says what became of it."""
    return await _settle("confirm", request, body, shared, caller)


@router.post(
    "/rollback",
    status_code=201,
    response_model=Answer[Job],
    responses=still_running(Answer[Job]) | failures(400, 401, 403, 409, 413, 422, 429, 500, 503),
    summary="Take a change back",
    operation_id="rollback",
)
async def rollback(request: Request, body: CommitRequest, shared: Shared, caller: Operator) -> Response:
    """Make a job, in the device's order: the change that waits for its confirmation is taken back now. Where none waits
    and none is on record, what the platform calls rollback, if it has one."""
    return await _settle("rollback", request, body, shared, caller)


async def _settle(
    operation: Literal["confirm", "rollback"], request: Request, body: CommitRequest, shared: Context, caller: Principal
) -> Response:
    options = merged_options(body)
    submission = shared.job_factory.confirm_or_rollback(operation, body, options, caller)
    return await submitted(shared, request, submission, options.wait)
