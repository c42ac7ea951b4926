"""The FIFO pool: a node whose processes, forked in advance, serve the one FIFO queue."""

from __future__ import annotations

from netpulse_broker.settings import Settings
from netpulse_broker.workers.node import NodeDaemon


def run_fifo(settings: Settings) -> int:
    """Run a FIFO pool in this process's main thread until SIGTERM or SIGINT; the exit code."""
    return NodeDaemon(settings, kind="fifo").run()
