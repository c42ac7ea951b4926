"""A host's variables for either connection."""

from __future__ import annotations

import os
from typing import Any

from tests.lab.running_broker import RunningBroker

STOCK_SSH = os.environ.get("NETPULSE_STOCK_SSH", "libssh")
"""The SSH library of stock network_cli: libssh or paramiko."""


def over_stock(variables: dict[str, Any]) -> dict[str, Any]:
    return {
        **variables,
        "ansible_connection": "ansible.netcommon.network_cli",
        "ansible_network_cli_ssh_type": STOCK_SSH,
    }


def over_broker(variables: dict[str, Any], broker: RunningBroker) -> dict[str, Any]:
    return {
        **variables,
        "ansible_connection": "netpulse.broker.network_cli",
        "netpulse_broker_url": broker.url,
        "netpulse_api_key": broker.api_key,
    }
