"""The lifeline: a named pipe whose write ends keep the private server alive.

The supervisor, every role and every worker process hold a write end; nobody ever writes. The keeper polls the read end:
the kernel reports a hang-up when the last write end is closed, however the processes that held them ended. So the
server outlives a killed supervisor for exactly as long as a worker still has a job to finish, and not longer.

A process that starts others passes the descriptor on (``subprocess``: ``pass_fds``; ``fork``: leave it open) together
with ``NETPULSE_LIFELINE_FD``, which names it.
"""

from __future__ import annotations

import os

LIFELINE_VARIABLE = "NETPULSE_LIFELINE_FD"


def inherited_lifeline() -> int | None:
    """The write end that this process has inherited, or None when no private server depends on it.

    Raises ValueError: the variable is set and names no open pipe, so the server might vanish under a running job.
    """
    text = os.environ.get(LIFELINE_VARIABLE)
    if text is None:
        return None
    try:
        descriptor = int(text)
        os.fstat(descriptor)
    except (ValueError, OSError) as error:
        raise ValueError(f"{LIFELINE_VARIABLE}={text!r} names no open descriptor") from error
    return descriptor
