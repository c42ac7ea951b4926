"""Webhooks that could not be delivered: list, send again, drop."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from netpulse_broker.api.auth import Caller, Operator
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import success
from netpulse_broker.errors import NotFound
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.webhooks import WebhookDelivery
from netpulse_broker.webhooks.dead_letters import DeadLetters

router = APIRouter(prefix="/webhook", tags=["webhook"])


async def _dead_letters(request: Request) -> DeadLetters:
    found: DeadLetters | None = request.app.state.dead_letters
    if found is None:
        raise NotFound("this controller keeps no webhooks")
    return found


Dead = Annotated[DeadLetters, Depends(_dead_letters)]


@router.get(
    "/dead",
    response_model=Answer[list[WebhookDelivery]],
    responses=failures(401, 403, 404, 422, 429, 500, 503),
    summary="List webhooks that could not be delivered",
    operation_id="list_dead_webhooks",
)
async def list_dead(dead: Dead, _caller: Caller, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """Newest first."""
    return success(await dead.list(limit))


@router.post(
    "/dead/{id}/retry",
    status_code=201,
    response_model=Answer[WebhookDelivery],
    responses=failures(401, 403, 404, 409, 429, 500, 503),
    summary="Send an undelivered webhook once more",
    operation_id="retry_dead_webhook",
)
async def retry_dead(id: str, dead: Dead, _operator: Operator) -> Response:  # noqa: A002  # the path's own word
    """The dead letter as it was. If the attempt fails as well, it is one again."""
    return success(await dead.retry(id), status=201)


@router.delete(
    "/dead/{id}",
    response_model=Answer[str],
    responses=failures(401, 403, 404, 429, 500, 503),
    summary="Forget an undelivered webhook",
    operation_id="drop_dead_webhook",
)
async def drop_dead(id: str, dead: Dead, _operator: Operator) -> Response:  # noqa: A002  # see above
    """Its id."""
    await dead.drop(id)
    return success(id)
