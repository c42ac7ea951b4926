"""State of the broker, and probes for whatever watches the process."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from netpulse_broker import __version__
from netpulse_broker.api.auth import Caller
from netpulse_broker.api.context import Shared
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import success
from netpulse_broker.errors import NoWorker, QueueUnavailable
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.health import Health, Probe
from netpulse_broker.states import HealthStatus

router = APIRouter(prefix="/health", tags=["health"])


@router.get(
    "",
    response_model=Answer[Health],
    responses=failures(401, 403, 429, 500),
    summary="State of the whole broker",
    operation_id="health",
)
async def health(shared: Shared, _caller: Caller) -> Response:
    """Redis, nodes and drivers as this controller sees them. 200 whatever the state: read `status`."""
    state = await shared.dispatch.health()
    failed = [{"source": failure.source, "message": failure.message} for failure in shared.drivers.failures]
    calm = state.condition in (HealthStatus.OK, HealthStatus.FULL)
    status = HealthStatus.DEGRADED if failed and calm else state.condition
    return success(
        {
            "status": status,
            "version": __version__,
            "redis": state.redis,
            "detail": state.detail,
            "nodes": {
                "pinned": state.pinned_nodes,
                "fifo": state.fifo_nodes,
                "devices": state.devices,
                "capacity": state.capacity,
                "clock_skew": state.nodes_clock_skew,
            },
            "clock_skew": state.clock_skew,
            "waiting": state.waiting,
            "drivers": {"known": shared.drivers.names(), "failed": failed},
        }
    )


@router.get("/live", response_model=Answer[Probe], summary="The process answers", operation_id="live")
async def live() -> Response:
    """200 as long as the controller's loop runs. No key needed."""
    return success({"status": "live"})


@router.get(
    "/ready", response_model=Answer[Probe], responses=failures(503), summary="Work is accepted", operation_id="ready"
)
async def ready(shared: Shared) -> Response:
    """200 when Redis answers and a node serves devices. No key needed."""
    state = await shared.dispatch.health()
    if not state.redis:
        raise QueueUnavailable("Redis cannot be reached")
    if state.unfit:
        raise QueueUnavailable(state.unfit)
    if not state.ready:
        raise NoWorker(f"no node serves devices ({state.detail})")
    return success({"status": "ready"})
