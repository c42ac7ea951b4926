"""The states that things are in: the words of REST, of events and of the Lua scripts, each enumerated once."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class JobStatus(StrEnum):
    """Where a job stands: RQ's words."""

    QUEUED = "queued"  # in its queue
    STARTED = "started"  # claimed by a worker
    FINISHED = "finished"  # ended well
    FAILED = "failed"  # ended otherwise: the device refused, a worker was lost, the time was over
    STOPPED = "stopped"  # ended on request while it ran
    CANCELED = "canceled"  # ended on request before it ran
    SCHEDULED = "scheduled"  # not due yet: the next attempt of a webhook, a check of a change with a timer

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in FINAL


FINAL = frozenset({JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED})


class Outcome(StrEnum):
    """What is known of an ended job's effect."""

    OK = "ok"  # it did what was asked
    FAILED = "failed"  # it did not, or not all of it; the result says how far it came
    UNKNOWN = "unknown"  # the worker was lost while it ran: the device may have carried it out


class ResultType(IntEnum):
    """RQ's numbers for how a job ended."""

    SUCCESSFUL = 1  # finished
    FAILED = 2  # failed
    STOPPED = 3  # stopped or canceled
    RETRIED = 4  # never written: a job runs once

    @classmethod
    def of(cls, status: JobStatus) -> ResultType:
        """The number of a final status."""
        if status in (JobStatus.STOPPED, JobStatus.CANCELED):
            return cls.STOPPED
        return cls.SUCCESSFUL if status == JobStatus.FINISHED else cls.FAILED


class DeviceState(StrEnum):
    """What serves a device."""

    NONE = "none"  # no worker
    ASSIGNED = "assigned"  # a node has it, its worker starts
    IDLE = "idle"  # its worker waits for jobs
    BUSY = "busy"  # its worker runs one
    PAUSED = "paused"  # its worker waits, its queue is held


class WorkerState(StrEnum):
    """What a worker does."""

    ASSIGNED = "assigned"  # it starts
    IDLE = "idle"  # it waits for jobs
    BUSY = "busy"  # it runs one
    PAUSED = "paused"  # it waits, its device's queue is held


class NodeState(StrEnum):
    """Whether a node can take devices."""

    READY = "ready"  # its lease stands
    DRAINING = "draining"  # it gives back what it has, and takes nothing more
    UNFIT = "unfit"  # it serves what it has, takes nothing more, and says why
    DEAD = "dead"  # its lease has passed; its devices are placed elsewhere


class InteractiveState(StrEnum):
    """Where an interactive session stands."""

    QUEUED = "queued"  # waits for the device's turn
    OPEN = "open"  # granted: the caller leads the dialogue
    ENDED = "ended"  # over; kept for a minute, so that late requests learn why


class CommitStatus(StrEnum):
    """What is known of a change with a timer; see docs/commit-confirm.md."""

    COMMITTING = "committing"  # the job runs
    PENDING = "pending"  # the device waits for a confirmation
    CONFIRMED = "confirmed"  # through the broker
    ROLLED_BACK = "rolled_back"  # through the broker
    EXPIRED = "expired"  # the timer is over and the device has not been asked since; only shown, never stored
    REVERTED = "reverted"  # asked: nothing waits, the configuration is the one from before
    KEPT = "kept"  # asked: nothing waits, the configuration is another one
    UNCLEAR = "unclear"  # asked: nothing waits, what it was before is not known
    UNKNOWN = "unknown"  # worker or session was lost while it committed: a commit may wait
    NONE = "none"  # nothing was committed; never stored nor shown


class HealthStatus(StrEnum):
    """The broker as a whole, as one controller sees it."""

    OK = "ok"  # work is accepted and carried out
    FULL = "full"  # no node has room for another device
    DEGRADED = "degraded"  # no node, one that lost its lease or keeps losing its fork server, or a driver did not load
    LIVELOCKED = "livelocked"  # a node holds its lease and does nothing
    DOWN = "down"  # Redis cannot be used


class EventKind(StrEnum):
    """What an event is about."""

    JOB = "job"  # a job's status
    WORKER = "worker"  # a worker's start, end and sessions
    SESSION = "session"  # an interactive session's state
    DEVICE = "device"  # a queue that is paused or goes on
    LOGIN = "login"  # a credential that is suspended, or reset
