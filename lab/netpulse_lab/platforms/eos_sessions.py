"""Configuration sessions of Arista EOS: configure session, diffs, commit (timed too), abort, rollback."""

from __future__ import annotations

import re
import time
from functools import partial

from netpulse_lab.config_session import Candidate, differences
from netpulse_lab.device import Device, load
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Outcome
from netpulse_lab.platform import Command, ConfigRule, RankedRule

from .eos_show import release_number


def enter(shell: Interpreter, found: Match[Command]) -> str:
    """``configure session NAME``: begin or go on."""
    candidates = shell.device.candidates.by_name
    name = found.arguments[0] if found.arguments else f"sess-{len(candidates) + 1}"
    candidate = candidates.get(name)
    if candidate is not None and candidate.state == "completed":
        return f"% Cannot enter session {name} (already completed). Please use a different name.\n"
    if candidate is None:
        candidate = candidates[name] = Candidate(name=name, tree=shell.device.running.copy(), username=shell.username)
    shell.enter_config(candidate.tree, name=name)
    return ""


def _candidate(shell: Interpreter, name: str) -> Candidate | None:
    return shell.device.candidates.by_name.get(name)


def _commit(shell: Interpreter, candidate: Candidate) -> None:
    device = shell.device
    candidate.state = "completed"
    device.replace_running(candidate.tree.copy(), shell.username)
    device.journal.event("commit", session=shell.session, name=candidate.name)


