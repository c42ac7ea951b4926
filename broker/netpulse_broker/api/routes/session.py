"""Interactive sessions: one caller leads the dialogue with a device. See docs/sessions.md."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from netpulse_broker.api.auth import Caller, Operator, Principal
from netpulse_broker.api.context import Shared
from netpulse_broker.api.fast_route import BodyRoute
from netpulse_broker.api.openapi import failures
from netpulse_broker.api.responses import JsonAnswer, encode, problem, success
from netpulse_broker.dispatch.device_identity import device_identity
from netpulse_broker.dispatch.interactive.listing import SessionRecord
from netpulse_broker.dispatch.interactive.sessions import InteractiveSessions
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import BadRequest, DeviceFailure, TooLarge, UnknownSession
from netpulse_broker.models.envelope import Answer
from netpulse_broker.models.session import (
    MAX_FILE,
    Alive,
    FileCopied,
    OpenedSession,
    OpenSessionRequest,
    Released,
    ResetDone,
    ResetRequest,
    SessionEntry,
)
from netpulse_broker.queueing.interactive.options import InteractiveOptions
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.times import utc_of
from netpulse_drivers import UnsupportedOperation
from netpulse_drivers.interactive import Exchange, ExchangeResult, FileProtocol, InteractiveDriver

router = APIRouter(prefix="/session", tags=["session"])
dialogue = APIRouter(prefix="/session", tags=["session"], route_class=BodyRoute)
"""What every task of a playbook asks for."""

FILE_PATH = re.compile(r"/session/[^/]+/file")
"""Paths whose bodies are streamed."""

RESULT_TTL = 600
"""Seconds that the job of an interactive session is kept after its end."""

RESET_TIMEOUT = 60.0


async def interactive_sessions(request: Request) -> InteractiveSessions:
    """Dependency: the application's interactive sessions."""
    found: InteractiveSessions = request.app.state.sessions
    return found


Sessions = Annotated[InteractiveSessions, Depends(interactive_sessions)]


class FileQuery(BaseModel):
    """Which file, and how."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    path: str = Field(min_length=1, max_length=1024, description="On the device.")
    protocol: FileProtocol = "scp"
    seq: int = Field(ge=1, description="A copy counts as an exchange.")


class SessionQuery(BaseModel):
    """Which sessions to list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    host: str | None = Field(default=None, description="Host as written in the request, or the device's name.")


@dialogue.post(
    "",
    status_code=201,
    response_model=Answer[OpenedSession],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 502, 503, 504),
    summary="Open a session",
    operation_id="open_session",
)
async def open_session(
    request: Request, body: OpenSessionRequest, shared: Shared, sessions: Sessions, caller: Operator
) -> Response:
    """Wait for the device's turn and log in, or go on with the kept session.

    Closing the connection before the answer takes the request back. A device that cannot be brought to a session is a
    502 with the device's error.
    """
    submission = _submission(body, shared, caller)
    try:
        opened = await shared.waiting.hold(request, sessions.open(submission, body.options.wait))
    except DeviceFailure as error:
        return _device_failure(error)
    return success({"id": submission.id, "device": submission.device, **opened}, status=201)


@dialogue.post(
    "/{id}/exchange",
    response_model=Answer[ExchangeResult],
    responses=failures(400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 504),
    summary="One exchange",
    operation_id="exchange",
)
async def exchange(
    request: Request,
    id: str,  # noqa: A002
    body: Exchange,
    *,
    shared: Shared,
    sessions: Sessions,
    caller: Operator,
) -> Response:
    """Type a command and read its answer. What goes wrong at the device stands in `error`; `lease_open` tells whether
    the session can be used further.

    A number that was used before gets the stored answer and is not carried out again.
    """
    body.check_patterns()
    await _own(sessions, id, caller)
    exchange = sessions.exchange(id, body.seq, body.model_dump(mode="json"), timeout=body.timeout)
    return success(await shared.waiting.hold(request, exchange, then="send the exchange again with the same number"))


