"""HTTP over connections that go to checked addresses only and end with the deadline, whatever the peer does."""

from __future__ import annotations

import ssl
import time
import typing

import httpcore
import httpx

from netpulse_broker.webhooks.targets import Targets
from netpulse_drivers import Deadline


class CheckedTransport(httpx.BaseTransport):
    """For one call.

    The host in the URL still names the peer in the ``Host`` header, in TLS (SNI) and in the certificate's check; only
    the connection goes to the address that was looked up and checked.
    """

    def __init__(self, targets: Targets, *, deadline: Deadline, context: ssl.SSLContext) -> None:
        backend = _CheckedBackend(targets, deadline)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=backend, max_connections=1)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the body of the answer is not read."""
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.content,
                extensions=request.extensions,
            )
        )
        answer.close()
        return httpx.Response(status_code=answer.status, headers=answer.headers)

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class _CheckedBackend(httpcore.NetworkBackend):
    def __init__(self, targets: Targets, deadline: Deadline) -> None:
        self._targets = targets
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  # the deadline counts
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the target's name has no address")
        for address in self._targets.addresses(host, port, self._deadline):
            try:
                stream = self._sockets.connect_tcp(
                    address,
                    port,
                    timeout=_left(self._deadline),
                    local_address=local_address,
                    socket_options=socket_options,
                )
                return _BoundedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("no webhook goes to a unix socket")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _BoundedStream(httpcore.NetworkStream):
    """httpx's time-outs count per read: a peer that sends a byte now and then would hold the worker for ever."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, timeout=_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, timeout=_left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout=_left(self._deadline))
        return _BoundedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> typing.Any:
        return self._stream.get_extra_info(info)


def _left(deadline: Deadline) -> float:
    left = deadline.remaining()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the call is over")
    return left
