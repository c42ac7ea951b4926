"""Refused credentials: what is suspended, and letting it be tried again."""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from netpulse_broker.api.auth import Admin
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import success
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.logins import LoginReset, LoginResetAnswer, SuspendedCredential
from netpulse_broker.queueing.logins.suspensions import Suspensions
from netpulse_broker.times import utc_of

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/login", tags=["operation"])


async def _suspensions(request: Request) -> Suspensions:
    found: Suspensions = request.app.state.suspensions
    return found


Suspended = Annotated[Suspensions, Depends(_suspensions)]


@router.get(
    "",
    response_model=Answer[list[SuspendedCredential]],
    responses=failures(401, 403, 429, 500, 503),
    summary="List suspended credentials",
    operation_id="list_suspended_logins",
)
async def list_suspended(suspended: Suspended, _admin: Admin) -> Response:
    """Credentials that devices refused and that are not tried at the moment; those that end last come first."""
    return success([_object(one) for one in await suspended.list()])


@router.post(
    "/reset",
    response_model=Answer[LoginResetAnswer],
    responses=failures(401, 403, 413, 422, 429, 500, 503),
    summary="Let refused credentials be tried again",
    operation_id="reset_logins",
)
async def reset(body: LoginReset, suspended: Suspended, admin: Admin) -> Response:
    """One credential, one device's, or all of them. Another password needs no reset: it is another credential."""
    ended = await suspended.reset(credential=body.credential, device=body.device)
    log.info("logins_reset", by=admin.key_id, credential=body.credential, device=body.device, reset=ended)
    return success({"reset": ended})


def _object(found: dict[str, Any]) -> dict[str, Any]:
    """The JSON-ready object that ``SuspendedCredential`` describes."""
    times = {name: None if found[name] is None else utc_of(found[name]) for name in ("everywhere", "new_devices")}
    return found | times | {"devices": [one | {"until": utc_of(one["until"])} for one in found["devices"]]}
