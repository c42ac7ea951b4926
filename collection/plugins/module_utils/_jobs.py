# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job on the broker, from its submission to its end, and what its end means for the task."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import (
    BrokerClient,
    BrokerError,
    BrokerUnreachable,
    NotABroker,
    RequestInterrupted,
    RequestRefused,
)

FINAL_STATES = frozenset({"finished", "failed", "stopped", "canceled"})

# A device that cannot be reached or refuses the login is what Ansible calls unreachable.
UNREACHABLE_PHASES = frozenset({"connect", "auth"})

# Seconds one HTTP request waits for the job. Below the minute after which many load balancers cut a silent connection.
WAIT = 55

# Seconds an answer may be late, beyond the wait that was asked for.
GRACE = 15

# Seconds for which a broker that went away in mid-job is looked for again.
SEARCH = 30


class OutcomeUnknown(BrokerError):
    """The broker went away while the job was its business: nobody here knows whether the device carried it out."""

    code = "outcome_unknown"


class JobUnfinished(BrokerError):
    """The job has not ended in the time it had for waiting and running."""

    code = "job_unfinished"

    def __init__(self, message: str, *, job: dict[str, Any]) -> None:
        super().__init__(message)
        self.job = job


class RunEnded(BrokerError):
    """The playbook run that wanted the job is gone."""

    code = "run_ended"


