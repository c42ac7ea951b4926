"""The envelope, written straight to JSON: answers are built from checked parts and need no second validation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from starlette.responses import Response

from netpulse_broker.errors import BrokerError
from netpulse_drivers import NetPulseError


class JsonAnswer(Response):
    """A response whose body is JSON already."""

    media_type = "application/json"


def success(data: Any, *, status: int = 200, message: str = "success", **more: Any) -> JsonAnswer:
    """``data`` (JSON-ready) in the envelope; ``more`` stands beside it."""
    return JsonAnswer(encode({"code": 200, "message": message, "data": data, **more}), status)


def failure(error: NetPulseError, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> JsonAnswer:
    """An error in the envelope, with the status that belongs to it unless another is given."""
    head = dict(headers or {})
    if isinstance(error, BrokerError):
        status = status or error.http_status
        if error.retry_after is not None:
            head["Retry-After"] = str(math.ceil(error.retry_after))
    body = problem(error.message, code=error.code, phase=error.phase, retryable=error.retryable, details=error.details)
    return JsonAnswer(encode(body), status or 500, headers=head)


def problem(
    message: str, *, code: str, phase: str, retryable: bool, details: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The failure envelope as an object."""
    data = {"error": code, "phase": phase, "retryable": retryable, "details": list(details)}
    return {"code": -1, "message": message, "data": data}


def encode(value: Any) -> bytes:
    """JSON bytes. Numbers that JSON has no word for become null.

    Text that is no valid Unicode (a caller's lone surrogate, come back in a listing) is escaped rather than refused.
    """
    try:
        return to_json(value, inf_nan_mode="null")
    except (PydanticSerializationError, UnicodeEncodeError):
        return json.dumps(value, separators=(",", ":")).encode("ascii")
