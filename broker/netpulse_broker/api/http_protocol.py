"""One HTTP connection with bounds: uvicorn's httptools protocol by itself keeps any header, at any pace, for ever.

Bytes are counted as they come in, before anything of a request is known: whoever sends headers has shown no key yet.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from netpulse_broker.api.responses import failure
from netpulse_broker.errors import BrokerError, HeadersTooLarge, RequestTooSlow
from netpulse_drivers.networks import Network, meant_by, within

BODY_BYTES_EACH = 65_536
"""Bytes of a body that must come within each ``body_timeout``; a body that is done earlier may be smaller."""

WRITE_TIMEOUT = 60.0
"""Seconds in which a caller must take at least something of an answer that waits for it."""

LAST_WORDS = 5.0
"""Seconds for an answer to leave before a refused connection is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one connection.

    Attributes:
        header_bytes: of a request line and its headers, and of trailers.
        header_timeout: seconds for them, from the connection's or the request's first moment.
        body_timeout: seconds for each ``BODY_BYTES_EACH`` of a body.
        trusted_proxies: whose ``X-Forwarded-For`` names the caller.
    """

    header_bytes: int
    header_timeout: float
    body_timeout: float
    trusted_proxies: Sequence[Network] = ()


class BoundedProtocol(HttpToolsProtocol):
    """See the module's text.

    Args:
        on_closed: called once when the connection is gone.

    Attributes:
        idle_since: monotonic seconds since when nothing is asked on it; None: something is, or nothing was yet.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        bounds: Bounds,
        on_closed: Callable[[BoundedProtocol], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._bounds = bounds
        self._on_closed = on_closed
        self.idle_since: float | None = None
        self._in_headers = True
        self._in_body = False
        self._header_bytes = 0
        self._body_bytes = 0
        self._progress = False
        self._received = 0
        self._refusal: BrokerError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._unsent = 0

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._within(self._bounds.header_timeout, self._headers_overdue)

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_timer()
        if self._writing is not None:
            self._writing.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._on_closed(self)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.idle_since = None
        self._progress = False
        self._received = len(data)
        if self._in_headers:
            self._header_bytes += self._received
        super().data_received(data)
        if self.parser is None or self.transport.is_closing():
            return
        if self._in_body and not self._progress:
            self._header_bytes += self._received  # chunk sizes and trailers: whatever comes beside the body itself
        if self._header_bytes > self._bounds.header_bytes and (self._in_headers or self._in_body):
            self._refusal = self._refusal or self._too_large()
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif self._in_headers and self._timer is None:
            self._within(self._bounds.header_timeout, self._headers_overdue)
        elif self._in_body and self._timer is None:
            self._expect_body()

    # -- parser callbacks ---------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers, self._header_bytes, self._refusal = True, 0, None

    def on_headers_complete(self) -> None:
        self._no_timer()
        self._in_headers = False
        if self._header_bytes > self._bounds.header_bytes or self._came_too_large_at_once():
            self._refusal = self._too_large()
            return
        self._in_body, self._header_bytes, self._body_bytes = True, 0, 0
        if self._bounds.trusted_proxies and self.client is not None:
            self.scope["client"] = (self._caller(self.client[0]), self.client[1])
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._progress = True
        self._body_bytes += len(body)
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        if self._refusal is None:
            self._no_timer()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None and not self._in_body:
            self.idle_since = time.monotonic()

    # -- time ---------------------------------------------------------------------------------------------------------

    def _within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._no_timer()
        self._timer = self.loop.call_later(seconds, otherwise)

    def _no_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _headers_overdue(self) -> None:
        self._timer = None
        self._refuse(RequestTooSlow(f"the request's headers did not come within {self._bounds.header_timeout:g} s"))

    def _expect_body(self) -> None:
        self._body_bytes = 0
        self._within(self._bounds.body_timeout, self._look_at_body)

    def _look_at_body(self) -> None:
        self._timer = None
        answered = self.cycle is not None and self.cycle.response_complete
        if not answered and (self._body_bytes >= BODY_BYTES_EACH or self.flow.read_paused):
            self._expect_body()  # or the application has not taken what came
            return
        self._refuse(RequestTooSlow(f"the request's body did not come within {self._bounds.body_timeout:g} s"))

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._writing is None:
            self._watch_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _watch_writing(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._writing = self.loop.call_later(WRITE_TIMEOUT, self._look_at_writing)

    def _look_at_writing(self) -> None:
        if self.transport.get_write_buffer_size() >= self._unsent:
            self.transport.abort()  # nobody reads
        else:
            self._watch_writing()

    # -- the end ------------------------------------------------------------------------------------------------------

    def _came_too_large_at_once(self) -> bool:
        """Whether headers that ended in the piece they began in are too large; most pieces cannot hold such."""
        if self._received <= self._bounds.header_bytes:
            return False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        return size > self._bounds.header_bytes

    def _too_large(self) -> HeadersTooLarge:
        return HeadersTooLarge(
            f"the request's headers are larger than {self._bounds.header_bytes} bytes (setting controller.max_headers)"
        )

    def _refuse(self, error: BrokerError) -> None:
        """Say why, unless an answer is under way, and close."""
        if self.transport.is_closing():
            return
        self._no_timer()
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(last_answer(error))
        if self.cycle is not None:  # the application sees that the caller is gone
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.loop.call_later(LAST_WORDS, self.transport.abort)
        self.transport.close()

    def _caller(self, peer: str) -> str:
        """The address that the nearest proxy that is not trusted, or the caller, has for the trusted ones."""
        named = b",".join(value for name, value in self.headers if name == b"x-forwarded-for").decode("latin-1")
        caller = peer
        for hop in [peer, *reversed([part.strip() for part in named.split(",") if part.strip()])]:
            try:
                address = ipaddress.ip_address(hop)
            except ValueError:
                break
            caller = str(address)
            if not is_among(caller, self._bounds.trusted_proxies):
                break
        return caller


def is_among(address: str, networks: Sequence[Network]) -> bool:
    """Whether the address, or the IPv4 address in it, is in one of the networks."""
    return any(within(one, networks) for one in meant_by(ipaddress.ip_address(address.partition("%")[0])))


def last_answer(error: BrokerError) -> bytes:
    """A whole answer that closes its connection."""
    answer = failure(error)
    head = [f"HTTP/1.1 {answer.status_code} {type(error).__name__}".encode()]
    head += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*head, b"connection: close", b"", bytes(answer.body)])
