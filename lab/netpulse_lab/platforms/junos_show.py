"""What Junos shows in operational mode, as text, JSON and XML."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from netpulse_lab.config_store import Entry
from netpulse_lab.output_filter import FILTERS, FilterError, apply_filters

from .ios_show import serial
from .junos_schema import schema
from .junos_tree import braces, data, markup, set_lines
from .parameters import EOS_PARAMETERS, PARAMETERS
from .reachability import answers

if TYPE_CHECKING:
    from .junos_shell import JunosShell

RELEASE = "21.4R3.15"
MODEL = "vmx"
_PORTS = tuple(f"ge-0/0/{port}" for port in range(4))


def interface_name(text: str) -> str | None:
    """A parameter type: fxp0, ge-0/0/1, lo0, irb, ae1."""
    known = (*_PORTS, "fxp0", "lo0", "irb")
    return text if text in known or (text.startswith("ae") and text[2:].isdigit()) else None


SCHEMA = schema({**PARAMETERS, **EOS_PARAMETERS, "interface": interface_name})
_FILTERS = {"match": FILTERS["include"], "except": FILTERS["exclude"], "find": FILTERS["begin"]}


def unknown(line: str, column: int) -> str:
    """The words of Junos for a line that fits nothing."""
    return f"{' ' * column}^\n{'unknown command.' if column == 0 else 'syntax error.'}\n"


def incomplete(line: str) -> str:
    return f"{' ' * len(line)}^\nsyntax error, expecting <statement> or <identifier>.\n"


def configuration(shell: JunosShell, root: Entry, path: list[str], filters: str) -> str:
    """``show configuration [PATH] [| display set|json|xml]``"""
    section, done = root, 0
    while done < len(path):
        inner = [one for one in section.sorted_children() if list(one.words) == path[done : done + len(one.words)]]
        if not inner:
            return ""
        section, done = inner[0], done + len(inner[0].words)
    display, rest = _display(filters)
    if section.children is None:
        return _filtered(f"{section.text};\n", rest)
    if display == "set":
        text = "".join(f"{line}\n" for line in set_lines(section, " ".join(("set", *path))))
    elif display == "json":
        text = json.dumps({"configuration": data(section)}, indent=4) + "\n"
    elif display == "xml":
        inside = "\n".join(markup(section))
        text = f"<rpc-reply>\n    <configuration>\n{inside}\n    </configuration>\n</rpc-reply>\n"
    else:
        head = "" if path else f"## Last commit: {_last_commit(shell)}\nversion {RELEASE};\n"
        text = head + "".join(f"{line}\n" for line in braces(section))
    return _filtered(text, rest)


def _last_commit(shell: JunosShell) -> str:
    moment, user = shell.device.changed or (shell.device.booted, "root")
    return f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(moment))} by {user}"


def _display(filters: str) -> tuple[str, str]:
    """What ``display`` asks for, and the other filters."""
    kind, others = "", []
    for part in filters.split("|"):
        words = part.split()
        if words[:1] == ["display"] and len(words) > 1:
            kind = words[1]
        elif words and words != ["no-more"]:
            others.append(" ".join(words))
    return kind, " | ".join(others)


def _filtered(text: str, filters: str) -> str:
    if not filters:
        return text
    try:
        return apply_filters(text, filters, _FILTERS)
    except FilterError:
        return unknown(filters, 1)


# -- commands --------------------------------------------------------------------------------------------------------


def _version(shell: JunosShell) -> Mapping[str, object]:
    names = {"host-name": shell.device.hostname, "product-model": MODEL, "product-name": MODEL}
    return {"software-information": {**names, "junos-version": RELEASE}}


def _version_text(shell: JunosShell) -> str:
    return f"Hostname: {shell.device.hostname}\nModel: {MODEL}\nJunos: {RELEASE}\nJUNOS OS Kernel 64-bit  [20220628]\n"


def _hardware(shell: JunosShell) -> Mapping[str, object]:
    chassis = {"name": "Chassis", "serial-number": serial(shell.device), "description": MODEL.upper()}
    return {"chassis-inventory": {"chassis": chassis}}


def _hardware_text(shell: JunosShell) -> str:
    return (
        "Hardware inventory:\nItem             Version  Part number  Serial number     Description\n"
        f"Chassis                                {serial(shell.device):<17} {MODEL.upper()}\nMidplane         \n"
    )


def _rows(shell: JunosShell) -> list[tuple[str, str, str, str]]:
    """Name, administrative state, protocol, address of every interface and unit."""
    section = shell.device.running.root.find("interfaces")
    configured = {one.words[0]: one for one in (section.sorted_children() if section else [])}
    rows = []
    for name in dict.fromkeys((*_PORTS, "fxp0", "lo0", *configured)):
        entry = configured.get(name)
        rows.append((name, "down" if entry is not None and entry.find("disable") else "up", "", ""))
        for unit in entry.find_all("unit") if entry is not None else ():
            inet = unit.find("family", "inet")
            ip = (inet.argument("address") or "") if inet is not None else ""
            rows.append((f"{name}.{unit.words[1]}", "up", "inet" if inet is not None else "", ip))
    return rows


def _terse(shell: JunosShell) -> Mapping[str, object]:
    rows = [{"name": name, "admin-status": state, "oper-status": state} for name, state, _, _ in _rows(shell)]
    return {"interface-information": {"physical-interface": rows}}


def _terse_text(shell: JunosShell) -> str:
    lines = ["Interface               Admin Link Proto    Local                 Remote"]
    lines += [f"{name:<23} {state:<5} {state:<4} {proto:<8} {ip}".rstrip() for name, state, proto, ip in _rows(shell)]
    return "\n".join(lines) + "\n"


def _uptime(shell: JunosShell) -> Mapping[str, object]:
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return {"system-uptime-information": {"current-time": now}}


def _commits_text(shell: JunosShell) -> str:
    """``show system commit``, newest first; only the newest one is told in full."""
    device = shell.device
    moment, user = device.changed or (device.booted, "root")
    waits = device.candidates.before is not None
    way = "cli" if user != "root" else "other"
    how = f" commit confirmed, rollback in {device.candidates.due:g}mins" if waits else ""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))
    older = "".join(f"{number}   {stamp} by {user} via cli\n" for number, _ in enumerate(device.history_of_commits, 1))
    return f"0   {stamp} by {user} via {way}{how}\n{older}"


def _commits(shell: JunosShell) -> Mapping[str, object]:
    return {"commit-information": {"commit-history": {"output": _commits_text(shell)}}}


def _uptime_text(shell: JunosShell) -> str:
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return f"Current time: {now}\nLast configured: {_last_commit(shell)}\n"


_Texts = tuple[Callable[["JunosShell"], str], Callable[["JunosShell"], Mapping[str, object]]]
_COMMANDS: Mapping[str, _Texts] = {
    "show version": (_version_text, _version),
    "show chassis hardware": (_hardware_text, _hardware),
    "show interfaces terse": (_terse_text, _terse),
    "show system uptime": (_uptime_text, _uptime),
    "show system commit": (_commits_text, _commits),
}


def operate(shell: JunosShell, command: str, filters: str) -> str:
    """Carry out an operational command."""
    words = command.split()
    if words[:1] == ["ping"] and len(words) > 1:
        return _ping(shell, words[1], _number(words, "count"))
    if words[:3] == ["show", "cli", "history"]:
        return "".join(f"  {line}\n" for line in shell.history)
    if command == "show system users":
        return "".join(f"{one.username:<9} pts/{one.session}\n" for one in shell.device.connections if one.session)
    full = _complete(words)
    if full is None:
        return unknown(command, 0 if words[0] != "show" else 5)
    text, structure = _COMMANDS[full]
    display, rest = _display(filters)
    forms: Mapping[str, Callable[[], str]] = {
        "json": lambda: json.dumps(_wrapped(structure(shell)), indent=4) + "\n",
        "xml": lambda: f"<rpc-reply>\n{_elements(structure(shell), 1)}</rpc-reply>\n",
    }
    return _filtered(forms[display]() if display in forms else text(shell), rest)


def _complete(words: list[str]) -> str | None:
    fitting = [
        one
        for one in _COMMANDS
        if len(one.split()) == len(words) and all(a.startswith(b) for a, b in zip(one.split(), words, strict=True))
    ]
    return fitting[0] if len(fitting) == 1 else None


def _number(words: list[str], before: str) -> int:
    at = words.index(before) + 1 if before in words else len(words)
    return int(words[at]) if at < len(words) and words[at].isdigit() else 5


def _ping(shell: JunosShell, target: str, count: int) -> str:
    addresses = [ip for _, _, _, ip in _rows(shell) if ip]
    answered = answers(target, addresses)
    replies = "".join(f"64 bytes from {target}: icmp_seq={n} ttl=64 time=1.0 ms\n" for n in range(count))
    received, lost = (count, 0) if answered else (0, 100)
    return (
        f"PING {target} ({target}): 56 data bytes\n{replies if answered else ''}\n--- {target} ping statistics ---\n"
        f"{count} packets transmitted, {received} packets received, {lost}% packet loss\n"
    )


def _wrapped(value: object) -> object:
    """Junos puts every element into a list and every value below "data"."""
    if isinstance(value, Mapping):
        return {
            name: _wrapped(inner) if isinstance(inner, list) else [_wrapped(inner)] for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_wrapped(one) for one in value]
    return {"data": str(value)}


def _elements(value: Mapping[str, object], depth: int) -> str:
    text, pad = "", "    " * depth
    for name, inner in value.items():
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, Mapping):
                text += f"{pad}<{name}>\n{_elements(one, depth + 1)}{pad}</{name}>\n"
            else:
                text += f"{pad}<{name}>{one}</{name}>\n"
    return text


def revert_later(shell: JunosShell, minutes: int) -> None:
    """``commit confirmed``: go back unless the next commit comes in time."""
    device = shell.device
    before = device.running.copy()

    def revert() -> None:
        device.candidates.confirm()
        device.replace_running(before, "root")
        device.candidates.by_name.clear()
        device.journal.event("commit reverted")

    device.candidates.due = minutes
    device.candidates.start(minutes * 60, revert, before=before)
