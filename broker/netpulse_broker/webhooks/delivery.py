"""A delivery as it is sealed: whom to call, about which job, and, from the second attempt on, with which words."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from netpulse_broker.models.webhooks import WebhookOptions
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.sealing import Sealer

QUEUE_TTL = 6 * 3600
"""Seconds that an attempt may wait for a FIFO worker before the delivery becomes a dead letter."""

SPARE = 86400.0
"""Seconds that a sealed attempt opens beyond the time at which it must have been made."""

MARGIN = 5.0
"""Seconds that an attempt's job lasts longer than the call: for what stands around it."""


def opens_until(due: float, *, keep_dead: int) -> float:
    """Until when (epoch seconds) a sealed attempt opens: as long as it may wait in its queue, then as a dead letter.

    Args:
        due: the present or later.
    """
    return due + QUEUE_TTL + max(SPARE, keep_dead)


class Delivery(BaseModel):
    """One delivery at one attempt.

    Attributes:
        id: the same for all attempts.
        job: id of the job whose end it tells.
        attempt: from 1.
        options: the request's, secrets in clear.
        timeout: seconds of one call.
        body: what is sent, once it has been made.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: str
    job: str
    attempt: int = 1
    options: dict[str, Any]
    timeout: float
    body: str | None = None

    @classmethod
    def of(cls, job_id: str, options: WebhookOptions, *, timeout: float) -> Delivery:
        """The first attempt for a new job."""
        plain = options.model_dump(mode="python", exclude_none=True)
        return cls(
            id=str(uuid.uuid4()),
            job=job_id,
            options=json.loads(json.dumps(plain, default=lambda secret: secret.get_secret_value())),
            timeout=options.timeout or timeout,
        )

    @property
    def attempt_id(self) -> str:
        """Id of the attempt's job."""
        return f"{self.id}.{self.attempt}"

    @property
    def target(self) -> str:
        """Scheme, host and port, for people: the path of a URL may hold a secret."""
        parts = urlsplit(self.options["url"])
        return f"{parts.scheme}://{parts.netloc}"

    def following(self, *, body: str | None) -> Delivery:
        """The next attempt."""
        return self.model_copy(update={"attempt": self.attempt + 1, "body": body})

    def sealed(self, sealer: Sealer, *, expires: float) -> bytes:
        """As the job of its attempt."""
        payload = JobPayload(
            operation="webhook",
            driver="webhook",
            connection_args={},
            driver_args=self.model_dump(mode="json"),
            timeout=self.timeout + MARGIN,
        )
        return sealer.seal(
            payload.model_dump(mode="json"),
            job_id=self.attempt_id,
            queue=keys.FIFO,
            direction="to_worker",
            kind="webhook",
            expires=expires,
        )

    @classmethod
    def opened(cls, sealer: Sealer, sealed: bytes, *, attempt_id: str) -> Delivery:
        """From its sealed form.

        Raises:
            SealBroken
        """
        value: Mapping[str, Any] = sealer.open(
            sealed, job_id=attempt_id, queue=keys.FIFO, direction="to_worker", kind="webhook"
        )
        return cls.model_validate(value["driver_args"])

    def attempt_fields(self, sealer: Sealer, *, due: float, keep_dead: int) -> dict[str, Any]:
        """Fields of the attempt's job hash that differ from attempt to attempt.

        Args:
            due: epoch seconds.
            keep_dead: seconds that the delivery is kept when it ends without an attempt.
        """
        expires = opens_until(due, keep_dead=keep_dead)
        return {
            "data": self.sealed(sealer, expires=expires),
            "expires": expires,
            "timeout": int(self.timeout + MARGIN + 0.999),
            "ttl": QUEUE_TTL,
            "result_ttl": 3600,
            "device": self.target,
            "host": self.target,
            "driver": "webhook",
            "operation": "webhook",
            "origin": keys.FIFO,
            "description": "",
            "priority": "normal",
            # A delivery that its worker did not survive is made again: at least once.
            "idempotent": "1",
            "reply_to": "",
            "seq": 0,
            "delivery": self.id,
            "delivery_job": self.job,
            "delivery_attempt": self.attempt,
            "delivery_keep": keep_dead,
        }
