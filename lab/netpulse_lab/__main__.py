"""The simulator process: ``python -m netpulse_lab --count 20 --platform ios --control /tmp/lab.sock``.

When all devices listen it prints one line of JSON, ``{"devices": [...], "control": "PATH", "pid": N}``. It ends on
SIGTERM, SIGINT, when stdin closes (``--exit-on-stdin-eof``) or when its parent ends (``--exit-with-parent``).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .control import ControlServer
from .device_spec import DeviceSpec, SpecError, fleet
from .faults import FaultError
from .platforms import PLATFORMS
from .simulator import Simulator, describe


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m netpulse_lab", description="Simulated network devices.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", metavar="FILE", help='JSON: {"devices": [{"name": "r1", "platform": "ios", ...}]}')
    what.add_argument("--count", type=int, metavar="N", help="so many alike devices")
    what.add_argument("--empty", action="store_true", help="no devices yet; they are added over the control socket")
    parser.add_argument("--platform", action="append", choices=PLATFORMS, help="may be repeated: used in turn")
    parser.add_argument("--host", default="127.0.0.1", help="address of the (first) device; default %(default)s")
    parser.add_argument("--own-addresses", action="store_true", help="each device on the address after the last")
    parser.add_argument("--port", type=int, default=0, help="SSH port; 0: any free one (default)")
    parser.add_argument("--telnet", action="store_true", help="Telnet too, on any free port")
    parser.add_argument("--username", default="admin")
    parser.add_argument("--password", default="admin-password")
    parser.add_argument("--secret", default="enable-secret", help="enable secret")
    parser.add_argument("--privilege", type=int, default=1, help="level that logins land at: 1 (default) or 15")
    parser.add_argument("--control", metavar="PATH.sock", help="unix socket for control requests")
    parser.add_argument("--state-json", metavar="PATH", help="write the line of JSON to this file too")
    parser.add_argument("--exit-on-stdin-eof", action="store_true")
    parser.add_argument("--exit-with-parent", action="store_true")
    return parser.parse_args()


def _specs(arguments: argparse.Namespace) -> list[DeviceSpec]:
    if arguments.empty:
        return []
    if arguments.config:
        try:
            data = json.loads(Path(arguments.config).read_text())
        except (OSError, ValueError) as error:
            raise SpecError(f"cannot read {arguments.config}: {error}") from error
        if not isinstance(data, dict) or not isinstance(data.get("devices"), list):
            raise SpecError(f'{arguments.config} must hold {{"devices": [...]}}')
        return [DeviceSpec.from_mapping(item) for item in data["devices"]]
    return fleet(
        arguments.count,
        platforms=arguments.platform or ["ios"],
        first_address=arguments.host,
        own_addresses=arguments.own_addresses,
        port=arguments.port,
        telnet_port=0 if arguments.telnet else None,
        username=arguments.username,
        password=arguments.password,
        secret=arguments.secret,
        privilege=arguments.privilege,
    )


async def _run(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if arguments.exit_with_parent:
        _watch_parent(loop, stopped)
    if arguments.exit_on_stdin_eof:
        _watch_stdin(loop, stopped)
    simulator = Simulator()
    for spec in _specs(arguments):
        await simulator.add(spec)
    control: asyncio.Server | None = None
    if arguments.control:
        control = await ControlServer(simulator, stop=stopped.set).listen(arguments.control)
    state: dict[str, Any] = {
        "devices": [describe(device) for device in simulator.devices],
        "control": arguments.control,
        "pid": os.getpid(),
    }
    _publish(json.dumps(state), arguments.state_json)
    # What stands now stays: the collector need not look at hundreds of configurations again and again.
    gc.collect()
    gc.freeze()
    await stopped.wait()
    simulator.close()
    if control is not None:
        control.close()


def _publish(line: str, path: str | None) -> None:
    """Tell that all is ready: on stdout, and in a file that is complete from the moment it exists."""
    if path:
        fresh = Path(f"{path}.new")
        fresh.write_text(line + "\n")
        fresh.replace(path)
    print(line, flush=True)


def _watch_parent(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Stop when the parent process ends. A pidfd tells it whichever thread of the parent started us."""
    parent = os.getppid()
    descriptor = os.pidfd_open(parent)
    if os.getppid() != parent:
        stopped.set()
    loop.add_reader(descriptor, stopped.set)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    def readable() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stopped.set()

    loop.add_reader(0, readable)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's where it is installed: it takes less time for each packet."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return factory


def main() -> int:
    """Run until told to stop. Returns the exit status."""
    # Devices with old algorithms are simulated because they exist; that the algorithms are old is no news here.
    warnings.filterwarnings("ignore", message="Diffie-Hellman over finite fields")
    arguments = _arguments()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        # Each device takes a listening socket and each session one more.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(arguments))
        if arguments.control:
            Path(arguments.control).unlink(missing_ok=True)
    except (SpecError, FaultError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
