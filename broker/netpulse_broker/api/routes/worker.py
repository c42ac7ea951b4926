"""Workers: list, stop."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from netpulse_broker.api.auth import Caller, Operator
from netpulse_broker.api.context import Shared
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import success
from netpulse_broker.errors import BadRequest, UnknownWorker
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.worker import Worker, worker_object
from netpulse_broker.queueing.nodes.worker_index import WorkerFilter

router = APIRouter(prefix="/worker", tags=["worker"])


class WorkerQuery(BaseModel):
    """Which workers to list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    queue: str | None = Field(default=None, description="The queue they serve, e.g. `fifo`.")
    node: str | None = None
    host: str | None = Field(default=None, description="The device's name: its host, unless a request named it.")


class WorkerSelection(BaseModel):
    """Which workers to stop. At least one must be given."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str | None = None
    node: str | None = None
    host: str | None = None


@router.get(
    "",
    response_model=Answer[list[Worker]],
    responses=failures(401, 403, 422, 429, 500, 503),
    summary="List workers",
    operation_id="list_workers",
)
async def list_workers(query: Annotated[WorkerQuery, Query()], shared: Shared, _caller: Caller) -> Response:
    """The running workers that match every filter given."""
    workers = await shared.dispatch.workers(WorkerFilter(queue=query.queue, node=query.node, host=query.host))
    return success([worker_object(worker) for worker in workers])


@router.delete(
    "",
    response_model=Answer[list[str]],
    responses=failures(400, 401, 403, 404, 422, 429, 500, 503),
    summary="Stop workers gracefully",
    operation_id="stop_workers",
)
async def stop_workers(query: Annotated[WorkerSelection, Query()], shared: Shared, _operator: Operator) -> Response:
    """The names of the workers that were told to end. Each ends its running job first, then closes its sessions."""
    wanted = WorkerFilter(name=query.name, node=query.node, host=query.host)
    if wanted == WorkerFilter():
        raise BadRequest("name the workers to stop: name, node or host")
    names = await shared.dispatch.stop_workers(wanted)
    if not names:
        raise UnknownWorker("no worker matches; GET /worker lists them")
    return success(names)
