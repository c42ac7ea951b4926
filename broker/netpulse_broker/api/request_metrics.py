"""What this controller counts by itself: the HTTP requests that it answered."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class RequestFigures:
    """Counters of one application; each has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route"]
        self.requests = Counter(
            "netpulse_http_requests",
            "Requests answered by this controller.",
            [*labels, "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "netpulse_http_request_seconds",
            "Seconds until the answer was sent, waiting for jobs included; without event streams.",
            labels,
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600),
        )
        self.in_hand = Gauge(
            "netpulse_http_requests_in_hand", "Requests being answered, streams included.", registry=self.registry
        )
        self.streams = Gauge("netpulse_event_streams", "Open event streams.", registry=self.registry)


class RequestMetrics:
    """ASGI middleware: counts requests by method, route and status.

    The route is the path's template, never the path: ids must not become series.
    """

    def __init__(self, app: ASGIApp, *, figures: RequestFigures) -> None:
        self._app = app
        self._figures = figures
        self._series: dict[tuple[str, str, str], tuple[Counter, Histogram | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        self._figures.in_hand.inc()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._figures.in_hand.dec()
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            # Nobody was there any more to be answered: 499, as web servers log it.
            requests, seconds = self._of(method, route, str(status or 499))
            requests.inc()
            if seconds is not None:
                seconds.observe(time.perf_counter() - began)

    def _of(self, method: str, route: str, status: str) -> tuple[Counter, Histogram | None]:
        """The series of such requests, looked up once."""
        series = self._series.get((method, route, status))
        if series is None:
            figures = self._figures
            timed = None if route == "/events" else figures.seconds.labels(method, route)
            series = (figures.requests.labels(method, route, status), timed)
            self._series[method, route, status] = series
        return series
