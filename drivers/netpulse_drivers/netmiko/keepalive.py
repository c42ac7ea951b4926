"""Proving an idle session alive, on two levels, without typing anything that could do harm.

SSH level: the global request ``keepalive@openssh.com`` wanting a reply (OpenSSH PROTOCOL, section 2.1; RFC 4254,
section 4: a peer that does not know it must answer with a failure, which proves life as well). paramiko's own wait
for the answer has no limit; this one has. A device that never answered one is not condemned for its silence.

Application level: RETURN, only when the last bytes seen were a verified prompt, and then the prompt must come back.
"""

from __future__ import annotations

import threading

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST

from netpulse_drivers.base import Call
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import CommandTimeout, SessionLost, SessionStale
from netpulse_drivers.netmiko.byte_stream import SSHStream
from netpulse_drivers.netmiko.session import NetmikoSession

ANSWER_TIMEOUT = 10.0
"""Seconds that each level waits at most for its answer."""


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
        session.unfit = "the device no longer answers SSH keepalives"
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


def ssh_keepalive(transport: paramiko.Transport, deadline: Deadline) -> bool:
    """Send one keepalive and wait for its answer until the deadline. Starts no thread.

    A rekey that ends meanwhile sets the same event in paramiko; it proves life just as well.
    """
    if not transport.clear_to_send.wait(deadline.remaining(at_most=ANSWER_TIMEOUT)):
        return False  # a rekey that does not end
    answered = threading.Event()
    transport.completion_event = answered
    message = paramiko.Message()
    message.add_byte(cMSG_GLOBAL_REQUEST)
    message.add_string("keepalive@openssh.com")
    message.add_boolean(True)
    # global_request() would wait without a limit
    transport._send_user_message(message)  # type: ignore[attr-defined]  # noqa: SLF001
    return answered.wait(deadline.remaining(at_most=ANSWER_TIMEOUT)) and transport.is_active()
