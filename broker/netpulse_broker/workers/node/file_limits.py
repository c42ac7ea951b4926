"""Room for a node's file descriptors: a socket and a pidfd for each worker, and a third one while it is being made."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger(__name__)

PER_WORKER, BESIDES = 3, 128


def make_room(workers: int) -> None:
    """Raise this process's soft limit (getrlimit(2), RLIMIT_NOFILE) so far that so many workers can be watched.

    The usual 1024 are less than what a node for 500 devices takes. Where the hard limit is too low as well, that is
    said, and as much as it allows is taken.
    """
    needed = workers * PER_WORKER + BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        log.error(
            "descriptors_short",
            needed=needed,
            limit=allowed,
            consequence="the node ends when it runs out: raise the hard limit (LimitNOFILE=) or lower the capacity",
        )
