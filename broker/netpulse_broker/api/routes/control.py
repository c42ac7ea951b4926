"""Operators' controls: a device's queue and sessions, and nodes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from netpulse_broker.api.answers import success
from netpulse_broker.api.auth import Caller, Operator
from netpulse_broker.api.context import Shared
from netpulse_broker.api.documentation import failures
from netpulse_broker.api.failures import CallerGone
from netpulse_broker.dispatch.operators import OperatorDesk
from netpulse_broker.errors import QueueUnavailable
from netpulse_broker.models.control import (
    Device,
    DeviceSelection,
    Node,
    PauseAnswer,
    ReleaseAnswer,
    ReleaseRequest,
    ResumeAnswer,
    device_object,
    node_object,
)
from netpulse_broker.models.envelope import Answer

router = APIRouter(tags=["operation"])


async def _desk(request: Request) -> OperatorDesk:
    found: OperatorDesk = request.app.state.operators
    return found


Desk = Annotated[OperatorDesk, Depends(_desk)]


@router.get(
    "/device/{name}",
    response_model=Answer[Device],
    responses=failures(401, 403, 404, 429, 500, 503),
    summary="What a device is doing",
    operation_id="get_device",
)
async def get_device(name: Annotated[str, Path(max_length=255)], desk: Desk, _caller: Caller) -> Response:
    """Its worker, the running job, what waits by priority, sessions, pause. The name is `device` of job objects."""
    return success(device_object(await desk.device(name)))


@router.post(
    "/device/pause",
    response_model=Answer[PauseAnswer],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 503),
    summary="Hold a device's queue",
    operation_id="pause_device",
)
async def pause_device(body: DeviceSelection, desk: Desk, operator: Operator) -> Response:
    """Nothing more of it is started until it is resumed, whatever becomes of workers and nodes. The running job goes
    on, sessions stay open, jobs can be queued (their `ttl` runs). Repeating it changes nothing."""
    name = body.identity
    pause = await desk.pause(name, by=operator.key_id)
    return success({"device": name, "paused": {"since": pause.since, "by": pause.by}})


@router.post(
    "/device/resume",
    response_model=Answer[ResumeAnswer],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 503),
    summary="Let a device's queue go on",
    operation_id="resume_device",
)
async def resume_device(body: DeviceSelection, desk: Desk, _operator: Operator) -> Response:
    """Waiting jobs run in their order. Resuming what is not paused changes nothing."""
    name = body.identity
    return success({"device": name, "queued": await desk.resume(name)})


@router.post(
    "/device/release",
    response_model=Answer[ReleaseAnswer],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 503, 504),
    summary="Close the sessions to a device now",
    operation_id="release_device",
)
async def release_device(
    request: Request, body: ReleaseRequest, shared: Shared, desk: Desk, operator: Operator
) -> Response:
    """After the running job and before every waiting one, also while the queue is paused. The next job logs in anew."""
    name = body.identity
    closed: int | None = None
    async with shared.waiting.wait(request) as wait:
        closed = await desk.release(name, owner=operator.key_id, wait=body.wait)
    if closed is None:
        if wait.ended == "caller_gone":
            raise CallerGone
        raise QueueUnavailable("this controller is stopping; send the request again")
    return success({"device": name, "closed": closed})


@router.get(
    "/node",
    response_model=Answer[list[Node]],
    responses=failures(401, 403, 429, 500, 503),
    summary="List nodes",
    operation_id="list_nodes",
)
async def list_nodes(desk: Desk, _caller: Caller) -> Response:
    """All registered nodes, FIFO pools included, by name."""
    return success([node_object(node) for node in await desk.nodes()])


@router.post(
    "/node/{name}/drain",
    status_code=202,
    response_model=Answer[Node],
    responses=failures(401, 403, 404, 409, 429, 500, 503),
    summary="Empty a node and end it",
    operation_id="drain_node",
)
async def drain_node(name: Annotated[str, Path(max_length=128)], desk: Desk, _operator: Operator) -> Response:
    """The node takes no further devices, lets running jobs end, gives its devices back, and ends with status 0."""
    return success(node_object(await desk.drain(name)), status=202)
