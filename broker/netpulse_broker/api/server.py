"""The controller's process: the application behind uvicorn, told to stop by a signal."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from netpulse_broker.api.app import create_app
from netpulse_broker.api.auth import KeyRing
from netpulse_broker.api.connections import Acceptor, connections_possible
from netpulse_broker.api.http_protocol import BoundedProtocol, Bounds
from netpulse_broker.api.monitoring import MonitoringReaders
from netpulse_broker.api.ports import Drivers
from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.interactive.sessions import InteractiveSessions
from netpulse_broker.dispatch.operations import DeviceOperations
from netpulse_broker.dispatch.schedulers import SCHEDULERS, Scheduler
from netpulse_broker.gc_tuning import MANY, freeze
from netpulse_broker.queueing.logins.suspensions import Suspensions
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import ControllerSettings, Settings, SettingsError
from netpulse_broker.templating.client import TemplateCalls
from netpulse_broker.templating.process_owner import TemplateProcessOwner
from netpulse_broker.webhooks.dead_letters import DeadLetters
from netpulse_drivers.registry import DriverRegistry

log = structlog.get_logger(__name__)

BACKLOG = 2048
KEEP_ALIVE = 75
"""Seconds that an idle connection of a caller is kept."""

STOP_GRACE = 10
"""Seconds for answers under way; waits for jobs do not count, they are ended at once."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_controller(settings: Settings, *, ready: Callable[[], None] | None = None) -> int:
    """Serve the REST API until SIGTERM or SIGINT.

    Args:
        ready: called once, when requests are accepted.

    Returns:
        Exit status: 0 after a signal, else what the server failed with.

    Raises:
        SettingsError: a setting is missing, or the address or the certificate cannot be used.
    """
    sealer = Sealer.from_text(settings.require_master_keys())
    settings.require_redis_url()
    settings.require_api_key()
    scheduler = _scheduler(settings.dispatch.scheduler)
    drivers = DriverRegistry(settings.drivers.plugin_dirs, platform_dirs=settings.drivers.platform_dirs)
    # Now rather than in the first request: importing a driver's libraries takes a good part of a second.
    drivers.load_all()
    for failure in drivers.failures:
        log.warning("plugin_failed", source=failure.source, reason=failure.message)
    listener = _listen(settings.controller)

    async def serve() -> int:
        dispatcher = Dispatcher(settings, sealer, scheduler, controller=_name(settings.controller))
        app = whole_app(settings, dispatcher, sealer, drivers=drivers, templates=TemplateCalls(templates.name))
        return await _serve(app, settings.controller, listener, ready)

    templates = TemplateProcessOwner()
    with listener, templates, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve())


def whole_app(
    settings: Settings,
    dispatcher: Dispatcher,
    sealer: Sealer,
    *,
    drivers: Drivers,
    templates: TemplateCalls | None = None,
    keys: KeyRing | None = None,
) -> FastAPI:
    """The REST API with every resource: what a controller serves, and what docs/openapi.json describes.

    Nothing is connected to before the application is started.

    Args:
        keys: accepted API keys; None: the one key of the settings.

    Raises:
        SettingsError: no API key is set.
    """
    return create_app(
        settings,
        dispatch=dispatcher,
        drivers=drivers,
        keys=keys,
        sessions=InteractiveSessions(dispatcher, sealer),
        templates=templates,
        dead_letters=DeadLetters(dispatcher.client, sealer, keep=settings.webhooks.keep_dead),
        observation=MonitoringReaders.of(dispatcher.client),
        operators=DeviceOperations(dispatcher),
        suspensions=Suspensions(dispatcher.client),
    )


async def _serve(
    app: FastAPI, settings: ControllerSettings, listener: socket.socket, ready: Callable[[], None] | None
) -> int:
    server = _Server(
        _config(app, settings), settings, listener, on_started=ready, on_stopping=app.state.context.waiting.close
    )
    address, port = listener.getsockname()[:2]
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, server.stop)
    freeze(MANY)
    log.info("listening", host=address, port=port, tls=settings.tls_cert is not None)
    try:
        await server.serve(sockets=[])
    except SystemExit as failed:  # uvicorn's way to say that the application did not start; the reason is logged
        return int(failed.code or 1)
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
    log.info("stopped")
    return 0


def _config(app: FastAPI, settings: ControllerSettings) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",  # its ups and downs are told by our own events
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=STOP_GRACE,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"controller.tls_cert and controller.tls_key cannot be used: {error.strerror or error}; "
            "they must be a readable PEM certificate chain and the private key that belongs to it"
        ) from None
    return config


class _Server(uvicorn.Server):
    """Signals are handled by the loop, connections are taken within bounds, and waits for jobs end before connections
    are waited for."""

    def __init__(
        self,
        config: uvicorn.Config,
        settings: ControllerSettings,
        listener: socket.socket,
        *,
        on_started: Callable[[], None] | None,
        on_stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        proxies = [ipaddress.ip_network(network) for network in settings.trusted_proxies]
        self._bounds = Bounds(
            header_bytes=settings.max_headers,
            header_timeout=settings.header_timeout,
            body_timeout=settings.body_timeout,
            trusted_proxies=proxies,
        )
        self._acceptor = Acceptor(
            listener,
            make=self._protocol,
            tls=config.ssl,
            most=connections_possible(settings.max_connections),
            most_of_one=settings.max_connections_per_address,
            unlimited=proxies,
            connections=lambda: cast(set[BoundedProtocol], self.server_state.connections),  # all are of _protocol
        )
        self._on_started = on_started
        self._on_stopping = on_stopping

    def stop(self) -> None:
        """Finish answers under way, then end. Asked a second time: end now."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._acceptor.start()
        if self.started and self._on_started is not None:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stopping()
        self._acceptor.stop()
        await super().shutdown(sockets)

    def _protocol(self, on_closed: Callable[[BoundedProtocol], None]) -> BoundedProtocol:
        return BoundedProtocol(
            self.config,
            self.server_state,
            self.lifespan.state,
            bounds=self._bounds,
            on_closed=on_closed,
            loop=asyncio.get_running_loop(),
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again at the end, and the exit status would not be 0."""
        yield


def _listen(settings: ControllerSettings) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = family == socket.AF_INET6 and settings.host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}; "
            "set controller.host and controller.port (NETPULSE_CONTROLLER__PORT) to a free address of this machine"
        ) from None


def _scheduler(name: str) -> Scheduler:
    try:
        return SCHEDULERS[name]
    except KeyError:
        raise SettingsError(
            f"dispatch.scheduler: {name!r} is not known; write one of {', '.join(SCHEDULERS)}"
        ) from None


def _name(settings: ControllerSettings) -> str:
    return settings.name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
