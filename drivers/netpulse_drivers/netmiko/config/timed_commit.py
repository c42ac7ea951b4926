"""Confirmed commits (IOS-XR, Junos): what waits on the device, confirming it, taking it back."""

from __future__ import annotations

import re

import paramiko

from netpulse_drivers.base import Call
from netpulse_drivers.errors import CommandRefused, NothingPending, UnsupportedOperation
from netpulse_drivers.netmiko.config.change_modes import enter_config_mode, leave_config_mode
from netpulse_drivers.netmiko.config.commit import commit_candidate
from netpulse_drivers.netmiko.config.save import read_config, running_fingerprint
from netpulse_drivers.netmiko.operation_args import DEFAULT_READ_TIMEOUT, NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.platforms import Platform
from netpulse_drivers.results import ChangeResult, CommitState, Output
from netpulse_drivers.terminal.byte_stream import StreamClosed
from netpulse_drivers.terminal.refusals import refused_line
from netpulse_drivers.terminal.reply import ReplyTimeout


def refuse_unsupported(name: str, platform: Platform, *, rollback: bool) -> None:
    """Refuse to confirm or to roll back where the platform has no such thing.

    Raises:
        UnsupportedOperation
    """
    if not platform.commit_confirmed:
        what = "rollback" if rollback else "commit with rollback timer that could be confirmed"
        raise UnsupportedOperation(f"netmiko knows no {what} for {name}")
    if rollback and not platform.commit_back:
        raise UnsupportedOperation(
            f"netmiko cannot take a confirmed commit of {name} back: leave it to its timer, or change it back"
        )


def confirm_change(session: NetmikoSession, call: Call) -> ChangeResult:
    """Commit again, which is how these platforms confirm.

    Raises:
        NothingPending: the device says that nothing waits; nothing was typed in configuration mode.
        UnsupportedOperation, CommandRefused.
    """
    refuse_unsupported(session.connection.device_type, session.platform, rollback=False)
    certain = _require_waiting(session, call)
    _commit_lines(session)
    return ChangeResult(outputs=list(session.progress), changed=False, saved=certain, certain=certain)


def take_back_change(session: NetmikoSession, call: Call) -> ChangeResult:
    """Commit the configuration from before the commit that waits.

    Raises:
        NothingPending: the device says that nothing waits; nothing was typed in configuration mode.
        UnsupportedOperation, CommandRefused.
    """
    refuse_unsupported(session.connection.device_type, session.platform, rollback=True)
    _require_waiting(session, call)
    _commit_lines(session, session.platform.commit_back)
    return ChangeResult(outputs=list(session.progress), changed=True, saved=True)


def read_commit_state(session: NetmikoSession) -> CommitState:
    """What waits on the device, and a fingerprint of its running configuration."""
    refuse_unsupported(session.connection.device_type, session.platform, rollback=False)
    waits = _waits(session)
    pending = None if waits is None else ("",) if waits else ()
    return CommitState(pending=pending, fingerprint=running_fingerprint(session))


def _waits(session: NetmikoSession) -> bool | None:
    platform = session.platform
    if not platform.commit_waits:
        return None
    return re.search(platform.commit_waiting, read_config(session, platform.commit_waits)) is not None


def _require_waiting(session: NetmikoSession, call: Call) -> bool:
    """Whether the platform tells that a commit waits.

    Raises:
        NothingPending
    """
    waits = _waits(session)
    if waits is False or call.commit:
        meant = f"commit {call.commit}" if call.commit else "no change"
        raise NothingPending(
            f"{meant} {'does not wait' if call.commit else 'waits'} for its confirmation: nothing to confirm or to "
            "roll back"
        )
    return waits is True


def _commit_lines(session: NetmikoSession, line: str = "") -> None:
    args = NetmikoChangeArgs()
    enter_config_mode(session, None)
    try:
        if line:
            _load(session, line)
        commit_candidate(session, session.platform.commit, args)
    except CommandRefused as error:
        try:
            leave_config_mode(session, abort=True)
        except (ReplyTimeout, StreamClosed, paramiko.SSHException, OSError):
            session.unusable_reason = "configuration mode could not be left after a refused commit"
        error.session_usable = not session.unusable_reason
        raise
    leave_config_mode(session, abort=False)


def _load(session: NetmikoSession, line: str) -> None:
    reply = session.ask(line, deadline=session.read_deadline(None, DEFAULT_READ_TIMEOUT))
    refusal = refused_line(reply.output, session.platform.refusals)
    session.progress.append(Output(command=line, output=reply.output, failed=bool(refusal)))
    if refusal:
        raise CommandRefused(
            f"the device refused '{line}': {refusal}", device_output=reply.output, outputs=session.progress
        )
