"""A FIFO worker's part: carry out an attempt, and see to what follows from it."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

import redis
import structlog

from netpulse_broker.errors import InternalError, WebhookFailed, WebhookRefused
from netpulse_broker.models.job import job_object
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.jobs.worker_queue import ClaimedJob
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import Unusable
from netpulse_broker.queueing.redis.scripts import ScriptName, Scripts, text
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import WebhookSettings
from netpulse_broker.webhooks.delivery import Delivery
from netpulse_drivers import Deadline, NetPulseError

if TYPE_CHECKING:
    from netpulse_broker.webhooks.callers import Caller

log = structlog.get_logger(__name__)

RECORD_WITHIN = 60.0
"""Seconds that an outage of Redis may take while the outcome of an attempt waits to be recorded."""


class WebhookDeliverer:
    """Makes deliveries.

    A failed attempt first has the next one recorded (or the dead letter), then ends: whoever dies in between is
    followed by a worker that does the attempt again and records the same.
    """

    def __init__(self, client: redis.Redis, sealer: Sealer, settings: WebhookSettings) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._sealer = sealer
        self._settings = settings
        self._callers: dict[str, Caller] = {}

    def deliver(self, job: ClaimedJob) -> NetPulseError | None:
        """One attempt; the error that it ended with.

        Raises nothing else: while Redis is away, what follows from the attempt is recorded once it is back, and if that
        takes too long the attempt ends as a defect, which makes it a dead letter when its end is recorded.
        """
        try:
            return self._attempt(job)
        except redis.RedisError as error:
            log.error("webhook_not_recorded", job=job.place.id, error=type(error).__name__)  # noqa: TRY400 - no defect
            return InternalError("Redis was away for too long to record what follows from the attempt")
        except Exception as error:  # a defect must not end the worker: the next one would meet the same job
            log.exception("webhook_defect", job=job.place.id)
            return InternalError(f"unexpected {type(error).__name__} while the webhook was delivered; see the log")

    def _attempt(self, job: ClaimedJob) -> NetPulseError | None:
        delivery = Delivery.model_validate(job.payload.driver_args)
        body = delivery.body
        try:
            if body is None:
                body = self._body(delivery)
            self._call(delivery, body.encode("utf-8", "surrogatepass"))
        except WebhookFailed as error:
            self._follow_up(delivery, body, error)
            return error
        log.info("webhook_delivered", delivery=delivery.id, job=delivery.job, attempt=delivery.attempt)
        return None

    def _call(self, delivery: Delivery, body: bytes) -> None:
        name = str(delivery.options.get("name", "basic"))
        if name not in self._callers:
            from netpulse_broker.webhooks.callers import caller  # noqa: PLC0415  # an HTTP library, once it is needed

            self._callers[name] = caller(name, self._settings)
        try:
            self._callers[name].call(delivery, body, Deadline.after(delivery.timeout))
        except NetPulseError:
            raise
        except Exception as error:
            raise WebhookFailed(f"{type(error).__name__} in the caller '{name}'") from error

    def _body(self, delivery: Delivery) -> str:
        """The job object as it stands now that the job has ended."""
        fields: dict[bytes, bytes] = self._client.hgetall(keys.rq_job(delivery.job))  # type: ignore[assignment]
        if b"seq" not in fields:
            raise WebhookRefused("the job's result had expired before it could be told")
        record = JobRecord.from_hash(delivery.job, {text(name): value for name, value in fields.items()})
        entries: Any = self._client.xrevrange(keys.rq_results(delivery.job), count=1)
        record.take_result(self._sealer, entries[0][1].get(b"sealed", b"") if entries else b"")
        return json.dumps(job_object(record), separators=(",", ":"), ensure_ascii=False, default=str)

    def _follow_up(self, delivery: Delivery, body: str | None, error: WebhookFailed) -> None:
        last = delivery.attempt >= self._settings.attempts
        if last or not error.retryable:
            self._bury(delivery, body, error)
            return
        following = delivery.following(body=body)
        pause = self.pause(delivery.attempt)
        due = self._sealer.clock.now() + pause
        fields = following.attempt_fields(self._sealer, due=due, keep_dead=self._settings.keep_dead)
        self._record(
            "webhook_next",
            keys=[keys.rq_job(following.attempt_id), keys.WEBHOOKS_DUE],
            args=[following.attempt_id, int(due * 1000), self._sealer.clock.now_iso(), *_flat(fields)],
        )
        log.warning(
            "webhook_failed",
            delivery=delivery.id,
            job=delivery.job,
            target=delivery.target,
            attempt=delivery.attempt,
            reason=error.message,
            again_in=round(pause, 1),
        )

    def _bury(self, delivery: Delivery, body: str | None, error: WebhookFailed) -> None:
        kept = delivery.following(body=body)
        keep = self._settings.keep_dead
        self._record(
            "webhook_dead",
            keys=[keys.webhook(delivery.id), keys.WEBHOOKS_DEAD],
            args=[
                delivery.id,
                int(self._sealer.clock.now() * 1000),
                keep,
                *_flat(
                    {
                        "job": delivery.job,
                        "target": delivery.target,
                        "attempts": delivery.attempt,
                        "error": error.message,
                        "failed_at": self._sealer.clock.now_iso(),
                        "sealed_as": kept.attempt_id,
                        "sealed": kept.sealed(self._sealer, expires=self._sealer.clock.now() + keep),
                    }
                ),
            ],
        )
        log.error(
            "webhook_dead",
            delivery=delivery.id,
            job=delivery.job,
            target=delivery.target,
            attempts=delivery.attempt,
            reason=error.message,
        )

    def _record(self, script: ScriptName, *, keys: list[str], args: list[Any]) -> None:
        """Until Redis has taken it: the scripts may be sent twice."""
        deadline = Deadline.after(RECORD_WITHIN)
        pause = 0.05
        while True:
            try:
                self._scripts(script, keys=keys, args=args)
            except Unusable:
                if deadline.passed:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                return

    def pause(self, attempt: int) -> float:
        """Seconds between the attempt of that number and the next: doubled each time, varied by a quarter."""
        settings = self._settings
        pause = min(settings.back_off * 2.0 ** min(attempt - 1, 40), settings.longest_pause)
        return pause * random.uniform(0.75, 1.25)  # noqa: S311  # spreads load, guards nothing


def _flat(fields: dict[str, Any]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]
