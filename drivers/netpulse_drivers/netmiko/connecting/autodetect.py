"""Which platform a device is, by what it shows: for ``device_type: autodetect``.

What is typed and looked for is netmiko's own table (``netmiko.ssh_autodetect.SSH_MAPPER_DICT``: one command and its
patterns for each platform), and what stands below for platforms that it lacks. All of it only shows something. Instead
of a second of sleep behind each command and six of silence, answers end at the device's prompt; and what the prompt
looks like decides which command is tried first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from netmiko.exceptions import NetmikoTimeoutException
from netmiko.ssh_autodetect import SSH_MAPPER_DICT
from netmiko.ssh_dispatcher import CLASS_MAPPER

from netpulse_drivers.errors import DeviceTypeUnknown, SessionLost
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.terminal.byte_stream import SSHStream, StreamClosed
from netpulse_drivers.terminal.reply import ReplyTimeout

ONE_ANSWER = 15.0
"""Seconds that the answer to one of the commands may take."""

_SURE = 99
"""netmiko's mark of a pattern that no other platform shows; below it the search goes on."""

_SAME = {"cisco_wlc_85": "cisco_wlc", "cisco_xr_2": "cisco_xr", "alcatel_sros": "nokia_sros"}
"""netmiko's second entries of a platform, and its older names."""

_OTHERS: dict[str, list[tuple[str, str]]] = {
    "show version": [
        ("nokia_sros", r"TiMOS-"),
        ("nokia_srl", r"SR ?Linux|Software Version\s*:\s*v\d+\.\d+\.\d+[\s\S]{0,400}Architecture\s*:\s*x86_64"),
        ("juniper_junos", r"^Junos: \d"),  # Junos OS Evolved names no kernel and no software release
        ("vyos", r"Version:\s+VyOS"),
        ("ubiquiti_edgerouter", r"Build on:[\s\S]{0,400}HW model:\s+(?:EdgeRouter|Ubiquiti|UBNT)|EdgeOS"),
        ("ruckus_fastiron", r"(?:Brocade|Ruckus|Foundry)[\s\S]{0,2000}(?:ICX|FastIron|FCX)"),
        ("aruba_os", r"Aruba Operating System Software|ArubaOS \(MODEL"),
        ("cisco_ios", r"^(?:FRRouting|Quagga) "),
    ],
    "display version": [
        ("huawei_vrpv8", r"VRP \(R\) software, Version 8\."),
        ("huawei", r"VRP \(R\) software, Version [1-7]\."),
        ("hp_comware", r"Comware (?:Platform )?Software"),
    ],
    "/system resource print": [("mikrotik_routeros", r"platform:\s*MikroTik")],
    "show version all": [("checkpoint_gaia", r"Check Point Gaia")],
}
"""By command: platform, and what its answer shows. Sources: the vendors' command references and published outputs
(MikroTik 'System/Resource', VyOS 'show version', Check Point 'Gaia administration guide', Huawei 'display version')."""


@dataclass(frozen=True, slots=True)
class _Clue:
    device_type: str
    shows: re.Pattern[str]
    sureness: int


@cache
def _clues() -> dict[str, list[_Clue]]:
    """By command; '' is what the server said of itself before the login."""
    clues: dict[str, list[_Clue]] = {}
    for command, others in _OTHERS.items():
        clues[command] = [_Clue(name, re.compile(shows, re.IGNORECASE | re.MULTILINE), 100) for name, shows in others]
    table: dict[str, dict[str, Any]] = SSH_MAPPER_DICT
    for name, entry in table.items():
        device_type = _SAME.get(name, name)
        if device_type not in CLASS_MAPPER or entry["dispatch"] not in _DISPATCHES:
            continue
        found = clues.setdefault(str(entry.get("cmd", "")), [])
        found += [
            _Clue(device_type, re.compile(shows, re.IGNORECASE), int(entry["priority"]))
            for shows in entry["search_patterns"]
        ]
    return clues


_DISPATCHES = {"_autodetect_std", "_autodetect_remote_version", "_autodetect_login_banner"}

_BY_PROMPT = (
    (re.compile(r"(?:[A-Z]{1,6}_[A-Z])?<[^<>]+>"), "display version"),
    (re.compile(r"\[[^\]@]+@[^\]]+\] ?(?:<SAFE> ?)?>"), "/system resource print"),
    (re.compile(r".*\$|\[?\S+@[^\s\]]+[: ][^\]]*\]?[#%]"), "uname -a"),
    (re.compile(r"\S+ (?:\([^)]+\) )?[#$]"), "get system status"),
)
"""What a prompt of this shape is asked first."""


def server_says(session: NetmikoSession) -> str:
    """The SSH server's identification (RFC 4253, section 4.2); '' over Telnet."""
    stream = session.connection.stream
    transport = stream.channel.get_transport() if isinstance(stream, SSHStream) else None
    return str(transport.remote_version) if transport is not None else ""


def known_by_server(server: str) -> str:
    """The platform that is known by its SSH server alone, or ''."""
    return _best(_clues().get("", []), server)[0]


def detect(session: NetmikoSession, *, where: str) -> str:
    """netmiko's name of the platform. The session has shown a prompt; nothing is known beyond it.

    Raises:
        DeviceTypeUnknown: nothing that it shows tells; the text says what was asked.
        SessionLost: it ended.
    """
    known = known_by_server(server_says(session))
    if known:
        return known
    likely, asked, shown = ("", 0), [], ""
    for command in _order(session.prompt.text):
        asked.append(command)
        try:
            answer = session.ask(command, deadline=session.connection.deadline.sooner(ONE_ANSWER)).output
        except (ReplyTimeout, NetmikoTimeoutException) as error:
            shown = getattr(error, "received", "") or session.connection.transcript
            break
        except (StreamClosed, OSError) as error:
            raise SessionLost(f"{where} ended the session when it was asked {command!r}: {error}") from error
        if not session.at_prompt or session.unusable_reason:
            shown = answer
            break
        shown = answer or shown
        likely = max(likely, _best(_clues()[command], answer), key=lambda found: found[1])
        if likely[1] >= _SURE or (likely[0] and command == _SHELL_LAST):
            return likely[0]
    if likely[0]:
        return likely[0]
    raise DeviceTypeUnknown(
        f"autodetect: nothing that {where} shows tells its platform (prompt {session.prompt.text!r}; asked: "
        f"{', '.join(asked)}); give its device_type",
        device_output=shown.strip(),
    )


_SHELL_LAST = "cat /etc/issue"
"""A shell that shows a Linux may be that of a BIG-IP, which this tells."""


def _order(prompt: str) -> list[str]:
    """The commands, likeliest first."""
    likely = [command for shape, command in _BY_PROMPT if shape.fullmatch(prompt.strip())][:1]
    if likely == ["uname -a"]:
        likely.append(_SHELL_LAST)
    return [command for command in dict.fromkeys([*likely, "show version", *_clues()]) if command]


def _best(clues: list[_Clue], text: str) -> tuple[str, int]:
    found = [clue for clue in clues if clue.shows.search(text)]
    best = max(found, key=lambda clue: clue.sureness, default=None)
    return ("", 0) if best is None else (best.device_type, best.sureness)
