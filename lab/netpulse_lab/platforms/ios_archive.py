"""Cisco IOS, "Configuration Replace and Rollback": what differs, changes that revert by themselves, confirm.

The commands need ``archive`` with a ``path`` in the configuration, as on the devices.
"""

from __future__ import annotations

import difflib
import time
from functools import partial

from netpulse_lab.config_store import ConfigTree, Entry
from netpulse_lab.device import Device, load
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Collect, Outcome
from netpulse_lab.platform import Command
from netpulse_lab.session_commands import configure

NOT_ENABLED = "%Please turn config archive on, and specify a path\n"
_NOTHING_PENDING = "%No Rollback Confirmed Change pending\n"


def enabled(device: Device) -> bool:
    """Whether the archive feature is configured."""
    section = device.running.root.find("archive")
    return section is not None and section.children is not None and section.find("path") is not None


def type_in(shell: Interpreter, text: str, tree: ConfigTree | None = None) -> str:
    """Type configuration text line by line; what the device says to lines that it refuses. It goes on behind them."""
    typist = Interpreter(device=shell.device, username=shell.username, privilege=15, session=shell.session, tree=tree)
    typist.enter_config(tree)
    said = ""
    collecting: Collect | None = None
    for raw in text.splitlines():
        if collecting is not None:
            collecting = None if collecting.take(raw) is not None else collecting
            continue
        if raw.strip() == "end":
            break
        done: Outcome | str = typist.run(raw)
        while isinstance(done, Ask):
            done = done.then("")
        if isinstance(done, Collect):
            collecting = done
        answer = done if isinstance(done, str) else getattr(done, "text", "")
        if "%" in answer:
            said += f"{raw.strip()}\n{answer}"
    return said


def _commands(old: Entry | None, new: Entry, depth: int = 0) -> list[str]:
    """The lines that lead from one section to another."""
    before = (old.children if old is not None else None) or {}
    after = new.children or {}
    lines: list[str] = []
    for key, entry in after.items():
        present = before.get(key)
        inner = _commands(present, entry, depth + 1) if entry.children is not None else []
        if present is None or present.text != entry.text or inner:
            lines += [" " * depth + entry.text, *inner]
    lines += [" " * depth + "no " + entry.text for key, entry in before.items() if key not in after]
    return lines


def show_archive(shell: Interpreter, found: Match[Command]) -> str:
    if not enabled(shell.device):
        return "Archive feature not enabled\n"
    return "The maximum archive configurations allowed is 10.\nThere are currently 0 archive configurations saved.\n"


def incremental_diffs(shell: Interpreter, found: Match[Command]) -> str:
    """``show archive config incremental-diffs FILE``: the lines that merging the file would bring."""
    stored = shell.device.files.read(found.arguments[0])
    if stored is None:
        return f"%Error opening {found.arguments[0]} (No such file or directory)\n"
    candidate = shell.device.running.copy()
    type_in(shell, stored.text(), candidate)
    lines = _commands(shell.device.running.root, candidate.root)
    if not lines:
        return "!List of Commands:\nend\n!No changes were found\n"
    return "\n".join(["!List of Commands:", *lines, "end"]) + "\n"


def differences(shell: Interpreter, found: Match[Command]) -> str:
    """``show archive config differences system:running-config FILE``"""
    stored = shell.device.files.read(found.arguments[1])
    if stored is None:
        return f"%Error opening {found.arguments[1]} (No such file or directory)\n"
    style = shell.platform.style
    try:
        other = load(shell.device, stored.text())
    except ValueError as error:
        return f"%Error: {error}\n"
    lines = difflib.ndiff(shell.device.running.lines(style), other.lines(style))
    changed = [line[0] + line[2:] for line in lines if line[:2] in ("+ ", "- ") and line[2:].strip() != "!"]
    return "\n".join(["!Contextual Config Diffs:", *(changed or ["!No changes were found"])]) + "\n"


# -- changes that revert by themselves --------------------------------------------------------------------------------


def arm(shell: Interpreter, minutes: int) -> None:
    """From now on the configuration goes back to what it is, unless that is confirmed in time."""
    device = shell.device
    device.candidates.confirm()
    device.candidates.due = time.time() - device.booted + minutes * 60
    device.candidates.owner = shell.username
    device.candidates.start(minutes * 60, partial(_revert, device), before=device.running.copy())
    device.journal.event("revert timer", session=shell.session, minutes=minutes)


def _revert(device: Device) -> None:
    before = device.candidates.before
    device.candidates.confirm()
    if before is not None:
        device.replace_running(before, "revert-timer")
        device.journal.event("commit reverted")


def configure_for(shell: Interpreter, found: Match[Command]) -> str:
    """``configure terminal revert timer MINUTES``"""
    if not enabled(shell.device):
        return NOT_ENABLED
    arm(shell, int(found.arguments[0]))
    return configure(shell, found)


def pending(shell: Interpreter, found: Match[Command]) -> str:
    candidates = shell.device.candidates
    if candidates.before is None:
        return _NOTHING_PENDING
    rest = max(0, round((candidates.due - (time.time() - shell.device.booted)) / 60))
    stamp = time.strftime("%H:%M:%S UTC %a %b %d %Y", time.gmtime())
    return (
        f"Time configured(or reconfigured): {stamp}\nTimer type: absolute timer\n"
        f"Timer value: {rest} min\nUser: {candidates.owner}\n"
    )


def confirm(shell: Interpreter, found: Match[Command]) -> str:
    """``configure confirm``"""
    if shell.device.candidates.before is None:
        return _NOTHING_PENDING
    shell.device.candidates.confirm()
    shell.device.journal.event("commit confirmed", session=shell.session)
    return ""


def revert_now(shell: Interpreter, found: Match[Command]) -> str:
    """``configure revert now``"""
    if shell.device.candidates.before is None:
        return _NOTHING_PENDING
    _revert(shell.device)
    return "Rollback Confirmed Change: rolling back\nTotal number of passes: 1\nRollback Done\n"


ARCHIVE_COMMANDS = (
    Command(syntax="show archive", run=show_archive, level=15),
    Command(syntax="show archive config incremental-diffs <path> [ignorecase]", run=incremental_diffs, level=15),
    Command(syntax="show archive config differences <path> <path>", run=differences, level=15),
    Command(syntax="show archive config rollback timer", run=pending, level=15),
    Command(syntax="configure terminal revert timer <1-120>", run=configure_for, level=15),
    Command(syntax="configure confirm", run=confirm, level=15),
    Command(syntax="configure revert now", run=revert_now, level=15),
)
