"""Run one role in this process."""

from __future__ import annotations

import structlog

from netpulse_broker.settings import Settings
from netpulse_broker.settings_source import secret_values
from netpulse_broker.telemetry.logging import configure_logging

log = structlog.get_logger(__name__)


def run_controller_role(settings: Settings) -> None:
    """The REST API, until SIGTERM or SIGINT."""
    settings.require_redis_url()
    settings.require_master_keys()
    settings.require_api_key()
    configure_logging(settings.log, role="controller", secrets=secret_values(settings))
    from netpulse_broker.api.server import run_controller  # noqa: PLC0415  # each role loads only what it needs

    run_controller(settings, ready=lambda: log.info("ready"))


def run_node_role(settings: Settings) -> None:
    """The node worker, until SIGTERM or SIGINT."""
    settings.require_redis_url()
    settings.require_master_keys()
    configure_logging(settings.log, role="node", secrets=secret_values(settings))
    from netpulse_broker.workers.node import run_node  # noqa: PLC0415  # see above

    run_node(settings)


def run_fifo_role(settings: Settings) -> None:
    """The FIFO pool, until SIGTERM or SIGINT."""
    settings.require_redis_url()
    settings.require_master_keys()
    configure_logging(settings.log, role="fifo", secrets=secret_values(settings))
    from netpulse_broker.workers.pool import run_fifo  # noqa: PLC0415  # see above

    run_fifo(settings)
