"""The simulator process: ``netpulse-lab --count 20 --platform ios --control /tmp/lab.sock``.

When all devices listen it prints where they are, without passwords. With ``--json`` it prints one line instead,
``{"devices": [...], "control": "PATH", "pid": N}``, with them. It ends on SIGTERM, SIGINT, when stdin closes
(``--exit-on-stdin-eof``) or when its parent ends (``--exit-with-parent``).
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
from .dialogue_file import shipped_dialogues
from .faults import FaultError
from .platforms import PLATFORMS
from .simulator import Simulator, describe

_SHOWN = 30
"""Devices that the overview lists."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="netpulse-lab", description="Simulated network devices on SSH, Telnet and eAPI, until ctrl-C."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--config", metavar="FILE", help='JSON: {"devices": [{"name": "r1", "platform": "ios", ...}]}')
    what.add_argument("--count", type=int, metavar="N", default=1, help="so many alike devices; default %(default)s")
    what.add_argument("--empty", action="store_true", help="no devices yet; they are added over the control socket")
    parser.add_argument("--platform", action="append", choices=PLATFORMS, help="may be repeated: used in turn")
    parser.add_argument(
        "--dialogue",
        action="append",
        default=[],
        metavar="FILE",
        help="a device as data instead of a platform; a file, or one of: " + ", ".join(shipped_dialogues()),
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of the (first) device; default %(default)s")
    parser.add_argument("--own-addresses", action="store_true", help="each device on the address after the last")
    parser.add_argument("--port", type=int, default=0, help="SSH port; 0: any free one (default)")
    parser.add_argument("--telnet", action="store_true", help="Telnet too, on any free port")
    parser.add_argument("--username", default="admin", help="default %(default)s")
    parser.add_argument("--password", default="admin-password", help="default %(default)s")
    parser.add_argument("--secret", default="enable-secret", help="enable secret; default %(default)s")
    parser.add_argument("--privilege", type=int, default=1, help="level that logins land at: 1 (default) or 15")
    parser.add_argument("--control", metavar="PATH.sock", help="unix socket for control requests")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for a program, passwords included")
    parser.add_argument("--state-json", metavar="PATH", help="write that line of JSON to this file, for its owner only")
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
        dialogues=arguments.dialogue,
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
    _publish(state, path=arguments.state_json, as_json=arguments.json)
    # What stands now stays: the collector need not look at hundreds of configurations again and again.
    gc.collect()
    gc.freeze()
    await stopped.wait()
    simulator.close()
    if control is not None:
        control.close()


def _publish(state: dict[str, Any], *, path: str | None, as_json: bool) -> None:
    """Tell that all is ready: on stdout, and in a file that is complete from the moment it exists."""
    line = json.dumps(state)
    if path:
        fresh = Path(f"{path}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(line + "\n")
        fresh.replace(path)
    print(line if as_json else _overview(state), flush=True)


def _overview(state: dict[str, Any]) -> str:
    """Where the devices are, for a person."""
    devices = state["devices"]
    columns = {"SSH": "port", "Telnet": "telnet_port", "HTTP": "http_port", "HTTPS": "https_port"}
    used = {title: port for title, port in columns.items() if any(one[port] is not None for one in devices)}
    rows = [["name", "platform", *used]]
    rows += [
        [one["name"], one["platform"], *(f"{one['host']}:{one[port]}" if one[port] else "-" for port in used.values())]
        for one in devices[:_SHOWN]
    ]
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows] if devices else []
    if len(devices) > _SHOWN:
        lines.append(f"... and {len(devices) - _SHOWN} more (--state-json FILE lists all of them)")
    users = sorted({one["username"] for one in devices})
    login = f" Log in as {' or '.join(users)} with the password of --password." if users else ""
    noun = "device listens" if len(devices) == 1 else "devices listen"
    lines.append(f"{len(devices) or 'No'} {noun}.{login} ctrl-C ends the lab.")
    return "\n".join(lines)


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
        print(f"netpulse-lab: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
