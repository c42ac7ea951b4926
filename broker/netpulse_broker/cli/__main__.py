"""``python -m netpulse_broker.cli``: how the supervisor starts the roles, whatever PATH holds."""

from __future__ import annotations

from netpulse_broker.cli.app import main

main()
