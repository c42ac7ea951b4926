"""``netpulse up`` with roles that only stand in: they come up, hold the lifeline and "work" while a file exists.

    python stand_in_roles.py up STATE_DIR [setting=value ...]

The supervisor, the keeper and the server are the product's own. The node starts a worker, as the real one does: a
process of its own session that outlives the node for as long as its job runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from netpulse_broker.cli.app import _role_settings, main
from netpulse_broker.cli.role_process import Role
from netpulse_broker.cli.up import run_up
from netpulse_broker.embedded.lifeline import LIFELINE_VARIABLE, inherited_lifeline
from netpulse_broker.queueing.redis.connection import connect
from netpulse_broker.settings import Settings
from netpulse_broker.settings_source import load_settings


def roles(settings: Settings) -> Sequence[Role]:
    def ready(name: str) -> Role:
        def is_ready(pid: int) -> bool:
            with connect(settings.redis) as client:
                return client.get(f"stand-in:{name}") == str(pid).encode()

        return Role(name, (sys.executable, __file__, name), is_ready)

    return [ready("controller"), ready("node"), ready("fifo")]


def run_role(name: str, settings: Settings) -> None:
    if (settings.state_dir / f"broken-{name}").exists():
        sys.exit(f"{name} is broken on purpose")
    told_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_stop.set())
    lifeline = inherited_lifeline()
    assert lifeline is not None
    if name == "node":
        reader, writer = os.pipe()
        worker = subprocess.Popen(
            [sys.executable, __file__, "worker", str(settings.state_dir), str(reader)],
            pass_fds=(reader, lifeline),
            start_new_session=True,
        )
        os.close(reader)
        with connect(settings.redis) as client:
            client.set("stand-in:worker", worker.pid)
            client.set("stand-in:node", os.getpid())
        told_to_stop.wait()
        os.close(writer)
        return
    with connect(settings.redis) as client:
        client.set(f"stand-in:{name}", os.getpid())
    told_to_stop.wait()


def run_worker(state_dir: Path, parent: int) -> None:
    assert os.environ[LIFELINE_VARIABLE]
    os.read(parent, 1)  # end of file: the node is gone
    while (state_dir / "job-runs").exists():
        time.sleep(0.01)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "up":
        sys.argv = ["netpulse"]
        state_dir, *options = rest
        # The real command's translation of errors into messages and exit statuses.
        from netpulse_broker.cli.app import app

        app.registered_commands.clear()
        app.registered_groups.clear()
        app.command()(lambda: run_up(load_settings(overrides={"state_dir": state_dir}), roles=roles))
        sys.argv += options
        main()
    elif command == "worker":
        run_worker(Path(rest[0]), int(rest[1]))
    else:
        run_role(command, _role_settings(None, int(rest[1])))
