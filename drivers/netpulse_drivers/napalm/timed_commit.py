"""Commits with a timer: what waits on the device, confirming it, taking it back.

The device is asked what waits, never NAPALM's object: another worker may have made the commit.
"""

from __future__ import annotations

import time
from typing import Any

from netpulse_drivers.base import Call
from netpulse_drivers.config.fingerprint import fingerprint
from netpulse_drivers.errors import CommandRefused, NothingPending
from netpulse_drivers.napalm.session import NapalmSession
from netpulse_drivers.results import ChangeResult, CommitState, Output

_OURS = "napalm_"
"""Names of NAPALM's configuration sessions on eos begin so."""


def confirm_change(session: NapalmSession, call: Call) -> ChangeResult:
    """Keep the change whose commit timer is running.

    Raises:
        UnsupportedOperation: the platform has no timed commits.
        NothingPending, CommandRefused: none is running; which one is meant is not clear.
    """
    started = time.monotonic()
    with session.operation(call, "confirm_commit") as device:
        name = _take_up(device, call)
        device.confirm_commit()
    output = Output("confirm_commit", "", time.monotonic() - started)
    return ChangeResult(outputs=[output], changed=False, saved=session.platform.saves, settled=name)


def take_back_change(session: NapalmSession, call: Call) -> ChangeResult:
    """NAPALM's rollback: of the commit whose timer is running, else to what was saved before the last commit.

    Raises:
        UnsupportedOperation: the platform has no rollback.
        NothingPending: no timer is running and nothing else shall be rolled back.
        CommandRefused: there is nothing to go back to; which one is meant is not clear.
    """
    started = time.monotonic()
    name = ""
    with session.operation(call, "rollback") as device:
        try:
            name = _take_up(device, call)
        except NothingPending:
            if call.commit or call.pending_only:
                raise
        device.rollback()
    output = Output("rollback", "", time.monotonic() - started, changed=True)
    return ChangeResult(outputs=[output], changed=True, saved=session.platform.saves, settled=name)


def read_commit_state(session: NapalmSession, call: Call) -> CommitState:
    """What waits on the device, and a fingerprint of its running configuration."""
    with session.operation(call, "has_pending_commit") as device:
        waiting = _waiting(device)
        running = str(device.get_config(retrieve="running")["running"])
    return CommitState(pending=None if waiting is None else tuple(waiting), fingerprint=fingerprint(running))


def _waiting(device: Any) -> list[str] | None:
    """Names of the commits that wait; None when NAPALM's driver for the platform cannot tell."""
    try:
        if hasattr(device, "config_session"):  # eos, whose sessions have names; has_pending_commit() tells none
            return [str(name) for name in device._get_pending_commits()]  # noqa: SLF001
        return [""] if device.has_pending_commit() else []
    except NotImplementedError:
        return None


def _take_up(device: Any, call: Call) -> str:
    """Let NAPALM's object know the commit that is meant, which it else knows only if it made it; its name."""
    waiting = _waiting(device)
    if waiting is None:
        return ""
    if not waiting:
        raise NothingPending("no change waits for its confirmation: nothing to confirm or to roll back")
    if not hasattr(device, "config_session"):
        return ""
    if call.commit:
        if call.commit not in waiting:
            raise NothingPending(
                f"commit {call.commit} does not wait for its confirmation (any more); waiting are {', '.join(waiting)}"
            )
        device.config_session = call.commit
        return call.commit
    ours = [name for name in waiting if name.startswith(_OURS)]
    if not ours:
        raise CommandRefused(
            f"session {waiting[0]} waits for its confirmation, but NAPALM did not commit it: nothing was done"
        )
    if len(ours) > 1:
        raise CommandRefused(
            f"{len(ours)} changes wait for their confirmation ({', '.join(ours)}): say which by its job",
            details=[{"commit": name} for name in ours],
        )
    device.config_session = ours[0]
    return ours[0]