def commit(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """``commit`` inside a session; with a timer it must be confirmed in time."""
    candidate = _candidate(shell, shell.candidate)
    if candidate is None:
        return "% Not in a configuration session\n"
    if found.arguments:
        seconds = _seconds(found.arguments[0])
        if not seconds:
            return _BAD_TIMER
        _commit_for(shell, candidate, seconds)
    else:
        _commit(shell, candidate)
    shell.leave_config()
    return ""


_BAD_TIMER = "% Invalid input\n"


def _seconds(timer: str) -> int:
    """HH:MM:SS; 0 when it is something else."""
    if not re.fullmatch(r"\d{1,2}:\d{2}:\d{2}", timer):
        return 0
    hours, minutes, seconds = (int(part) for part in timer.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def _commit_for(shell: Interpreter, candidate: Candidate, seconds: float) -> None:
    device = shell.device
    device.candidates.confirm()
    before = device.running.copy()
    _commit(shell, candidate)
    candidate.state = "pendingCommitTimer"
    device.candidates.due = time.time() - device.booted + seconds
    device.candidates.start(seconds, partial(_revert, device, candidate), before=before)


def _revert(device: Device, candidate: Candidate) -> None:
    before = device.candidates.before
    device.candidates.confirm()
    if before is not None:
        device.replace_running(before, "commit-timer")
        candidate.state = "aborted"
        device.journal.event("commit reverted", name=candidate.name)


def abort(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """``abort`` inside a session: the candidate is thrown away."""
    if not shell.candidate:
        return "% Not in a configuration session\n"
    shell.device.candidates.by_name.pop(shell.candidate, None)
    shell.device.journal.event("abort", session=shell.session, name=shell.candidate)
    shell.leave_config()
    return ""


def commit_named(shell: Interpreter, found: Match[Command]) -> str:
    """``configure session NAME commit``: commits, or confirms a timed commit."""
    candidate = _candidate(shell, found.arguments[0])
    if candidate is None:
        return f"% Session {found.arguments[0]} does not exist\n"
    if candidate.state == "pendingCommitTimer":
        shell.device.candidates.confirm()
        candidate.state = "completed"
        shell.device.journal.event("commit confirmed", session=shell.session, name=candidate.name)
    else:
        _commit(shell, candidate)
    return ""


def commit_named_for(shell: Interpreter, found: Match[Command]) -> str:
    """``configure session NAME commit timer H:M:S``."""
    candidate = _candidate(shell, found.arguments[0])
    if candidate is None:
        return f"% Session {found.arguments[0]} does not exist\n"
    seconds = _seconds(found.arguments[1])
    if not seconds:
        return _BAD_TIMER
    _commit_for(shell, candidate, seconds)
    return ""


def copy_to_flash(shell: Interpreter, found: Match[Command]) -> str:
    """``copy startup-config flash:NAME``."""
    name = found.arguments[0]
    if not name.startswith("flash:"):
        return "% Error copying system:/startup-config: no such file system\n"
    shell.device.candidates.saved[name] = shell.device.startup.copy()
    return "Copy completed successfully.\n"


def replace(shell: Interpreter, found: Match[Command]) -> str:
    """``configure replace flash:NAME``."""
    name = found.arguments[0]
    kept = shell.device.candidates.saved.get(name)
    if kept is None:
        return f"% Error opening {name} (No such file or directory)\n"
    shell.device.replace_running(kept.copy(), shell.username)
    shell.device.journal.event("replace", session=shell.session, name=name)
    return ""


def abort_named(shell: Interpreter, found: Match[Command]) -> str:
    """``configure session NAME abort``: throws away, or takes a timed commit back."""
    candidate = _candidate(shell, found.arguments[0])
    if candidate is None:
        return f"% Session {found.arguments[0]} does not exist\n"
    if candidate.state == "pendingCommitTimer":
        _revert(shell.device, candidate)
    shell.device.candidates.by_name.pop(candidate.name)
    return ""


def rollback(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str:
    """``rollback clean-config``: the candidate becomes the configuration of a new device."""
    candidate = _candidate(shell, shell.candidate)
    if candidate is None:
        return "% Not in a configuration session\n"
    candidate.tree = load(shell.device, shell.platform.factory(shell.device.spec))
    shell.enter_config(candidate.tree, name=candidate.name)
    return ""


def _named(shell: Interpreter, found: Match[Command]) -> Candidate | None:
    name = found.arguments[0] if found.arguments else shell.candidate
    return _candidate(shell, name)


def show_diffs(shell: Interpreter, found: Match[Command]) -> str:
    candidate = _named(shell, found)
    if candidate is None:
        return "% Not in a configuration session\n"
    return differences(shell.device.running, candidate, shell.platform.style)


def show_candidate(shell: Interpreter, found: Match[Command]) -> str:
    candidate = _named(shell, found)
    if candidate is None:
        return "% Not in a configuration session\n"
    return shell.platform.show_config(shell.device, candidate.tree)


_TIMER_APART = (4, 32)
"""The release from which on a session is committed at once and its timer told beside the sessions."""


def _told_apart(device: Device) -> bool:
    return release_number(device) >= _TIMER_APART


def _state(device: Device, candidate: Candidate) -> str:
    if _told_apart(device) and candidate.state in {"pendingCommitTimer", "completed"}:
        return "committed"
    return candidate.state


def show_sessions(shell: Interpreter, found: Match[Command]) -> str:
    rows = [
        "Maximum number of completed sessions: 1",
        "Maximum number of pending sessions: 5",
        "",
        "   Name           State                User     Terminal",
        "   -------------- -------------------- -------- --------",
    ]
    for candidate in shell.device.candidates.by_name.values():
        mark = "* " if candidate.name == shell.candidate else "  "
        state = _state(shell.device, candidate)
        rows.append(f"{mark} {candidate.name:<14} {state:<20} {candidate.username:<8}".rstrip())
    return "\n".join(rows) + "\n"


def sessions_data(shell: Interpreter, found: Match[Command]) -> object:
    """EOS 4.32 names the session whose timer runs beside the sessions; before, its own facts told."""
    device = shell.device
    candidates = device.candidates.by_name.values()
    sessions: dict[str, dict[str, object]] = {
        one.name: {"state": _state(device, one), "description": "", "commitUser": one.username, "instances": {}}
        for one in candidates
    }
    told: dict[str, object] = {"maxSavedSessions": 1, "maxOpenSessions": 5, "mergeOnCommit": False}
    for candidate in candidates:
        if candidate.state == "pendingCommitTimer":
            due = round(device.candidates.due, 2)
            if _told_apart(device):
                told |= {"commitTimerSessionName": candidate.name, "commitTimerExpireTime": due}
            else:
                sessions[candidate.name]["commitBy"] = due
    return {**told, "sessions": sessions}


SESSION_LINES = (
    ConfigRule(syntax="commit [timer <word>]", instead=commit),
    ConfigRule(syntax="abort", instead=abort),
    ConfigRule(syntax="rollback clean-config", instead=rollback),
)
SESSION_COMMANDS = (
    Command(syntax="configure session <word> commit", run=commit_named, level=15),
    Command(syntax="configure session <word> commit timer <word>", run=commit_named_for, level=15),
    Command(syntax="configure replace <word>", run=replace, level=15),
    Command(syntax="copy startup-config <word>", run=copy_to_flash, level=15),
    Command(syntax="configure session <word> abort", run=abort_named, level=15),
    Command(syntax="configure session [<word>]", run=enter, level=15),
    Command(syntax="show session-config named <word> diffs", run=show_diffs, level=15),
    Command(syntax="show session-config named <word>", run=show_candidate, level=15),
    Command(syntax="show session-config diffs", run=show_diffs, level=15),
    Command(syntax="show session-config", run=show_candidate, level=15),
    Command(syntax="show configuration sessions [detail]", run=show_sessions, json=sessions_data, level=15),
)
