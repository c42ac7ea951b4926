# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker's interactive sessions (``/session``) over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import (
    BrokerClient,
    BrokerUnreachable,
    RequestInterrupted,
    RequestRefused,
)

# Bytes of a file that are in memory at a time.
CHUNK = 64 * 1024

# Errors of the network that may be over a moment later; a wrong name or an untrusted certificate is not among them.
_PASSING = (ConnectionRefusedError, ConnectionResetError, TimeoutError)


class SessionRefused(RequestRefused):
    """A refusal with the broker's own words.

    Attributes:
        reason: the broker's message alone.
        device_output: what the device had said, where it was the device that refused.
    """

    def __init__(self, refused: RequestRefused, envelope: Mapping[str, Any]) -> None:
        super().__init__(
            refused.message,
            status=refused.status,
            code=refused.code,
            phase=refused.phase,
            retryable=refused.retryable,
            details=refused.details,
        )
        facts = envelope["data"] if isinstance(envelope["data"], dict) else {}
        self.reason = str(envelope["message"])
        self.device_output = str(facts.get("device_output") or "")


class SessionApi(BrokerClient):
    """One connection to the broker. Not for use by two threads at a time."""

    def open(self, body: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        """Wait for the device and take it: the broker's answer to ``POST /session``."""
        return dict(self.post("/session", body, timeout=timeout)[1])

    def exchange(self, session_id: str, exchange: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        """Carry out one exchange; ``exchange["seq"]`` numbers it.

        A server closes idle connections when it likes, so the request may meet a closing one. It is then sent again
        under the number it had: the broker carries out each number once, and answers a repetition with what it has
        stored.
        """
        path = _path(session_id) + "/exchange"
        try:
            return dict(self.post(path, exchange, timeout=timeout)[1])
        except RequestInterrupted as error:
            if isinstance(error.__context__, TimeoutError):
                raise
        return dict(self.post(path, exchange, timeout=timeout)[1])

    def heartbeat(self, session_id: str, *, timeout: float) -> None:
        """Say that the session is still wanted."""
        self._twice("POST", _path(session_id) + "/heartbeat", timeout)

    def release(self, session_id: str, *, timeout: float) -> None:
        """Give the device back; harmless when that was done already."""
        self._twice("DELETE", _path(session_id), timeout)

    def reset(self, target: Mapping[str, Any], *, timeout: float) -> None:
        """Close the kept session of a device and user, in the device's order."""
        self.post("/session/reset", target, timeout=timeout)

    def put_file(
        self, session_id: str, source: str, *, path: str, protocol: str, seq: int, timeout: float
    ) -> dict[str, Any]:
        """Stream the local file ``source`` to ``path`` on the device."""
        target = _file_path(session_id, path=path, protocol=protocol, seq=seq)
        with open(source, "rb") as stream:
            headers = {
                **self._headers,
                "Content-Type": "application/octet-stream",
                "Content-Length": str(os.fstat(stream.fileno()).st_size),
            }
            with self._unrepeatable("PUT", target, timeout):
                # Not on a kept connection: half a file cannot be sent again.
                self.close()
                self._connect()
                self._connection.sock.settimeout(timeout)
                self._connection.blocksize = CHUNK
                self._connection.request("PUT", self._prefix + target, body=stream, headers=headers)
                answer = self._connection.getresponse()
                text = answer.read()
        return dict(self._read_envelope(answer, text, "PUT", target)[1])

    def get_file(
        self, session_id: str, destination: str, *, path: str, protocol: str, seq: int, timeout: float
    ) -> None:
        """Stream ``path`` from the device to the local file ``destination``, which is complete or untouched."""
        target = _file_path(session_id, path=path, protocol=protocol, seq=seq)
        with self._unrepeatable("GET", target, timeout):
            self.close()
            self._connect()
            self._connection.sock.settimeout(timeout)
            self._connection.request("GET", self._prefix + target, headers=self._headers)
            answer = self._connection.getresponse()
            if answer.status >= 400:
                text = answer.read()
                self._read_envelope(answer, text, "GET", target)
            _save(answer, destination)

    def _twice(self, method: str, path: str, timeout: float) -> None:
        """A request that may be repeated, also when the kept connection was closed meanwhile."""
        body = b"{}" if method == "POST" else None
        try:
            self._request(method, path, body, timeout)
        except RequestInterrupted as error:
            if isinstance(error.__context__, TimeoutError):
                raise
            self._request(method, path, body, timeout)

    @contextlib.contextmanager
    def _unrepeatable(self, method: str, path: str, timeout: float) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self.close()
            raise RequestInterrupted(
                f"the broker at {self.url} did not answer {method} {path} within {timeout:g} s"
            ) from None
        except http.client.HTTPException as error:
            self.close()
            raise self._interrupted(method, path, error) from None
        except ConnectionError as error:
            self.close()
            raise self._interrupted(method, path, error) from None

    def _read_envelope(self, answer: http.client.HTTPResponse, text: bytes, method: str, path: str) -> tuple[int, Any]:
        try:
            return super()._read_envelope(answer, text, method, path)
        except RequestRefused as error:
            raise SessionRefused(error, json.loads(text)) from None


def may_pass(error: Exception) -> bool:
    """Whether opening a session may work a moment later: nothing was done, and what is missing may come back."""
    if isinstance(error, BrokerUnreachable):
        return isinstance(error.__context__, _PASSING)
    return isinstance(error, RequestRefused) and error.status == 503


def _path(session_id: str) -> str:
    return "/session/" + quote(session_id, safe="")


def _file_path(session_id: str, **query: str | int) -> str:
    return _path(session_id) + "/file?" + urlencode(query)


def _save(stream: http.client.HTTPResponse, destination: str) -> None:
    partial = f"{destination}.{os.getpid()}.part"
    try:
        with open(partial, "xb") as file:
            while chunk := stream.read(CHUNK):
                file.write(chunk)
        os.replace(partial, destination)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise
