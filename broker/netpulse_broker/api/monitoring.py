"""What ``/metrics`` and ``/events`` read from."""

from __future__ import annotations

from dataclasses import dataclass

import redis.asyncio

from netpulse_broker.api.request_metrics import RequestFigures
from netpulse_broker.queueing.nodes.worker_index import WorkerIndex
from netpulse_broker.queueing.observe.events import EventFeed
from netpulse_broker.queueing.observe.metrics import MetricsReader


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringReaders:
    """The readers of one controller."""

    feed: EventFeed
    totals: MetricsReader
    requests: RequestFigures

    @classmethod
    def of(cls, client: redis.asyncio.Redis) -> MonitoringReaders:
        """With the controller's connections."""
        return cls(feed=EventFeed(client), totals=MetricsReader(client, WorkerIndex(client)), requests=RequestFigures())
