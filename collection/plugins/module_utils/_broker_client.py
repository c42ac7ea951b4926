# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker's REST API over one kept-open HTTP connection; standard library only.

BrokerError
├── BrokerUnreachable     no connection came about: nothing was sent
├── RequestInterrupted    the connection broke after the request had been sent, or a proxy lost the broker: it may have
│                         been carried out
├── RequestRefused        the broker answered, with an error
└── NotABroker            something answered that is no NetPulse broker
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, quote, urlsplit

from ansible_collections.netpulse.broker.plugins.module_utils._secrets import is_encrypted

# What proxies answer in the place of a broker that they lost, or gave up waiting for. Some of them use each of these
# also when the broker had the request already.
_PROXY_LOST_BROKER = frozenset({502, 503, 504})

# What a URL and a key consist of, to stand in a request's first line and headers.
_VISIBLE = re.compile(r"[\x21-\x7e]+")

_KEY = "the API key (api_key, netpulse_api_key or NETPULSE_API_KEY)"

USER_AGENT = "netpulse.broker (Ansible collection)"


class BrokerError(Exception):
    """Root of what goes wrong between Ansible and the broker.

    Attributes:
        code: stable name for playbooks to test.
        message: one line that says what went wrong and, where something can be done, what to do.
        retryable: whether the same request may succeed later.
        details: list of dicts with further facts.
    """

    code = "broker_error"
    retryable = False

    def __init__(self, message: str, *, details: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = list(details)

    def to_dict(self) -> dict[str, Any]:
        """The error as it stands in a task's result, in the form of the broker's own errors."""
        return {
            "code": self.code,
            "phase": "broker",
            "retryable": self.retryable,
            "message": self.message,
            "device_output": "",
            "details": self.details,
        }


class BrokerUnreachable(BrokerError):
    """No connection to the broker; nothing was sent."""

    code = "broker_unreachable"
    retryable = True


class RequestInterrupted(BrokerError):
    """The connection broke, no answer came in time, or a proxy answered for the broker, after the request was sent."""

    code = "broker_connection_lost"
    retryable = True


class NotABroker(BrokerError):
    """What answered at the URL does not speak the broker's API."""

    code = "not_a_broker"


class RequestRefused(BrokerError):
    """The broker's own error answer.

    Attributes:
        status: HTTP status.
        phase: the broker's word for where it happened.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        phase: str,
        retryable: bool,
        details: Sequence[dict[str, Any]] = (),
    ) -> None:
        super().__init__(message, details=details)
        self.status = status
        self.code = code
        self.phase = phase
        self.retryable = retryable

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "phase": self.phase, "status": self.status}


class BrokerClient:
    """Speaks to one broker. Use it as a context manager, or call ``close``.

    Args:
        url: ``http://`` or ``https://``, with port and path prefix where there are.
        api_key: sent as ``X-API-KEY``; None sends none.
        validate_certs: whether the server's certificate is checked.
        ca_path: file with the certificates to check against; None: the system's.
        connect_timeout: seconds for the connection to come about.

    Raises:
        BrokerError: the URL, the key or the CA file cannot be used. The key never stands in the text.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        validate_certs: bool = True,
        ca_path: str | None = None,
        connect_timeout: float = 10.0,
    ) -> None:
        parts = _checked_url(url)
        self.url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        if api_key:
            self._headers["X-API-KEY"] = _checked_key(api_key)
        self._connect_timeout = connect_timeout
        self._connection: http.client.HTTPConnection
        host = str(parts.hostname)  # that there is one was checked
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                host,
                parts.port,
                timeout=connect_timeout,
                context=_tls_context(validate_certs=validate_certs, ca_path=ca_path),
            )
        else:
            self._connection = http.client.HTTPConnection(host, parts.port, timeout=connect_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the client may be used again and then opens another one."""
        self._connection.close()

    def get(self, path: str, *, timeout: float) -> tuple[int, Any]:
        """GET, answered with ``(status, data)`` where data is what the envelope holds."""
        return self._request("GET", path, None, timeout)

    def post(self, path: str, body: Any, *, timeout: float) -> tuple[int, Any]:
        """POST a JSON body, answered with ``(status, data)``; ``timeout``: seconds without an answer."""
        return self._request("POST", path, json.dumps(body, default=_decrypted).encode(), timeout)

    def delete(self, path: str, *, timeout: float) -> tuple[int, Any]:
        """DELETE, answered as ``get``."""
        return self._request("DELETE", path, None, timeout)

    def job(self, job_id: str, *, timeout: float) -> dict[str, Any]:
        """The job object of ``job_id``."""
        _status, job = self.get("/job/" + quote(job_id, safe=""), timeout=timeout)
        return dict(job)

    def _request(self, method: str, path: str, payload: bytes | None, timeout: float) -> tuple[int, Any]:
        kept_open = self._connection.sock is not None
        try:
            return self._exchange(method, path, payload, timeout)
        except _ClosedBeforeAnswer as error:
            # A server may close an idle connection at any moment, so the first request on a kept one may meet that.
            # Reading is harmless to repeat; what a POST does is the caller's to know.
            if not (kept_open and method == "GET"):
                raise self._interrupted(method, path, error) from None
        try:
            return self._exchange(method, path, payload, timeout)
        except _ClosedBeforeAnswer as error:
            raise self._interrupted(method, path, error) from None

    def _exchange(self, method: str, path: str, payload: bytes | None, timeout: float) -> tuple[int, Any]:
        self._connect()
        headers = dict(self._headers)
        if payload is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.sock.settimeout(timeout)
            self._connection.request(method, self._prefix + path, body=payload, headers=headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except TimeoutError:
            self.close()
            raise RequestInterrupted(
                f"the broker at {self.url} did not answer {method} {path} within {timeout:g} s"
            ) from None
        except (http.client.InvalidURL, ValueError) as error:
            # The HTTP library's word for a header or path that it does not send; its text holds the value.
            self.close()
            raise BrokerError(f"{method} {path!r} cannot be sent to the broker ({type(error).__name__})") from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise _ClosedBeforeAnswer(_reason(error)) from None
        return self._read_envelope(answer, text, method, path)

    def _connect(self) -> None:
        if self._connection.sock is not None:
            return
        try:
            self._connection.connect()
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise BrokerUnreachable(
                f"cannot reach the broker at {self.url}: its certificate is not trusted ({error.verify_message}); set "
                "ca_path to the certificate authority's file"
            ) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            raise BrokerUnreachable(f"cannot reach the broker at {self.url}: {_reason(error)}") from None

    def _interrupted(self, method: str, path: str, error: Exception) -> RequestInterrupted:
        return RequestInterrupted(f"the connection to the broker at {self.url} broke during {method} {path}: {error}")

    def _read_envelope(self, answer: http.client.HTTPResponse, text: bytes, method: str, path: str) -> tuple[int, Any]:
        try:
            envelope = json.loads(text)
            code, message, data = envelope["code"], envelope["message"], envelope["data"]
        except (ValueError, KeyError, TypeError):
            if answer.status in _PROXY_LOST_BROKER:
                raise RequestInterrupted(
                    f"a proxy answered {method} {path} in the place of the broker at {self.url} (HTTP {answer.status} "
                    f"{answer.reason})"
                ) from None
            target = answer.getheader("Location")
            hint = f"; it redirects to {target}, use that as broker_url" if target else "; check broker_url"
            raise NotABroker(
                f"{self.url} does not answer {method} {path} as a NetPulse broker does (HTTP {answer.status} "
                f"{answer.reason}, {answer.getheader('Content-Type') or 'no content type'}){hint}"
            ) from None
        if answer.status < 400 and code != -1:
            return answer.status, data
        facts = data if isinstance(data, dict) else {}
        raise RequestRefused(
            _refusal(self.url, answer.status, message, facts.get("details") or []),
            status=answer.status,
            code=str(facts.get("error") or f"http_{answer.status}"),
            phase=str(facts.get("phase") or "validate"),
            retryable=bool(facts.get("retryable")),
            details=facts.get("details") or [],
        )


class _ClosedBeforeAnswer(Exception):
    """The connection broke while the request was under way."""


def _checked_url(url: str) -> SplitResult:
    """The parts of a URL that requests can be sent to.

    Raises:
        BrokerError: says what is wrong; the URL is quoted only when there is no password in it.
    """
    try:
        parts = urlsplit(url)
        login = parts.username
    except ValueError as error:
        raise BrokerError(f"broker_url cannot be read ({error}); it must look like https://name:9000") from None
    if login is not None or "@" in url:
        raise BrokerError("broker_url must not hold a user name or password; the key belongs into api_key")
    if "{{" in url:
        raise BrokerError(f"broker_url {url!r} is a template that was not rendered")
    if not _VISIBLE.fullmatch(url):
        raise BrokerError(f"broker_url {url!r} holds a blank, a line break or another character that no URL has")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BrokerError(f"broker_url must look like https://name:9000, not {url!r}")
    if parts.query or parts.fragment:
        raise BrokerError(f"broker_url {url!r} must end with the path: leave out what follows '?' or '#'")
    try:
        usable = parts.port is None or parts.port > 0
    except ValueError:
        usable = False
    if not usable:
        raise BrokerError(f"broker_url {url!r} has a port that is no number from 1 to 65535")
    return parts


def _checked_key(api_key: str) -> str:
    """The key as it can stand in a header.

    Raises:
        BrokerError: it cannot; the text does not hold it.
    """
    key = str(api_key)
    if "{{" in key:
        raise BrokerError(f"{_KEY} holds '{{{{', the beginning of a template that was not rendered")
    if not _VISIBLE.fullmatch(key):
        raise BrokerError(
            f"{_KEY} holds a blank, a line break or a character beyond ASCII, which no key of a broker has; check how "
            "it was copied (a file's last line break is a common cause)"
        )
    return key


def _decrypted(value: Any) -> str:
    if is_encrypted(value):
        return str(value)
    raise BrokerError(f"an object of type {type(value).__name__} cannot be sent to the broker; give texts and numbers")


def _refusal(url: str, status: int, message: str, details: list[Any]) -> str:
    if status == 401:
        return f"the broker at {url} wants an API key: {message}; set api_key, netpulse_api_key or NETPULSE_API_KEY"
    if status == 403:
        return f"the broker at {url} refuses this API key: {message}"
    if status == 503:
        return f"the broker at {url} cannot take the job now: {message}"
    problems = "; ".join(
        f"{_location(one.get('loc'))}: {one.get('msg')}" for one in details if isinstance(one, dict) and one.get("msg")
    )
    return f"the broker at {url} refuses the request: {message}" + (f" ({problems})" if problems else "")


def _location(loc: Any) -> str:
    return ".".join(str(part) for part in loc) if isinstance(loc, list) else str(loc)


# In words of our own: the HTTP library's texts quote what was sent or received. The first that fits.
_REASONS = (
    (TimeoutError, "it does not answer (timed out)"),
    (UnicodeError, "its name is no host name"),
    (http.client.RemoteDisconnected, "it closed the connection without an answer"),
    (http.client.IncompleteRead, "its answer was cut off"),
    (http.client.HTTPException, "what it answers is no HTTP"),
)


def _reason(error: Exception) -> str:
    for kind, words in _REASONS:
        if isinstance(error, kind):
            return words
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved ({error.strerror})"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _tls_context(*, validate_certs: bool, ca_path: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_path)
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"the certificates in ca_path {ca_path!r} cannot be used: {_reason(error)}") from None
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
