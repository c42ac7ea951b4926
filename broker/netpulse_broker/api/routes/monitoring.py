"""Watching the broker: metrics and events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from netpulse_broker.api.auth import Caller
from netpulse_broker.api.context import Shared
from netpulse_broker.api.error_responses import invalid
from netpulse_broker.api.event_stream import EventStream
from netpulse_broker.api.monitoring import MonitoringReaders
from netpulse_broker.api.openapi import failures
from netpulse_broker.queueing.observe.events import Event, is_event_id
from netpulse_broker.queueing.redis.connection import Lost, redis_needed
from netpulse_broker.states import EventKind
from netpulse_broker.telemetry.exposition import Snapshot

router = APIRouter(tags=["operation"])

_PLAIN: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


async def _observation(request: Request) -> MonitoringReaders:
    found: MonitoringReaders = request.app.state.observation
    return found


Observed = Annotated[MonitoringReaders, Depends(_observation)]


class EventQuery(BaseModel):
    """Which events to send."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: EventKind | None = None
    device: str | None = Field(default=None, description="Name of a device.")
    last_event_id: str | None = Field(
        default=None, max_length=64, description="As the header Last-Event-ID, for clients that cannot send it."
    )

    def matches(self, event: Event) -> bool:
        """Whether the event is asked for."""
        of = event.fields.get("device") or (event.fields.get("id") if event.kind == "device" else None)
        return (self.kind is None or event.kind == self.kind) and (self.device is None or of == self.device)


@router.get(
    "/metrics",
    response_class=Response,
    responses=_PLAIN | failures(401, 403, 429, 500),
    summary="Metrics for Prometheus",
    operation_id="metrics",
)
async def metrics(request: Request, observed: Observed, _caller: Caller) -> Response:
    """Totals of the installation and of this controller. Answers without Redis too: then `netpulse_redis_up` is 0."""
    try:
        figures = await observed.totals.figures()
    except Lost:
        figures = None
    try:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
    except TypeError:  # a version there that is no number
        encode, content_type = choose_encoder("")
    body = encode(Snapshot(figures, observed.requests.registry))
    return Response(body, headers={"content-type": content_type})


@router.get(
    "/events",
    response_class=Response,
    responses=_STREAM | failures(401, 403, 422, 429, 500, 503),
    summary="What happens, as it happens",
    operation_id="events",
)
async def events(
    query: Annotated[EventQuery, Query()],
    shared: Shared,
    observed: Observed,
    _caller: Caller,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """Server-sent events of jobs, workers, interactive sessions and devices: ids and states, never contents.

    With `Last-Event-ID` what was missed comes first; `event: gap` says that not all of it is kept any more.
    """
    last = last_event_id or query.last_event_id
    if last is not None and not is_event_id(last):
        message = "must be the id of an event, unchanged"
        raise invalid([{"loc": "header.last-event-id", "msg": message, "type": "value_error"}])
    with redis_needed():
        await observed.feed.reachable()
    return EventStream(observed.feed, shared.waiting, observed.requests, last_id=last, wanted=query.matches)
