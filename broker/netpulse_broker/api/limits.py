"""Bounds on what callers may send: the size of a body, and how many requests are in hand at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netpulse_broker.api.responses import failure
from netpulse_broker.errors import TooLarge, TooManyRequests


class BodyLimit:
    """ASGI middleware: a body over the limit is a 413, known from its length or noticed while it streams in.

    The rest of the body is not read here: the server discards it after the answer, so that a client that writes all of
    its request before it reads gets to see the answer.

    Args:
        limit: bytes.
        streamed: paths whose bodies are passed on as they come and have a limit of their own.
    """

    def __init__(self, app: ASGIApp, *, limit: int, streamed: re.Pattern[str] | None = None) -> None:
        self._app = app
        self._limit = limit
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "DELETE", "HEAD"}:
            await self._app(scope, receive, send)
            return
        if self._streamed is not None and self._streamed.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        declared = _declared_length(scope)
        if declared is not None:  # the server takes no more of the body than that
            await (self._refuse if declared > self._limit else self._app)(scope, receive, send)
            return
        received = 0
        too_large = False
        started = False

        async def counted() -> Message:
            nonlocal received, too_large
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._limit:
                    too_large = True
                    # To the application the caller is gone: it stops reading and does nothing.
                    return {"type": "http.disconnect"}
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if too_large:
                return
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, counted, watched)
        finally:
            if too_large and not started:
                await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = TooLarge(f"the request body is larger than {self._limit} bytes (setting controller.max_body)")
        await failure(error)(scope, receive, send)


class RequestLimit:
    """ASGI middleware: more requests at a time than the controller takes are a 429 with Retry-After.

    Args:
        limit: requests in hand, waiting ones included.
        exempt: paths that are always answered.
    """

    def __init__(self, app: ASGIApp, *, limit: int, exempt: Iterable[str]) -> None:
        self._app = app
        self._limit = limit
        self._exempt = frozenset(exempt)
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        if self._in_hand >= self._limit:
            error = TooManyRequests(f"{self._in_hand} requests are in hand (setting controller.max_requests)")
            await failure(error)(scope, receive, send)
            return
        self._in_hand += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_hand -= 1


def _declared_length(scope: Scope) -> int | None:
    """Bytes of the body as announced; None when it was not, or when it comes in chunks, whatever was announced."""
    declared = None
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length" and value.isdigit():
            declared = int(value)
    return declared
