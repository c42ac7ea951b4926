"""The application: FastAPI behind our own layers, which all requests pass, also those that it does not route itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from netpulse_broker.api.fast_route import FastRoutes


class Application(FastAPI):
    """FastAPI with layers in front of it: ``add_middleware`` would put them between its own, behind its router."""

    _layers: Sequence[Callable[[ASGIApp], ASGIApp]] = ()
    _front: ASGIApp | None = None

    def stand_behind(self, *layers: Callable[[ASGIApp], ASGIApp]) -> None:
        """Put these in front, the first outermost. They are made with the first request, as FastAPI makes its own."""
        self._layers, self._front = layers, None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._front is None:
            front: ASGIApp = FastRoutes(self, super().__call__)
            for layer in reversed(self._layers):
                front = layer(front)
            self._front = front
        await self._front(scope, receive, send)
