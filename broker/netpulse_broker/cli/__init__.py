"""The command line: ``netpulse up``, the roles alone, and small commands around them."""

from __future__ import annotations

from netpulse_broker.cli.app import main

__all__ = ["main"]
