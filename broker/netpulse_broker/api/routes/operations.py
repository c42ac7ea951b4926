"""Operators' controls: a device's queue and sessions, and nodes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from netpulse_broker.api.auth import Caller, Operator
from netpulse_broker.api.context import Shared
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import success
from netpulse_broker.dispatch.device_identity import device_identity
from netpulse_broker.dispatch.operations import DeviceOperations, DeviceView
from netpulse_broker.models.control import (
    Device,
    DeviceSelection,
    Node,
    PauseAnswer,
    ReleaseAnswer,
    ReleaseRequest,
    ResumeAnswer,
)
from netpulse_broker.models.envelope import Answer
from netpulse_broker.queueing.nodes.worker_index import NodeRecord
from netpulse_broker.times import utc

router = APIRouter(tags=["operation"])


async def _device_operations(request: Request) -> DeviceOperations:
    found: DeviceOperations = request.app.state.operators
    return found


Operations = Annotated[DeviceOperations, Depends(_device_operations)]


@router.get(
    "/device/{name}",
    response_model=Answer[Device],
    responses=failures(401, 403, 404, 422, 429, 500, 503),
    summary="What a device is doing",
    operation_id="get_device",
)
async def get_device(name: Annotated[str, Path(max_length=255)], operations: Operations, _caller: Caller) -> Response:
    """Its worker, the running job, what waits by priority, sessions, pause. The name is `device` of job objects."""
    return success(_device_object(await operations.device(name)))


@router.post(
    "/device/pause",
    response_model=Answer[PauseAnswer],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 503),
    summary="Hold a device's queue",
    operation_id="pause_device",
)
async def pause_device(body: DeviceSelection, operations: Operations, operator: Operator) -> Response:
    """Nothing more of it is started until it is resumed, whatever becomes of workers and nodes. The running job goes
    on, sessions stay open, jobs can be queued (their `ttl` runs). Repeating it changes nothing."""
    name = _identity(body)
    pause = await operations.pause(name, by=operator.key_id)
    return success({"device": name, "paused": {"since": utc(pause.since), "by": pause.by}})


@router.post(
    "/device/resume",
    response_model=Answer[ResumeAnswer],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 503),
    summary="Let a device's queue go on",
    operation_id="resume_device",
)
async def resume_device(body: DeviceSelection, operations: Operations, _operator: Operator) -> Response:
    """Waiting jobs run in their order. Resuming what is not paused changes nothing."""
    name = _identity(body)
    return success({"device": name, "queued": await operations.resume(name)})


@router.post(
    "/device/release",
    response_model=Answer[ReleaseAnswer],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 503, 504),
    summary="Close the sessions to a device now",
    operation_id="release_device",
)
async def release_device(
    request: Request, body: ReleaseRequest, shared: Shared, operations: Operations, operator: Operator
) -> Response:
    """After the running job and before every waiting one, also while the queue is paused. The next job logs in anew."""
    name = _identity(body)
    release = operations.release(name, owner=operator.key_id, wait=body.wait)
    closed = await shared.waiting.hold(request, release)
    return success({"device": name, "closed": closed})


@router.get(
    "/node",
    response_model=Answer[list[Node]],
    responses=failures(401, 403, 429, 500, 503),
    summary="List nodes",
    operation_id="list_nodes",
)
async def list_nodes(operations: Operations, _caller: Caller) -> Response:
    """All registered nodes, FIFO pools included, by name."""
    return success([_node_object(node) for node in await operations.nodes()])


@router.post(
    "/node/{name}/drain",
    status_code=202,
    response_model=Answer[Node],
    responses=failures(401, 403, 404, 409, 422, 429, 500, 503),
    summary="Empty a node and end it",
    operation_id="drain_node",
)
async def drain_node(
    name: Annotated[str, Path(max_length=128)], operations: Operations, _operator: Operator
) -> Response:
    """The node takes no further devices, lets running jobs end, gives its devices back, and ends with status 0."""
    return success(_node_object(await operations.drain(name)), status=202)


def _identity(selection: DeviceSelection) -> str:
    """The name under which the device's work is ordered. Raises ``BadRequest`` for what cannot be one."""
    return device_identity(selection.host or "", selection.port, explicit=selection.device)


def _device_object(view: DeviceView) -> dict[str, Any]:
    """The JSON-ready object that ``Device`` describes."""
    running = None
    if view.running:
        running = {
            "id": view.running,
            "operation": view.operation,
            "driver": view.driver,
            "started_at": utc(view.started_at),
            "session": view.interactive or None,
        }
    return {
        "device": view.device,
        "state": view.state,
        "paused": None if view.pause is None else {"since": utc(view.pause.since), "by": view.pause.by},
        "node": view.node or None,
        "worker": view.worker or None,
        "since": utc(view.since),
        "sessions": view.sessions,
        "drivers": view.drivers,
        "running": running,
        "queued": view.queued,
        "waiting": view.waiting,
        "commits": [commit.shown(running=view.running) for commit in view.commits],
    }


def _node_object(node: NodeRecord) -> dict[str, Any]:
    """The JSON-ready object that ``Node`` describes."""
    return {
        "name": node.name,
        "kind": node.kind,
        "state": node.state,
        "unfit": node.unfit,
        "clock_skew": node.clock_skew,
        "load": node.load,
        "capacity": node.capacity,
        "hostname": node.hostname,
        "pid": node.pid,
        "epoch": node.epoch,
        "started_at": utc(node.started_at),
    }