class JobRunner:
    """Submits jobs and waits for them.

    A job is submitted with an idempotency key of its own, so that asking again after a broken connection finds the job
    that the first request made instead of running it twice.

    Args:
        client: the BrokerClient.
        patience: seconds from the submission after which a job that has not ended is given up.
        announce: called with one line when the connection broke and the broker is asked again.
    """

    def __init__(self, client: BrokerClient, *, patience: float, announce: Callable[[str], None]) -> None:
        self._client = client
        self._patience = patience
        self._announce = announce
        self._abandoned = threading.Event()
        self._submitted: dict[str, Any] | None = None

    def pause(self, seconds: float) -> None:
        """Sleep, at most until nobody wants a result any more.

        Raises:
            RunEnded
        """
        if self._abandoned.wait(seconds):
            raise RunEnded("the playbook run that this task belongs to has ended")

    def abandon(self, client: BrokerClient, *, stop_started: bool) -> None:
        """From another thread: no further job is submitted, and the one under way is canceled.

        Args:
            client: another BrokerClient, because the runner's own one is in use.
            stop_started: whether a job that has begun is stopped as well; else it goes on to its end.

        Raises:
            BrokerError: the broker could not be asked; the job ends by its own time limits.
        """
        self._abandoned.set()
        body = self._submitted
        if body is None:
            return
        # The same request with the same key is no second job: it tells which one the first request made.
        _status, job = client.post(
            "/device/execute", {**body, "options": {**body["options"], "wait": 0}}, timeout=GRACE
        )
        if job["status"] == "queued" or (stop_started and job["status"] not in FINAL_STATES):
            client.delete("/job?id=" + quote(str(job["id"]), safe=""), timeout=GRACE)

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Submit ``request``, the body for /device/execute, and return the job object once it has ended.

        Raises:
            BrokerUnreachable, RequestRefused, NotABroker: nothing was accepted.
            OutcomeUnknown: it may have been accepted.
            JobUnfinished: it was accepted and has not ended.
            RunEnded: nobody wants its result any more.
        """
        self.pause(0)
        key = f"ansible-{uuid.uuid4().hex}"
        deadline = time.monotonic() + self._patience
        wait = max(1, min(WAIT, int(self._patience)))
        body = {**request, "options": {**request.get("options", {}), "wait": wait, "idempotency_key": key}}
        self._submitted = body
        submit = partial(self._submit, body, timeout=wait + GRACE)
        job = self._surviving_interruptions(submit, lost_what=f"the job submitted as {key}", accepted=False)
        pause = 0.1
        while job["status"] not in FINAL_STATES:
            if time.monotonic() >= deadline:
                raise JobUnfinished(
                    f"job {job['id']} is still {job['status']} after {self._patience:g} s and goes on without this "
                    f"task; see GET /job/{job['id']} for its end, or DELETE /job?id={job['id']} to stop it",
                    job=job,
                )
            self.pause(pause)
            pause = min(2 * pause, 2.0)
            ask = partial(self._client.job, job["id"], timeout=GRACE)
            job = self._surviving_interruptions(ask, lost_what=f"job {job['id']}", accepted=True)
        self._submitted = None
        return job

    def _submit(self, body: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        _status, job = self._client.post("/device/execute", body, timeout=timeout)
        return dict(job)

    def _surviving_interruptions(
        self, request: Callable[[], dict[str, Any]], *, lost_what: str, accepted: bool
    ) -> dict[str, Any]:
        """Make a request; when the connection breaks make it again, as long as the broker may come back."""
        give_up: float | None = None
        pause = 0.1
        while True:
            try:
                return request()
            except (RequestInterrupted, BrokerUnreachable, RequestRefused, NotABroker) as error:
                nothing_accepted = not accepted and not isinstance(error, RequestInterrupted)
                if give_up is None and nothing_accepted:
                    raise
                if isinstance(error, RequestRefused) and not error.retryable:
                    raise OutcomeUnknown(_lost(lost_what, error)) from error
                now = time.monotonic()
                if give_up is None:
                    self._announce(f"{error.message}; asking again")
                    give_up = now + SEARCH
                elif now >= give_up:
                    raise OutcomeUnknown(_lost(lost_what, error)) from error
                accepted = True
            self.pause(pause)
            pause = min(2 * pause, 2.0)


def _lost(what: str, error: BrokerError) -> str:
    return (
        f"{error.message}. The outcome of {what} is unknown: the device may have carried it out, check it before "
        "repeating"
    )


def succeeded(job: dict[str, Any]) -> bool:
    """Whether the job did all it was asked."""
    return job["status"] == "finished" and job.get("outcome") in (None, "ok")


def outcome_unknown(job: dict[str, Any]) -> bool:
    """Whether nobody knows what the device did with the job."""
    return job.get("outcome") == "unknown"


def outputs_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """What the device said, command by command, also for a job that failed."""
    return (job.get("result") or {}).get("outputs") or []


def error_of(job: dict[str, Any]) -> dict[str, Any]:
    """The error of a job that did not succeed, as the broker gives it: code, phase, retryable, message, ..."""
    error = (job.get("result") or {}).get("error")
    if isinstance(error, dict):
        return error
    code = job.get("error")
    return {
        "code": code if isinstance(code, str) else f"job_{job['status']}",
        "phase": "execute",
        "retryable": False,
        "message": f"the job was {job['status']}",
        "device_output": "",
        "details": [],
    }


def failure_of(job: dict[str, Any], *, device: str) -> dict[str, Any]:
    """What a task returns for a job that did not succeed: failed or unreachable, msg, error."""
    error = error_of(job)
    text = str(error.get("device_output") or "").strip()
    # The broker's message often ends with the line that tells; then the rest is in error.device_output.
    said = f"; the device said: {text}" if text and text.splitlines()[-1] not in str(error.get("message")) else ""
    unknown = "outcome unknown, " if outcome_unknown(job) else ""
    message = f"{device}: {unknown}{error.get('phase', 'execute')}: {error.get('message', job['status'])}{said}"
    if str(error.get("phase")) in UNREACHABLE_PHASES:
        return {"unreachable": True, "msg": message, "error": error}
    return {"failed": True, "msg": message, "error": error}


def summary_of(job: dict[str, Any]) -> dict[str, Any]:
    """The job in a task's result, without what the task returns in other places."""
    keys = ("id", "seq", "status", "outcome", "device", "queue", "worker", "queue_time", "duration", "session_reused")
    return {key: job[key] for key in keys if key in job}
