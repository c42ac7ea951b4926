"""Templates on their own: render a text, parse a text. No job is made and no device is spoken to."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.responses import Response

from netpulse_broker.api.auth import Caller
from netpulse_broker.api.context import Shared
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import success
from netpulse_broker.errors import BadRequest, TemplateFailed
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.templates import ParseRequest, RenderRequest
from netpulse_drivers import ParseFailed

router = APIRouter(prefix="/template", tags=["template"])

_FAILURES = failures(400, 401, 403, 413, 422, 429, 500, 503)

AnyRequest = TypeVar("AnyRequest", RenderRequest, ParseRequest)


@router.post(
    "/render", response_model=Answer[str], responses=_FAILURES, summary="Render a template", operation_id="render"
)
async def render(body: RenderRequest, shared: Shared, _caller: Caller) -> Response:
    """The text. Without `name`, the renderer is found from the template."""
    return success(await shared.templates.render(body, context=body.context))


@router.post(
    "/render/{name}",
    response_model=Answer[str],
    responses=_FAILURES,
    summary="Render a template with this renderer",
    operation_id="render_by",
)
async def render_by(name: str, body: RenderRequest, shared: Shared, _caller: Caller) -> Response:
    """The text."""
    named = _named(body, name)
    return success(await shared.templates.render(named, context=named.context))


@router.post("/parse", response_model=Answer[Any], responses=_FAILURES, summary="Parse a text", operation_id="parse")
async def parse(body: ParseRequest, shared: Shared, _caller: Caller) -> Response:
    """The data. Without `name`, the parser is found from the template."""
    return success(await _parsed(body, shared))


@router.post(
    "/parse/{name}",
    response_model=Answer[Any],
    responses=_FAILURES,
    summary="Parse a text with this parser",
    operation_id="parse_by",
)
async def parse_by(name: str, body: ParseRequest, shared: Shared, _caller: Caller) -> Response:
    """The data."""
    return success(await _parsed(_named(body, name), shared))


def _named(body: AnyRequest, name: str) -> AnyRequest:
    if body.name not in (None, name):
        raise BadRequest("the path and the body name different engines; leave 'name' out of the body")
    return body.model_copy(update={"name": name})


async def _parsed(body: ParseRequest, shared: Shared) -> Any:
    try:
        return await shared.templates.parse(body, body.context)
    except ParseFailed as error:
        raise TemplateFailed(error.message, details=error.details) from None
