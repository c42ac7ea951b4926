"""A webhook on its way into the queue, inside the job that it belongs to."""

from __future__ import annotations

from typing import Any

from netpulse_broker.errors import BadRequest
from netpulse_broker.models.webhooks import WebhookOptions
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import WebhookSettings
from netpulse_broker.webhooks.callers import HTTP, callers
from netpulse_broker.webhooks.delivery import MARGIN, QUEUE_TTL, Delivery, opens_until
from netpulse_broker.webhooks.targets import Targets


class RequestedWebhook:
    """The webhook of a request, checked as far as that goes before its job has ended.

    Raises:
        BadRequest: its target is not one that may be called, or there is no such caller.
    """

    def __init__(self, options: WebhookOptions, settings: WebhookSettings) -> None:
        if options.name == HTTP:
            Targets(settings).check_request(options.url)
        elif options.name not in (known := callers().names()):
            raise BadRequest(f"unknown webhook caller '{options.name}'; known: {', '.join(known)}")
        self._options = options
        self._timeout = settings.timeout
        self._keep_dead = settings.keep_dead

    @property
    def wanted(self) -> dict[str, Any]:
        """The options in clear; only a digest of them is kept."""
        return Delivery.of("", self._options, timeout=self._timeout).options

    def fields(self, sealer: Sealer, job_id: str, *, ends: float) -> dict[str, Any]:
        """The first attempt, sealed into the job's own hash."""
        delivery = Delivery.of(job_id, self._options, timeout=self._timeout)
        expires = opens_until(ends, keep_dead=self._keep_dead)
        return {
            "webhook_id": delivery.id,
            "webhook": delivery.sealed(sealer, expires=expires),
            "webhook_expires": expires,
            "webhook_target": delivery.target,
            "webhook_timeout": int(delivery.timeout + MARGIN + 0.999),
            "webhook_ttl": QUEUE_TTL,
            "webhook_keep": self._keep_dead,
        }
