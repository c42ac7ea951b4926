"""Proving an idle session alive, on two levels, without typing anything that could do harm.

SSH level: see ``netpulse_drivers.ssh.keepalive``. A device that never answered one is not condemned for its silence.

Application level: RETURN, only when the last bytes seen were a verified prompt, and then the prompt must come back.
"""

from __future__ import annotations

import paramiko

from netpulse_drivers.base import Call
from netpulse_drivers.errors import CommandTimeout, SessionLost, SessionStale
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.ssh.keepalive import ANSWER_TIMEOUT, ssh_keepalive
from netpulse_drivers.terminal.byte_stream import SSHStream


def prove_alive(session: NetmikoSession, call: Call) -> bool:
    """Whether the device answers. False: the session is dead and must be closed.

    Raises:
        Whatever ``call.before_write`` raises.
    """
    if not session.is_alive():
        return False
    answered = _ssh_answers(session, call)
    if answered:
        session.answers_keepalive = True
    elif session.answers_keepalive:
        session.unusable_reason = "the device no longer answers SSH keepalives"
        return False
    try:
        with session.operation(call):
            # Messages that the device printed by itself may stand behind the prompt; then RETURN waits for next time.
            if session.at_prompt and not session.interrupted:
                deadline = call.deadline.sooner(ANSWER_TIMEOUT)
                session.ask("", deadline=deadline, verify=False)
    except (CommandTimeout, SessionLost, SessionStale):
        return False
    return session.is_alive()


def _ssh_answers(session: NetmikoSession, call: Call) -> bool:
    """One SSH keepalive. False also for Telnet, and when the answer did not come in time."""
    stream = session.connection.stream
    if not isinstance(stream, SSHStream):
        return False
    call.before_write()
    try:
        return ssh_keepalive(stream.channel.get_transport(), call.deadline.sooner(ANSWER_TIMEOUT))
    except (paramiko.SSHException, EOFError, OSError):
        return False
