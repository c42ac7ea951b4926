"""NetPulse broker: one kept-alive, strictly ordered session per network device, offered over REST."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("netpulse-broker")
