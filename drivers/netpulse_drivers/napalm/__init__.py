"""Driver ``napalm``: getters and candidate configurations of everything NAPALM knows.

Importing it does not import NAPALM, which loads every platform's libraries; the first login does.
"""

from __future__ import annotations

from netpulse_drivers.napalm.driver import NapalmDriver

__all__ = ["NapalmDriver"]
