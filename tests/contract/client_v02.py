"""A client as they were written for the NetPulse API v0.2: flat requests, polling, results read by position.

Standard library only. It knows nothing of this broker; what it relies on is what a script of that time relied on.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Literal

Place = Literal["header", "query", "cookie"]


class V02Error(Exception):
    """``code`` was not 200; the message and data of the answer."""

    def __init__(self, status: int, message: str, data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.data = data


@dataclass(frozen=True, slots=True)
class V02Client:
    """One caller.

    Attributes:
        key_in: where it puts its API key.
        patience: seconds until a polled job must have ended.
    """

    url: str
    key: str
    key_in: Place = "header"
    patience: float = 60.0

    def request(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """``data`` of the answer.

        Raises:
            V02Error: the request was not carried out.
        """
        headers = {"Content-Type": "application/json"}
        if self.key_in == "header":
            headers["X-API-KEY"] = self.key
        elif self.key_in == "cookie":
            headers["Cookie"] = f"theme=dark; X-API-KEY={self.key}"
        else:
            query = query | {"X-API-KEY": self.key}
        address = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        payload = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=payload, headers=headers, method=method)  # noqa: S310  # http
        try:
            with urllib.request.urlopen(request, timeout=self.patience) as answer:  # noqa: S310
                status, envelope = answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                status, envelope = refused.code, json.load(refused)
        if envelope["code"] != 200:
            raise V02Error(status, envelope["message"], envelope["data"])
        return envelope["data"]

    def submit(self, path: str = "/device/exec", /, **fields: Any) -> str:
        """POST a job; its id."""
        job = self.request("POST", path, fields)
        assert job["status"] in {"queued", "started", "finished", "failed"}
        return str(job["id"])

    def wait(self, job_id: str) -> dict[str, Any]:
        """Poll ``GET /job?id=`` as every example of that time did, and take the first of the list."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            (job,) = self.request("GET", "/job", id=job_id)
            if job["status"] in {"finished", "failed"}:
                return dict(job)
            time.sleep(0.05)
        raise TimeoutError(f"job {job_id} has not ended in {self.patience} s")

    def run(self, **fields: Any) -> dict[str, Any]:
        """Submit, poll, the ended job."""
        return self.wait(self.submit(**fields))
