"""What the jump process records: one JSON object a line on standard error, which it has from the broker."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any


def log(event: str, **facts: Any) -> None:
    """Record an event. Facts never hold credentials; jump hosts appear as user, host and port."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    line = json.dumps({"timestamp": stamp, "event": event, "role": "jump", "pid": os.getpid(), **facts})
    with contextlib.suppress(OSError, ValueError):  # nobody reads any more; that must not end a session
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
