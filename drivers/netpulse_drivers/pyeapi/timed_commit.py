"""Commits with a timer: what waits on the switch, confirming it, taking it back.

The switch is asked what waits: another worker may have made the commit.
"""

from __future__ import annotations

from netpulse_drivers.base import Call
from netpulse_drivers.config.fingerprint import fingerprint
from netpulse_drivers.errors import CommandRefused, NothingPending
from netpulse_drivers.pyeapi.session import EapiSession
from netpulse_drivers.results import ChangeResult, CommitState, Output

SESSION_PREFIX = "netpulse-"
"""Names of our configuration sessions begin so."""


def confirm_change(session: EapiSession, call: Call) -> ChangeResult:
    """Keep the change of ours whose commit timer is running, and write it to the start-up configuration.

    Raises:
        NothingPending, CommandRefused: none is; which one is meant is not clear.
    """
    name = _pending(session, call)
    command = f"configure session {name} commit"
    answers = session.ask([command, "write memory"], call=call)
    return ChangeResult(
        outputs=[Output(command, answers[0]), Output("write memory", answers[1])],
        changed=False,
        saved=True,
        settled=name,
    )


def take_back_change(session: EapiSession, call: Call) -> ChangeResult:
    """Go back to the configuration from before the change whose commit timer is running.

    Raises:
        NothingPending, CommandRefused: none is; which one is meant is not clear.
    """
    name = _pending(session, call)
    command = f"configure session {name} abort"
    outputs = [Output(command, session.ask([command], call=call)[0])]
    return ChangeResult(outputs=outputs, changed=True, settled=name)


def read_commit_state(session: EapiSession, call: Call) -> CommitState:
    """What waits on the switch, and a fingerprint of its running configuration."""
    return CommitState(pending=tuple(_waiting(session, call)), fingerprint=_running_fingerprint(session, call))


def _waiting(session: EapiSession, call: Call) -> list[str]:
    """The names of the sessions whose commit timer runs. The device knows them, whoever asks."""
    known = session.ask(["show configuration sessions detail"], call=call)[0]
    timed = known.get("commitTimerSessionName")  # from EOS 4.32 on
    names = [timed] if timed else []
    names += [name for name, facts in known.get("sessions", {}).items() if facts.get("state") == "pendingCommitTimer"]
    return list(dict.fromkeys(str(name) for name in names))


def _pending(session: EapiSession, call: Call) -> str:
    """The name of the session that is to be confirmed or taken back."""
    names = _waiting(session, call)
    ours = [name for name in names if name.startswith(SESSION_PREFIX)]
    if call.commit is not None:
        if call.commit in names:
            return call.commit
        waiting = f"; waiting are {', '.join(names)}" if names else ""
        raise NothingPending(f"commit {call.commit} does not wait for its confirmation (any more){waiting}")
    if not names:
        raise NothingPending("no change waits for its confirmation: nothing to confirm or to roll back")
    if not ours:
        raise CommandRefused(
            f"session {names[0]} waits for its confirmation, but somebody else committed it: nothing was done"
        )
    if len(ours) > 1:
        raise CommandRefused(
            f"{len(ours)} changes wait for their confirmation ({', '.join(ours)}): say which by its job",
            details=[{"commit": name} for name in ours],
        )
    return ours[0]


def _running_fingerprint(session: EapiSession, call: Call) -> str:
    return fingerprint(str(session.ask(["show running-config"], call=call, encoding="text")[0]["output"]))
