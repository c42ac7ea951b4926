"""Orders to a node, as they lie in its list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

OrderOperation = Literal["start", "stop_worker", "stop_job", "drain"]


@dataclass(frozen=True, slots=True)
class Order:
    """One order to a node.

    Attributes:
        operation: start (a worker for ``device``), stop_worker (``device`` or, on a FIFO node, ``worker``), stop_job
            (``job`` on ``device`` or ``worker``), drain.
        raw: as it lies in the node's list.
    """

    operation: str
    device: str = ""
    worker: str = ""
    job: str = ""
    raw: bytes = b""

    @staticmethod
    def encode(operation: OrderOperation, *, device: str = "", worker: str = "", job: str = "") -> str:
        """The order as it is pushed."""
        return json.dumps({"operation": operation, "device": device, "worker": worker, "job": job})

    @classmethod
    def decode(cls, raw: bytes) -> Order:
        """Read an order; one that is not an order has the operation "" and is dropped with a log line by the node."""
        try:
            fields = json.loads(raw)
            return cls(
                str(fields["operation"]),
                str(fields.get("device", "")),
                str(fields.get("worker", "")),
                str(fields.get("job", "")),
                raw,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls("", raw=raw)
