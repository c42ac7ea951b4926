"""Driver ``pyeapi``: Arista EOS over eAPI. Importing it does not import the library; the first login does."""

from __future__ import annotations

from netpulse_drivers.pyeapi.driver import PyeapiDriver

__all__ = ["PyeapiDriver"]
