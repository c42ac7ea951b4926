"""Start a lab of simulated devices and look into it, from a test, a demo or a benchmark.

    from netpulse_lab import SimulatorLab

    with SimulatorLab(count=3, platforms=["ios", "eos"]) as lab:      # or devices=[{"name": "r1", "platform": "ios"}]
        r1 = lab.devices[0]                       # SimulatedDevice: .name .platform .host .port .telnet_port
        ...                                       #                  .username .password .secret
        ConnectHandler(**r1.netmiko())            # stock netmiko
        lab.counters(r1).logins                   # accepted authentications, seen by the device
        lab.commands(r1)                          # ["show version", ...] in the order the device got them
        lab.log(r1)                               # LogLine: seq, time (monotonic), session, mode, kind, line
        lab.events(r1)                            # [{"event": "reload", ...}]
        lab.running_config(r1), lab.startup_config(r1)
        lab.set_faults(r1, latency=0.05, auth_failures=3)
        lab.clear_faults(r1)
        lab.drop(r1, "rst")                       # cut its sessions now: close, rst or freeze
        lab.configure(r1, "hostname other")       # somebody else changes it
        lab.announce(r1, "%LINK-3-UPDOWN: ...")   # unsolicited line on all its terminals
        r9 = lab.add(name="r9", platform="ios"); lab.remove(r9)
        lab.time_is_up(r1)                        # the timer of a commit ends now
        lab.reset()                               # forget logs and counters
        lab.restore(r1)                           # the configuration of the start

A device is named by a `SimulatedDevice` or by its name. The fields of a device are those of
`device_spec.DeviceSpec`, the switches those of `faults.Faults`. The lab runs in a process of its own that ends with
the context, and with the process that started it. All methods may be called from several threads.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from .device_spec import DeviceSpec, fleet
from .dialogue_file import Dialogue
from .faults import Cut
from .journal import Counters
from .surroundings import Surroundings

_NETMIKO_TYPES = {
    "ios": "cisco_ios",
    "eos": "arista_eos",
    "nxos": "cisco_nxos",
    "iosxr": "cisco_xr",
    "junos": "juniper_junos",
}


class LabError(RuntimeError):
    """The simulator did not start, ended, or refused a request; the text says why."""


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """How to reach a device and log in."""

    name: str
    platform: str
    host: str
    port: int
    telnet_port: int | None
    username: str
    password: str
    secret: str
    http_port: int | None = None
    """eAPI."""
    https_port: int | None = None
    """eAPI over TLS."""
    certificate: str = ""
    """PEM of the certificate that it shows over TLS."""

    def netmiko(self, *, telnet: bool = False, **more: Any) -> dict[str, Any]:
        """Arguments for `netmiko.ConnectHandler`; `more` is added to them."""
        kind = _NETMIKO_TYPES.get(self.platform, self.platform) + ("_telnet" if telnet else "")
        return {
            "device_type": kind,
            "host": self.host,
            "port": self.telnet_port if telnet else self.port,
            "username": self.username,
            "password": self.password,
            "secret": self.secret,
            **more,
        }


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line (or key) that a device received."""

    seq: int
    """Ascends over all devices of the lab."""
    time: float
    """`time.monotonic()` of the moment of receipt; comparable between processes of this machine."""
    session: int
    """Number of the login on that device, from 1."""
    mode: str
    """user, enable, config, config-if, ..."""
    kind: Literal["command", "answer", "secret", "key", "text", "exec", "control"]
    """See `journal.LineKind`; a bare RETURN at a prompt is an empty command."""
    line: str


