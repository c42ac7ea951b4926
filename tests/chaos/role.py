"""One role as a process of its own: ``python -m tests.chaos.role node|fifo <settings.json>``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from netpulse_broker.settings import Settings
from netpulse_broker.telemetry.logging import configure_logging
from netpulse_broker.workers.node.daemon import NodeDaemon

if __name__ == "__main__":
    role, path = sys.argv[1:3]
    given = json.loads(Path(path).read_text())
    settings = Settings(**given["settings"])
    configure_logging(settings.log, role=role)
    sys.exit(NodeDaemon(settings, kind="fifo" if role == "fifo" else "pinned", **given["daemon"]).run())
