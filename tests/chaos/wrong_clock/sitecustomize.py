"""On the path of a process whose clock is to be wrong, by WRONG_CLOCK_SECONDS: Python imports it at its start."""

import os
import time

_ahead = float(os.environ.get("WRONG_CLOCK_SECONDS", "0"))
_right = time.time
time.time = lambda: _right() + _ahead
