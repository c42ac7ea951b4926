"""Every way in which a request can fail, turned into the envelope. Nothing of the request's input is repeated."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netpulse_broker.api.responses import failure
from netpulse_broker.api.waiting import CallerGone
from netpulse_broker.errors import BadRequest, BrokerError, InternalError, InvalidRequest, MethodNotAllowed, NotFound
from netpulse_drivers import InvalidArguments, NetPulseError, UnknownDriver, UnsupportedOperation

log = structlog.get_logger(__name__)

LONGEST_LOCATION = 200
"""Characters of a location: its last part may be a key that the caller made up."""

MOST_DETAILS = 50


def validation_details(errors: Sequence[Mapping[str, Any]], *, prefix: str = "") -> list[dict[str, Any]]:
    """Pydantic's errors as ``loc`` (dotted), ``msg`` and ``type``; never the input, nor the context that holds it."""
    details = []
    for error in errors[:MOST_DETAILS]:
        location = ".".join(str(part) for part in error["loc"])
        details.append(
            {
                "loc": (f"{prefix}.{location}" if prefix and location else prefix or location)[:LONGEST_LOCATION],
                "msg": str(error["msg"]).removeprefix("Value error, "),
                "type": error["type"],
            }
        )
    if len(errors) > MOST_DETAILS:
        details.append({"loc": "", "msg": f"and {len(errors) - MOST_DETAILS} more", "type": "more"})
    return details


def invalid(details: list[dict[str, Any]]) -> InvalidRequest:
    """The error for a request that does not validate; its message names the first problem."""
    first = details[0]
    where = f"{first['loc']}: " if first["loc"] else ""
    more = f" (and {len(details) - 1} more, see details)" if len(details) > 1 else ""
    return InvalidRequest(f"the request does not validate: {where}{first['msg']}{more}", details=details)


def from_validation(error: ValidationError, *, prefix: str) -> InvalidRequest:
    """The error for arguments that a driver's model refuses."""
    return invalid(validation_details(error.errors(include_input=False, include_url=False), prefix=prefix))


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(NetPulseError, _known)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _unvalidated)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(CallerGone, _gone)  # type: ignore[arg-type]


async def _known(_request: Request, error: NetPulseError) -> Response:
    if isinstance(error, BrokerError):
        return failure(error)
    # Of the drivers' tree only what their validation raises can get here.
    if isinstance(error, UnknownDriver):
        detail = {"loc": "driver", "msg": error.message, "type": error.code, "known": error.known}
        return failure(invalid([detail]))
    if isinstance(error, InvalidArguments):
        return failure(InvalidRequest(error.message, details=error.details))
    return failure(error, status=400 if isinstance(error, UnsupportedOperation) else 500)


async def _unvalidated(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        return failure(invalid([_malformed(found[0], error.body)]))
    if found and tuple(found[0]["loc"]) == ("body",):
        return failure(invalid([_no_object(request, found[0])]))
    stripped = [{**problem, "loc": problem["loc"][1:]} for problem in found]  # "body" or "query" says nothing
    return failure(invalid(validation_details(stripped)))


def _malformed(problem: Mapping[str, Any], document: Any) -> dict[str, Any]:
    position = int(problem["loc"][-1])
    what = problem.get("ctx", {}).get("error", "malformed")
    where = f"character {position}"
    if isinstance(document, str):
        line = document.count("\n", 0, position) + 1
        where = f"line {line}, column {position - document.rfind(chr(10), 0, position)}"
    return {"loc": "body", "msg": f"malformed JSON at {where}: {what}", "type": "json_invalid"}


def _no_object(request: Request, problem: Mapping[str, Any]) -> dict[str, Any]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if problem["type"] == "missing":
        message = "the body is missing: send a JSON object"
    elif content_type != "application/json" and not content_type.endswith("+json"):
        message = "send the body as JSON with the header Content-Type: application/json"
    else:
        message = "the body must be a JSON object"
    return {"loc": "body", "msg": message, "type": problem["type"]}


async def _http(request: Request, error: HTTPException) -> Response:
    """What the framework itself refuses."""
    shown: BrokerError
    headers = dict(error.headers or {})
    if error.status_code == 404:
        shown = NotFound("no such path; /openapi.json lists them")
    elif error.status_code == 405:
        allowed = _allowed(request)
        headers["Allow"] = allowed
        shown = MethodNotAllowed(f"{request.method} is not possible here; possible: {allowed}")
    elif error.status_code == 400:
        shown = BadRequest("the body cannot be read as JSON: send UTF-8 text that is not nested too deeply")
    else:
        shown = BadRequest(str(error.detail))
    return failure(shown, status=error.status_code, headers=headers)


def _allowed(request: Request) -> str:
    """The methods of a path; the framework names those of the first route alone."""
    fitting = [route for route in request.app.router.routes if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in fitting for method in getattr(route, "methods", None) or ()}))


async def _gone(_request: Request, _error: CallerGone) -> Response:
    return Response(status_code=499)  # nobody reads it; the number is what proxies log for it


class Guard:
    """ASGI middleware, the outermost: a defect is a 500 with a reference, its traceback stands in the log alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = log.bind()  # bound once: a filtered line then costs nothing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        began = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # the last border before the caller
            reference = secrets.token_hex(6)
            log.exception(
                "request_failed",
                reference=reference,
                method=scope["method"],
                path=scope["path"],
            )
            if status:  # the answer had begun: all that can be done is to break it off
                raise
            shown = InternalError(f"an error inside the broker; the controller's log has it under {reference}")
            await failure(shown)(scope, receive, send)
            status = 500
        finally:
            principal = scope.get("state", {}).get("principal")
            self._log.debug(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                key=principal.key_id if principal is not None else None,
                seconds=round(time.perf_counter() - began, 6),
            )