@router.post(
    "/{id}/heartbeat",
    response_model=Answer[Alive],
    responses=failures(401, 403, 404, 429, 500, 503),
    summary="A sign of life",
    operation_id="session_heartbeat",
)
async def heartbeat(id: str, sessions: Sessions, caller: Operator) -> Response:  # noqa: A002
    """Keep the session although nothing is exchanged."""
    await _own(sessions, id, caller)
    return success({"id": id, "remaining": round(await sessions.heartbeat(id), 3)})


@router.delete(
    "/{id}",
    response_model=Answer[Released],
    responses=failures(401, 403, 404, 429, 500, 503, 504),
    summary="Give a session back",
    operation_id="release_session",
)
async def release(id: str, sessions: Sessions, caller: Operator) -> Response:  # noqa: A002
    """Answered when the session is out of configuration mode and at its login's privilege, or closed.

    May be repeated within a minute.
    """
    await _own(sessions, id, caller)
    await sessions.release(id)
    return success({"id": id, "released": True})


@router.get(
    "",
    response_model=Answer[list[SessionEntry]],
    responses=failures(401, 403, 422, 429, 500, 503),
    summary="List sessions",
    operation_id="list_sessions",
)
async def list_sessions(query: Annotated[SessionQuery, Query()], sessions: Sessions, caller: Caller) -> Response:
    """Open and queued sessions, oldest first: the caller's own, for an admin all."""
    owner = None if caller.role == "admin" else caller.key_id
    return success([_entry(record) for record in await sessions.list(owner=owner, device=query.host)])


@router.post(
    "/reset",
    response_model=Answer[ResetDone],
    responses=failures(400, 401, 403, 413, 422, 429, 500, 502, 503, 504),
    summary="Close a kept session",
    operation_id="reset_session",
)
async def reset(request: Request, body: ResetRequest, shared: Shared, sessions: Sessions, caller: Operator) -> Response:
    """In the device's order: what is running or waiting before it ends first. The next job logs in anew."""
    submission = _reset_submission(body, shared, caller)
    try:
        closed = await shared.waiting.hold(request, sessions.reset(submission, body.wait + 1.0))
    except DeviceFailure as error:
        return _device_failure(error)
    return success({"device": submission.device, "closed": closed})


@router.put(
    "/{id}/file",
    response_model=Answer[FileCopied],
    responses=failures(400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 504),
    summary="Copy a file to the device",
    operation_id="put_file",
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}},
)
async def put_file(
    request: Request,
    id: str,  # noqa: A002
    query: Annotated[FileQuery, Query()],
    sessions: Sessions,
    caller: Operator,
) -> Response:
    """The body is the file; `scp` needs its Content-Length. It is streamed over the session's own SSH connection."""
    await _own(sessions, id, caller)
    size = _declared_size(request)
    wanted = {"op": "put", "path": query.path, "protocol": query.protocol, "size": size}
    return success(await sessions.send_file(id, query.seq, wanted, _bounded(request.stream())))


@router.get(
    "/{id}/file",
    response_class=Response,
    responses=failures(401, 403, 404, 409, 422, 429, 500, 502, 503, 504)
    | {200: {"content": {"application/octet-stream": {}}}},
    summary="Copy a file from the device",
    operation_id="get_file",
)
async def get_file(
    id: str,  # noqa: A002
    query: Annotated[FileQuery, Query()],
    sessions: Sessions,
    caller: Operator,
) -> Response:
    """The answer is the file, streamed. A copy that breaks off after its beginning breaks the answer off."""
    await _own(sessions, id, caller)
    wanted = {"op": "get", "path": query.path, "protocol": query.protocol}
    chunks = sessions.fetch_file(id, query.seq, wanted)
    try:
        first = await anext(chunks, b"")
    except DeviceFailure as error:
        return _device_failure(error)
    return StreamingResponse(_with_first(first, chunks), media_type="application/octet-stream")