class SimulatorLab:
    """A simulator process and its devices, as a context manager."""

    def __init__(
        self,
        *,
        devices: Sequence[DeviceSpec | Mapping[str, Any]] | None = None,
        count: int = 0,
        platforms: Sequence[str] = ("ios",),
        dialogues: Sequence[str] = (),
        first_address: str = "127.0.0.1",
        own_addresses: bool = False,
        port: int = 0,
        start_deadline: float = 60.0,
        **common: Any,
    ) -> None:
        """Describe the lab; `start` (or ``with``) brings it up.

        Args:
            devices: each device as a `DeviceSpec` or its fields.
            count: so many alike devices instead, see `device_spec.fleet` for the other arguments.
            platforms: of the alike devices, in turn.
            dialogues: names or files of dialogues, in turn instead of platforms.
            first_address: of the alike devices.
            own_addresses: each of the alike devices on an address of its own.
            port: SSH port of the alike devices; 0: any free one.
            start_deadline: seconds until all devices must listen.
            common: further fields of `DeviceSpec` for the alike devices.

        Raises:
            SpecError: a description is wrong.
        """
        specs = [one if isinstance(one, DeviceSpec) else DeviceSpec.from_mapping(one) for one in devices or ()]
        if count:
            specs += fleet(
                count,
                platforms=platforms,
                dialogues=dialogues,
                first_address=first_address,
                own_addresses=own_addresses,
                port=port,
                **common,
            )
        self._specs = specs
        self._start_deadline = start_deadline
        self._lock = threading.Lock()
        self._requests = 0
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._answers: Any = None
        self.devices: list[SimulatedDevice] = []

    # -- life --------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except LabError as trouble:
            if error is None:
                raise
            error.add_note(str(trouble))

    @property
    def pid(self) -> int:
        """Process id of the simulator."""
        assert self._process is not None, "the lab was not started"
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until all devices listen.

        Raises:
            LabError: it did not come up; the text holds what it said.
        """
        self._directory = Path(tempfile.mkdtemp(prefix="simulator-"))
        control = str(self._directory / "control.sock")
        config = self._directory / "devices.json"
        config.write_text(json.dumps({"devices": [asdict(spec) for spec in self._specs]}, default=_plain))
        config.chmod(0o600)
        with (self._directory / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "netpulse_lab", "--config", str(config), "--control", control),
                    *("--json", "--exit-on-stdin-eof", "--exit-with-parent"),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        try:
            state = json.loads(self._first_line(self._process))
            self.devices = [SimulatedDevice(**item) for item in state["devices"]]
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.connect(control)
            self._answers = self._socket.makefile("rb")
        except BaseException:
            with contextlib.suppress(LabError):
                # What it said is in the error already.
                self.stop()
            raise

    def _first_line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None, "stdout is a pipe"
        deadline = time.monotonic() + self._start_deadline
        text = b""
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise LabError(f"the simulator was not ready after {self._start_deadline:g} s{self._said()}")
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                raise LabError(f"the simulator ended before it was ready{self._said()}")
            text += piece
        return text

    def _said(self) -> str:
        if self._directory is None:
            return ""
        said = (self._directory / "stderr").read_text(errors="replace").strip()
        return f": {said}" if said else ""

    def stop(self) -> None:
        """End the process and wait for it. Harmless when it does not run.

        Raises:
            LabError: the simulator complained while it ran, about itself: its devices were not what they should be.
        """
        if self._answers is not None:
            self._answers.close()
        if self._socket is not None:
            self._socket.close()
        self._answers = self._socket = None
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        said = self._said()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None
        if said:
            raise LabError(f"the simulator complained{said}")

    def _ask(self, operation: str, **request: Any) -> Any:
        with self._lock:
            if self._socket is None:
                raise LabError("the lab does not run")
            self._requests += 1
            line = json.dumps({"id": self._requests, "op": operation, **request}, default=_plain).encode() + b"\n"
            try:
                self._socket.sendall(line)
                answer = self._answers.readline()
            except OSError as error:
                raise LabError(f"the simulator is gone: {error}{self._said()}") from error
            if not answer:
                raise LabError(f"the simulator is gone{self._said()}")
        result = json.loads(answer)
        if not result["ok"]:
            raise LabError(result["error"])
        return result["result"]

    # -- looking -----------------------------------------------------------------------------------------------------

    def device(self, name: str) -> SimulatedDevice:
        """The device called `name`.

        Raises:
            LabError: there is none.
        """
        for device in self.devices:
            if device.name == name:
                return device
        raise LabError(f"no device {name!r} in this lab")

    def counters(self, device: SimulatedDevice | str) -> Counters:
        """Logins, failures, connections, open sessions, bytes of one device."""
        return Counters(**self._ask("counters", device=_name(device)))

    def all_counters(self) -> dict[str, Counters]:
        """The same of all devices, by name."""
        return {name: Counters(**numbers) for name, numbers in self._ask("counters").items()}

    def log(self, device: SimulatedDevice | str, *, since: int = 0) -> list[LogLine]:
        """All that was typed, oldest first; `since` is the `seq` after which to begin."""
        return [LogLine(**line) for line in self._ask("log", device=_name(device), since=since)]

    def commands(self, device: SimulatedDevice | str, *, since: int = 0) -> list[str]:
        """The command lines alone, bare RETURNs as empty texts."""
        return [line.line for line in self.log(device, since=since) if line.kind in ("command", "exec")]

    def received(self, device: SimulatedDevice | str) -> list[bytes]:
        """Every byte that each terminal of a device that is a dialogue received, in the order they were opened."""
        return [bytes.fromhex(text) for text in self._ask("received", device=_name(device))]

    def events(self, device: SimulatedDevice | str, *, since: int = 0) -> list[dict[str, Any]]:
        """What happened: reload, saved, confirmed, declined, cut, authentication failed, session refused, ..."""
        events: list[dict[str, Any]] = self._ask("events", device=_name(device), since=since)
        return events

    def event_names(self, device: SimulatedDevice | str) -> list[str]:
        """The names of the events, in order."""
        return [event["event"] for event in self.events(device)]

    def running_config(self, device: SimulatedDevice | str) -> str:
        """The text of ``show running-config``, without a login."""
        text: str = self._ask("running", device=_name(device))
        return text

    def startup_config(self, device: SimulatedDevice | str) -> str:
        """The text of the saved configuration, without a login."""
        text: str = self._ask("startup", device=_name(device))
        return text

    # -- changing ----------------------------------------------------------------------------------------------------

    def set_faults(self, device: SimulatedDevice | str, **switches: Any) -> None:
        """Set switches of `faults.Faults`; the others stay as they are.

        Raises:
            LabError: an unknown switch or a wrong value.
        """
        self._ask("faults", device=_name(device), set=switches)

    def clear_faults(self, device: SimulatedDevice | str) -> None:
        """Set all switches back to neutral; a frozen device goes on."""
        self._ask("faults", device=_name(device), reset=True)

    def drop(self, device: SimulatedDevice | str, action: Cut = "close") -> int:
        """Cut all connections of a device now; returns how many there were."""
        count: int = self._ask("drop", device=_name(device), action=action)
        return count

    def announce(self, device: SimulatedDevice | str, text: str) -> None:
        """Write a line to all open terminals of a device, unasked."""
        self._ask("announce", device=_name(device), text=text)

    def configure(self, device: SimulatedDevice | str, lines: str) -> None:
        """Change the running configuration as somebody at the console would; nothing is logged in.

        Raises:
            LabError: the device refuses a line.
        """
        self._ask("configure", device=_name(device), lines=lines)

    def reset(self, device: SimulatedDevice | str | None = None) -> None:
        """Forget logs, events and counters of one device or of all; configurations and sessions stay."""
        self._ask("reset", **({} if device is None else {"device": _name(device)}))

    def restore(self, device: SimulatedDevice | str) -> None:
        """Put the configuration of the start back, running and saved; sessions, log and counters stay."""
        self._ask("restore", device=_name(device))

    def time_is_up(self, device: SimulatedDevice | str) -> None:
        """The timer of a commit that waits for its confirmation ends now: the device goes back.

        Raises:
            LabError: none runs.
        """
        self._ask("time_is_up", device=_name(device))

    def add(self, **fields: Any) -> SimulatedDevice:
        """Start one more device.

        Raises:
            LabError: a wrong description.
        """
        device = SimulatedDevice(**self._ask("add", spec=fields))
        self.devices.append(device)
        return device

    def remove(self, device: SimulatedDevice | str) -> None:
        """Take a device off the network: connections are reset, ports close."""
        self._ask("remove", device=_name(device))
        self.devices = [one for one in self.devices if one.name != _name(device)]


def _name(device: SimulatedDevice | str) -> str:
    return device if isinstance(device, str) else device.name


def _plain(value: object) -> object:
    """What JSON cannot write by itself: a device's surroundings and its dialogue."""
    if isinstance(value, Surroundings | Dialogue):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} cannot be sent to the simulator")
