"""The netmiko driver."""

from __future__ import annotations

from netpulse_drivers.netmiko.connecting.connection_args import NetmikoConnectionArgs
from netpulse_drivers.netmiko.driver import NetmikoDriver
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs, NetmikoQueryArgs

__all__ = ["NetmikoChangeArgs", "NetmikoConnectionArgs", "NetmikoDriver", "NetmikoQueryArgs"]
