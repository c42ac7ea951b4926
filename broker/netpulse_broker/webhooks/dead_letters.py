"""Webhooks that could not be delivered: list, send again, drop. Asyncio; the controller's side."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from netpulse_broker.errors import Conflict, UnknownDelivery
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import redis_needed
from netpulse_broker.queueing.redis.readable import readable
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.sealing import SealBroken, Sealer
from netpulse_broker.queueing.redis.times import parse_time
from netpulse_broker.times import utc
from netpulse_broker.webhooks.delivery import Delivery

MOST = 1000
"""Dead letters in one listing, the newest ones."""


class DeadLetters:
    """The dead letters.

    Args:
        keep: seconds that one is kept.
    """

    def __init__(self, client: redis.asyncio.Redis, sealer: Sealer, *, keep: int) -> None:
        self._client = client
        self._scripts = AsyncScripts(client)
        self._sealer = sealer
        self._keep = keep

    async def list(self, limit: int) -> list[dict[str, Any]]:
        """The newest ones (``models.webhooks.WebhookDelivery``).

        Raises:
            QueueUnavailable
        """
        with redis_needed():
            ids = [text(value) for value in await self._client.zrevrange(keys.WEBHOOKS_DEAD, 0, min(limit, MOST) - 1)]
            pipeline = self._client.pipeline(transaction=False)
            for delivery in ids:
                pipeline.hgetall(keys.webhook(delivery))
            hashes = await pipeline.execute()
            gone = [delivery for delivery, fields in zip(ids, hashes, strict=True) if not fields]
            if gone:
                await self._client.zrem(keys.WEBHOOKS_DEAD, *gone)
        stored = ((delivery, fields) for delivery, fields in zip(ids, hashes, strict=True) if fields)
        return list(readable("dead letter", stored, _shown))

    async def retry(self, delivery_id: str) -> dict[str, Any]:
        """Queue one more attempt, now; if it fails as well, it is a dead letter again.

        Raises:
            UnknownDelivery, QueueUnavailable
            Conflict: it cannot be opened any more.
        """
        with redis_needed():
            fields: dict[bytes, bytes] = await self._client.hgetall(  # type: ignore[assignment]
                keys.webhook(delivery_id)
            )
            if not fields:
                raise _unknown(delivery_id)
            try:
                delivery = Delivery.opened(self._sealer, fields[b"sealed"], attempt_id=text(fields[b"sealed_as"]))
            except SealBroken as error:
                raise Conflict(f"the delivery cannot be sent again: {error}") from None
            if await self._client.exists(keys.rq_job(delivery.attempt_id)):
                delivery = delivery.following(body=delivery.body)  # a job id is used once
            now = self._sealer.clock.now()
            attempt = delivery.attempt_fields(self._sealer, due=now, keep_dead=self._keep)
            answer = await self._scripts(
                "webhook_again",
                keys=[
                    keys.webhook(delivery_id),
                    keys.WEBHOOKS_DEAD,
                    keys.rq_job(delivery.attempt_id),
                    keys.WEBHOOKS_DUE,
                ],
                args=[
                    delivery_id,
                    delivery.attempt_id,
                    int(now * 1000),
                    self._sealer.clock.now_iso(),
                    *(part for pair in attempt.items() for part in pair),
                ],
            )
        if text(answer) == "missing":
            raise _unknown(delivery_id)
        return _shown(delivery_id, fields)

    async def drop(self, delivery_id: str) -> None:
        """Forget it.

        Raises:
            UnknownDelivery, QueueUnavailable
        """
        with redis_needed():
            dropped = await self._client.zrem(keys.WEBHOOKS_DEAD, delivery_id)
            await self._client.delete(keys.webhook(delivery_id))
        if not dropped:
            raise _unknown(delivery_id)


def _shown(delivery: str, fields: dict[bytes, bytes]) -> dict[str, Any]:
    return {
        "id": delivery,
        "job": text(fields[b"job"]),
        "target": text(fields[b"target"]),
        "attempts": int(fields[b"attempts"]),
        "error": text(fields[b"error"]),
        "failed_at": utc(parse_time(text(fields[b"failed_at"]))),
    }


def _unknown(delivery: str) -> UnknownDelivery:
    return UnknownDelivery(f"no undelivered webhook has the id {delivery!r}; GET /webhook/dead lists them")
