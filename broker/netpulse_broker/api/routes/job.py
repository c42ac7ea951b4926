"""Jobs: look up, list, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from netpulse_broker.api.auth import Caller, Operator
from netpulse_broker.api.context import Shared
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import success
from netpulse_broker.errors import BadRequest
from netpulse_broker.models.envelope import Answer, Page
from netpulse_broker.models.job import Job, job_object
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.states import JobStatus

router = APIRouter(prefix="/job", tags=["job"])


class JobQuery(BaseModel):
    """Which jobs to list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: str | None = Field(default=None, description="Exactly this job; a 404 if there is none.")
    queue: str | None = Field(default=None, description="Queue name as job objects show it.")
    status: JobStatus | None = None
    node: str | None = Field(default=None, description="Name of the node whose worker ran it.")
    host: str | None = Field(
        default=None,
        description="Host as written in requests, whichever devices are reached there (several ports, names), or the "
        "name of one device.",
    )
    device: str | None = Field(default=None, description="Name of one device, as job objects show it.")
    limit: int = Field(default=100, ge=1, le=1000, description="Jobs in one answer.")
    cursor: str | None = Field(default=None, max_length=8192, description="`next_cursor` of the page before.")


class JobSelection(BaseModel):
    """Which jobs to end. At least one must be given."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: str | None = None
    queue: str | None = Field(default=None, description="Queue name as job objects show it.")
    host: str | None = Field(
        default=None,
        description="Host as written in requests: the jobs of all devices that are reached there. Or the name of one "
        "device.",
    )
    device: str | None = Field(default=None, description="Name of one device, as job objects show it.")


@router.get(
    "",
    response_model=Page[Job],
    responses=failures(400, 401, 403, 404, 422, 429, 500, 503),
    summary="List jobs, newest first",
    operation_id="list_jobs",
)
async def list_jobs(query: Annotated[JobQuery, Query()], shared: Shared, _caller: Caller) -> Response:
    """Jobs that match every filter given. Ended jobs are kept for their `result_ttl`."""
    wanted = JobFilter(
        id=query.id,
        queue=query.queue,
        status=query.status,
        node=query.node,
        host=query.host,
        device=query.device,
    )
    if query.id is not None:
        record = await shared.dispatch.get(query.id)  # an id that nobody knows is an error, not an empty list
        return success([job_object(record)] if wanted.matches(record) else [], next_cursor=None)
    records, cursor = await shared.dispatch.jobs(wanted, limit=query.limit, cursor=query.cursor)
    return success([job_object(record) for record in records], next_cursor=cursor)


@router.get(
    "/{id}",
    response_model=Answer[Job],
    responses=failures(401, 403, 404, 429, 500, 503),
    summary="One job",
    operation_id="get_job",
)
async def get_job(id: Annotated[str, Path()], shared: Shared, _caller: Caller) -> Response:  # noqa: A002  # its name in the path
    """The job with its result, if it has ended."""
    return success(job_object(await shared.dispatch.get(id)))


@router.delete(
    "",
    response_model=Answer[list[str]],
    responses=failures(400, 401, 403, 404, 409, 422, 429, 500, 503),
    summary="Cancel queued jobs, stop running ones",
    operation_id="cancel_jobs",
)
async def cancel_jobs(query: Annotated[JobSelection, Query()], shared: Shared, _operator: Operator) -> Response:
    """The ids of the jobs that were ended by this. A single job (`id`) that has ended already is a 409."""
    wanted = JobFilter(id=query.id, queue=query.queue, host=query.host, device=query.device)
    if wanted == JobFilter():
        raise BadRequest("name the jobs to cancel: id, queue, host or device")
    return success(await shared.dispatch.cancel(wanted))
