"""The SSH request that proves a connection alive.

``keepalive@openssh.com`` wants a reply (OpenSSH PROTOCOL, section 2.1; RFC 4254, section 4: a peer that does not know
it must answer with a failure, which proves life as well). paramiko's own wait for the answer has no limit; this has.
"""

from __future__ import annotations

import threading

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST

from netpulse_drivers.deadline import Deadline

ANSWER_TIMEOUT = 10.0
"""Seconds that are waited at most for an answer."""


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
