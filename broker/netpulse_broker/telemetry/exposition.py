"""Prometheus metrics of the installation, made of ``queueing.observe.metrics.Figures`` at each scrape.

No metric has a label per device or host: thousands of series for a fleet are for the operator to ask for by other means
(``GET /device/{name}``, ``GET /events``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from netpulse_broker.queueing.observe.metrics import BOUNDS, Figures, Histogram
from netpulse_broker.states import InteractiveState


class Snapshot(Collector):
    """Metric families of one look at Redis, beside those that a process counts by itself."""

    def __init__(self, figures: Figures | None, local: CollectorRegistry) -> None:
        self._figures = figures
        self._local = local

    def collect(self) -> Iterable[Metric]:
        """All families. ``netpulse_redis_up`` is 0 when there are no figures."""
        up = GaugeMetricFamily("netpulse_redis_up", "1 when Redis answered this scrape.")
        up.add_metric([], 0 if self._figures is None else 1)
        yield up
        if self._figures is not None:
            yield from _counters(self._figures)
            yield from _histograms(self._figures)
            yield from _state(self._figures)
        yield from self._local.collect()


def _counters(figures: Figures) -> Iterator[Metric]:
    described = {
        "jobs": ("netpulse_jobs", "Jobs that have ended.", ["driver", "operation", "status", "outcome"]),
        "errors": ("netpulse_job_errors", "Jobs that ended with an error, by its code.", ["code"]),
        "logins": ("netpulse_logins", "Logins to devices that were tried.", ["driver", "outcome"]),
        "login_failures": ("netpulse_login_failures", "Logins that failed, by phase.", ["driver", "phase"]),
        "login_suspensions": ("netpulse_login_suspensions", "Suspensions of refused credentials.", ["where"]),
        "cache": ("netpulse_cache", "Queries that asked for a kept or shared answer.", ["result"]),
    }
    for name, (metric, text, labels) in described.items():
        family = CounterMetricFamily(metric, text, labels=labels)
        for key, value in sorted(figures.counters.items()):
            if key[0] == name and len(key) == len(labels) + 1:
                family.add_metric(key[1:], value)
        yield family


def _histograms(figures: Figures) -> Iterator[Metric]:
    described = {
        "queue_time": ("netpulse_job_queue_seconds", "Seconds from enqueueing to the start.", []),
        "duration": ("netpulse_job_duration_seconds", "Seconds of execution.", ["driver", "operation"]),
        "login_wait": ("netpulse_login_wait_seconds", "Seconds that logins waited for their turn.", []),
    }
    for name, (metric, text, labels) in described.items():
        family = HistogramMetricFamily(metric, text, labels=labels)
        for key, histogram in sorted(figures.histograms.items()):
            if key[0] == name and len(key) == len(labels) + 1:
                family.add_metric(key[1:], _cumulated(histogram), sum_value=histogram.sum)
        yield family


def _cumulated(histogram: Histogram) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    total = 0
    for bound in BOUNDS:
        total += histogram.counts.get(bound, 0)
        rows.append((bound, total))
    rows.append(("+Inf", total + histogram.counts.get("inf", 0)))
    return rows


def _state(figures: Figures) -> Iterator[Metric]:
    queued = GaugeMetricFamily("netpulse_jobs_queued", "Jobs that wait.", labels=["queue"])
    for queue, depth in sorted(figures.queued.items()):
        queued.add_metric([queue], depth)
    yield queued
    workers = GaugeMetricFamily("netpulse_workers", "Workers by what they do.", labels=["kind", "state"])
    for (kind, state), number in sorted(figures.workers.items()):
        workers.add_metric([kind, state], number)
    yield workers
    sessions = GaugeMetricFamily("netpulse_device_sessions", "Sessions kept open to devices.", labels=["driver"])
    for driver, number in sorted(figures.sessions.items()):
        sessions.add_metric([driver], number)
    yield sessions
    interactive = GaugeMetricFamily("netpulse_leases", "Interactive sessions.", labels=["state"])
    for state in (InteractiveState.QUEUED, InteractiveState.OPEN):
        interactive.add_metric([state], figures.interactive_sessions.get(state, 0))
    yield interactive
    nodes = GaugeMetricFamily("netpulse_nodes", "Registered nodes.", labels=["kind", "state"])
    load = GaugeMetricFamily("netpulse_node_load", "Devices (or FIFO processes) of a node.", labels=["node"])
    room = GaugeMetricFamily("netpulse_node_capacity", "Devices that a node takes at most.", labels=["node"])
    skew = GaugeMetricFamily(
        "netpulse_node_clock_skew_seconds", "How far a node's clock is ahead of Redis'.", labels=["node"]
    )
    states: dict[tuple[str, str], int] = {}
    for node in figures.nodes:
        state = node.state
        states[(node.kind, state)] = states.get((node.kind, state), 0) + 1
        skew.add_metric([node.name], node.clock_skew)
        load.add_metric([node.name], node.load)
        room.add_metric([node.name], node.capacity)
    for (kind, state), number in sorted(states.items()):
        nodes.add_metric([kind, state], number)
    yield from (nodes, load, room, skew)
    yield GaugeMetricFamily(
        "netpulse_controller_clock_skew_seconds",
        "How far this controller's clock is ahead of Redis'.",
        value=figures.clock_skew,
    )
    yield GaugeMetricFamily("netpulse_devices_paused", "Devices whose queue is paused.", value=figures.paused)
    yield GaugeMetricFamily(
        "netpulse_devices_unplaced", "Devices with waiting work and no worker.", value=figures.unplaced
    )
