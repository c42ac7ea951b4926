"""On the path of processes whose machine is broken in some way. Python imports it at its start."""

import os
import sys
import time

_ahead = float(os.environ.get("WRONG_CLOCK_SECONDS", "0"))
_right = time.time
time.time = lambda: _right() + _ahead

if os.environ.get("NO_FORK_SERVER") and "netpulse_broker.workers.node.fork_server" in sys.orig_argv:
    os._exit(9)