# -- requests -------------------------------------------------------------------------------------------------------


def _submission(body: OpenSessionRequest, shared: Shared, caller: Principal) -> JobSubmission:
    kind = shared.drivers.get(body.driver)
    if not issubclass(kind, InteractiveDriver):
        raise UnsupportedOperation(f"driver '{body.driver}' has no interactive sessions")
    if body.exchange is not None:
        if body.exchange.seq != 1:
            raise BadRequest("exchange.seq: the exchange that comes with the request is number 1")
        body.exchange.check_patterns()
    options = InteractiveOptions(
        heartbeat=body.options.heartbeat, max_hold=body.options.max_hold, exchange=body.exchange
    )
    connection_args, checked = shared.job_factory.connection(kind, body.connection_args, named=body.device is not None)
    return JobSubmission(
        payload=JobPayload(
            operation="lease",
            driver=body.driver,
            connection_args=connection_args,
            driver_args=options.model_dump(mode="json"),
            timeout=options.timeout,
        ),
        device=checked.device(body.device),
        host=checked.host,
        owner=caller.key_id,
        ttl=body.options.ttl or max(int(body.options.wait + 0.999), 1),
        result_ttl=RESULT_TTL,
        priority=body.options.priority,
    )


def _reset_submission(body: ResetRequest, shared: Shared, caller: Principal) -> JobSubmission:
    kind = shared.drivers.get(body.driver)
    connection_args: dict[str, Any] = {}
    if body.connection_args:
        connection_args, checked = shared.job_factory.connection(
            kind, body.connection_args, named=body.device is not None
        )
        device, host = checked.device(body.device), checked.host
    elif body.device is not None:
        device = host = device_identity("", None, explicit=body.device)
    else:
        raise BadRequest("name the session to close: connection_args or device")
    return JobSubmission(
        payload=JobPayload(
            operation="lease",
            driver=body.driver,
            connection_args=connection_args,
            driver_args=InteractiveOptions(reset=True).model_dump(mode="json"),
            timeout=RESET_TIMEOUT,
        ),
        device=device,
        host=host,
        owner=caller.key_id,
        ttl=max(int(body.wait + 0.999), 1),
        result_ttl=RESULT_TTL,
    )


async def _own(sessions: InteractiveSessions, session_id: str, caller: Principal) -> None:
    """A session of somebody else's is as unknown as one that does not exist."""
    if await sessions.owner(session_id) != caller.key_id and caller.role != "admin":
        raise UnknownSession(f"no interactive session has the id {session_id!r}")


def _declared_size(request: Request) -> int | None:
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdigit() else None
    if size is not None and size > MAX_FILE:
        raise _too_large()
    return size


async def _bounded(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > MAX_FILE:
            raise _too_large()
        yield chunk


def _too_large() -> TooLarge:
    return TooLarge(f"the file is larger than {MAX_FILE} bytes")


# -- answers --------------------------------------------------------------------------------------------------------


def _device_failure(error: DeviceFailure) -> Response:
    """502 with the device's own account: code, phase and text."""
    cause = error.cause
    body = problem(
        cause["message"],
        code=cause["code"],
        phase=cause["phase"],
        retryable=cause.get("retryable", False),
        details=cause.get("details", []),
    )
    body["data"]["device_output"] = cause.get("device_output", "")
    return JsonAnswer(encode(body), error.http_status)


async def _with_first(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk


def _entry(record: SessionRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "device": record.device,
        "host": record.host,
        "owner": record.owner,
        "state": record.state,
        "worker": record.worker,
        "since": utc_of(record.since),
        "granted": None if record.granted is None else utc_of(record.granted),
        "last_heartbeat": utc_of(record.last_heartbeat),
        "exchanges": record.exchanges,
        "remaining": record.remaining,
    }
