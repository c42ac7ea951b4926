"""Run one role in this process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import structlog

from netpulse_broker.cli.errors import RoleFailed
from netpulse_broker.queueing.redis.connection import Lost
from netpulse_broker.settings import Settings
from netpulse_broker.settings_source import secret_values
from netpulse_broker.telemetry.logging import configure_logging
from netpulse_broker.templating.process_owner import TemplateProcessOwner

log = structlog.get_logger(__name__)


def run_controller_role(settings: Settings) -> int:
    """The REST API, until SIGTERM or SIGINT; the exit status."""
    settings.require_api_key()
    with _prepared(settings, role="controller"):
        from netpulse_broker.api.server import run_controller  # noqa: PLC0415  # each role loads only what it needs

        return run_controller(settings, ready=lambda: log.info("ready"))


def run_node_role(settings: Settings) -> int:
    """The node worker, until SIGTERM or SIGINT; the exit status."""
    with _prepared(settings, role="node"):
        _tell_drivers(settings)
        from netpulse_broker.workers.node.daemon import run_node  # noqa: PLC0415  # see above

        with TemplateProcessOwner() as templates:
            templates.publish()
            return run_node(settings)


def run_fifo_role(settings: Settings) -> int:
    """The FIFO pool, until SIGTERM or SIGINT; the exit status."""
    with _prepared(settings, role="fifo"):
        _tell_drivers(settings)
        from netpulse_broker.workers.node.daemon import run_fifo  # noqa: PLC0415  # see above

        with TemplateProcessOwner() as templates:
            templates.publish()
            return run_fifo(settings)


def _tell_drivers(settings: Settings) -> None:
    """Drivers know nothing of the broker's settings; what concerns a whole machine reaches them by environment."""
    os.environ["NETPULSE_KNOWN_HOSTS"] = str(settings.known_hosts_file)
    os.environ["NETPULSE_HOST_KEY_POLICY"] = settings.drivers.host_key_policy


@contextlib.contextmanager
def _prepared(settings: Settings, *, role: str) -> Iterator[None]:
    """Check what every role needs and set up logging. Raises SettingsError, or RoleFailed when Redis is not there."""
    settings.require_redis_url()
    settings.require_master_keys()
    configure_logging(settings.log, role=role, secrets=secret_values(settings))
    try:
        yield
    except Lost as error:
        raise RoleFailed(
            f"cannot reach Redis: {error}; check redis.url (NETPULSE_REDIS__URL) and that the server runs"
        ) from None
