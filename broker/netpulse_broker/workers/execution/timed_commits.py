"""Changes with a timer, on the worker: put on record before they are sent, confirmed, taken back, asked for.

What is said about a commit is what the device answered. The record only helps to find the commit that is meant, and to
tell by the configuration from before what became of one that does not wait any more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import redis

from netpulse_broker.errors import QueueUnavailable
from netpulse_broker.queueing.jobs.commit_ledger import OPEN, CommitLedger, CommitRecord
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.states import CommitStatus
from netpulse_broker.workers.execution.job_result import Account
from netpulse_broker.workers.execution.running_job import RunningJob
from netpulse_broker.workers.execution.session_pool import OpenSession
from netpulse_drivers import (
    ChangeResult,
    CommandRefused,
    DriverError,
    NetPulseError,
    NothingPending,
    SessionStale,
    UnsupportedOperation,
)

_MORE_PATIENCE = 60.0
"""Seconds more for a device that still waits when its time should be over."""

_NOT_AS_BEFORE = "taken back, but the running configuration is not the one from before: something else has changed too"
_NOT_TOLD = (
    "a commit was sent and the change is in force; this platform does not say whether its timer still runs, so the "
    "device is asked after it"
)

_LATER = "whether that took effect is found when the device is asked after the timer"


class TimedCommits:
    """What a worker does about the timed commits of its device."""

    def __init__(self, ledger: CommitLedger) -> None:
        self._ledger = ledger

    # -- a change ---------------------------------------------------------------------------------------------------

    def begin(
        self, opened: OpenSession, payload: JobPayload, revert_in: float, running: RunningJob, account: Account
    ) -> None:
        """See that nothing waits, and put on record that this job is about to commit.

        Raises:
            CommandRefused: a commit waits already.
            QueueUnavailable: it could not be put on record; nothing was changed.
        """
        if running.place is None:
            return
        before = ""
        try:
            state = opened.driver.commit_state(opened.handle)
        except UnsupportedOperation:
            pass  # a plug-in that cannot be asked: what becomes of its commit cannot be told by comparing
        else:
            before = state.fingerprint
            pending = self._by_the_records() if state.pending is None else state.pending
            if pending:
                raise CommandRefused(_waits_already(pending, self._records()))
        try:
            account.commit = self._ledger.begin(running.place, payload, revert_in=revert_in, before=before)
        except redis.RedisError as error:
            raise QueueUnavailable(
                f"Redis cannot be reached ({type(error).__name__}), and without a record no timer is started: nothing "
                "was changed; try again"
            ) from None

    @staticmethod
    def committed(record: CommitRecord, done: ChangeResult) -> CommitRecord:
        """The record after a change that went well."""
        waiting = done.pending
        if waiting is None:
            return replace(record, state=CommitStatus.NONE)
        return replace(
            record,
            state=CommitStatus.PENDING,
            name=waiting.name,
            revert_in=waiting.seconds,
            committed_at=waiting.since,
            until=waiting.since + waiting.seconds,
            latest=time.time() + waiting.seconds,
        )

    @staticmethod
    def failed(record: CommitRecord, error: NetPulseError) -> CommitRecord:
        """The record after a change that failed: with a session that is still good, the device has told that it did
        not commit."""
        harmless = isinstance(error, DriverError) and (error.session_usable or isinstance(error, SessionStale))
        if harmless:
            return replace(record, state=CommitStatus.NONE)
        return replace(record, state=CommitStatus.UNKNOWN, latest=time.time() + record.revert_in)

    def _by_the_records(self) -> list[str]:
        """What should wait on a platform that does not tell."""
        return [record.name for record in self._records() if record.shown()["state"] == CommitStatus.PENDING]

    # -- confirm, rollback --------------------------------------------------------------------------------------------

    def settle(self, opened: OpenSession, payload: JobPayload, running: RunningJob, account: Account) -> ChangeResult:
        """Confirm a commit, or take it back.

        Raises:
            NothingPending: none waits; the message says what became of the one on record.
            CommandRefused: it is not clear which one is meant.
            QueueUnavailable: the records could not be read; nothing was sent.
        """
        records = self._records()
        wanted = payload.driver_args.get("job")
        record = _meant(records, wanted)
        driver, call = opened.driver, opened.driver.call
        call.commit = record.name or None if record is not None and wanted is not None else None
        call.pending_only = record is not None
        account.commit = record
        confirming = payload.operation == "confirm"
        try:
            done = driver.confirm(opened.handle) if confirming else driver.rollback(opened.handle)
        except NothingPending as error:
            if record is None:
                raise
            account.commit = self._explained(opened, record, error)
            raise
        except CommandRefused as error:
            _name_jobs(error, records)
            raise
        except Exception as error:
            if record is not None and not (isinstance(error, DriverError) and error.session_usable):
                doing = "confirming it" if confirming else "taking it back"
                account.commit = replace(
                    record, said=f"job {running.id} was {doing} when its session was lost; {_LATER}"
                )
            raise
        if record is not None and wanted is None and done.settled:
            record = next((one for one in records if one.name == done.settled), record)
        if record is None:
            return done
        record = replace(record, settled_by=running.id, settled_at=time.time(), checked=done.certain, said="")
        account.commit = replace(record, state=CommitStatus.CONFIRMED if confirming else CommitStatus.ROLLED_BACK)
        account.commit = self._verified(opened, account.commit)
        if account.commit.state in (CommitStatus.REVERTED, CommitStatus.PENDING):
            why = (
                "the device has gone back"
                if account.commit.state == CommitStatus.REVERTED
                else "the device still waits"
            )
            raise CommandRefused(
                f"the confirmation did not hold: {why} (the commit of job {record.job})",
                details=[{"job": record.job, "state": account.commit.state}],
                outputs=done.outputs,
            )
        return done

    def _verified(self, opened: OpenSession, record: CommitRecord) -> CommitRecord:
        """The record after a look at the device: a timer may end between the question and the confirmation."""
        if not record.before:
            return record
        try:
            state = opened.driver.commit_state(opened.handle)
        except DriverError as trouble:
            said = f"sent, but the device could not be asked whether it holds: {trouble.message}"
            return replace(record, checked=False, said=said)
        back = state.fingerprint == record.before
        record = replace(record, asked_at=time.time())
        if record.state == CommitStatus.ROLLED_BACK:
            return record if back else replace(record, said=_NOT_AS_BEFORE)
        if state.pending is not None and record.name in state.pending:
            return replace(record, state=CommitStatus.PENDING, settled_by="", settled_at=0.0)
        if back:
            return replace(record, state=CommitStatus.REVERTED, settled_by="", settled_at=0.0, checked=True)
        return record if record.checked else replace(record, said=_NOT_TOLD)

    def _explained(self, opened: OpenSession, record: CommitRecord, error: NothingPending) -> CommitRecord:
        """The record as the device has it; the error says so."""
        try:
            record = _found(opened, record)
        except DriverError as trouble:
            error.message += (
                f"; what became of the commit of job {record.job} could not be found out: {trouble.message}"
            )
            error.session_usable = trouble.session_usable
            return record
        shown = record.shown()
        error.message = (
            f"{error.message.partition(':')[0]}; the commit of job {record.job} has ended as '{shown['state']}': "
            f"{shown['message']}"
        )
        error.details = [*error.details, {"job": record.job, "state": shown["state"]}]
        return record

    # -- check --------------------------------------------------------------------------------------------------------

    def check(self, opened: OpenSession, payload: JobPayload, account: Account) -> None:
        """Ask the device what became of a commit; the record has it then."""
        record = next((one for one in self._records() if one.job == payload.driver_args.get("job")), None)
        if record is None or record.done:
            account.retval = {"state": "settled" if record is None else record.state}
            return
        account.commit = _found(opened, record)
        account.retval = {"state": account.commit.state}

    def _records(self) -> list[CommitRecord]:
        try:
            return self._ledger.all()
        except redis.RedisError as error:
            raise QueueUnavailable(
                f"Redis cannot be reached ({type(error).__name__}), so it is not known what is on record: nothing was "
                "sent; try again"
            ) from None


def _meant(records: Sequence[CommitRecord], job: str | None) -> CommitRecord | None:
    """The record that a request means: of the job that it names, else the newest that may wait."""
    waiting = [record for record in records if record.state in OPEN]
    if job is None:
        return waiting[0] if waiting else None
    record = next((one for one in records if one.job == job), None)
    if record is None:
        raise NothingPending(
            f"no change with a timer by job {job} is on record for this device; GET /device/NAME lists them"
        )
    if record.state not in OPEN:
        shown = record.shown()
        by = f" by job {record.settled_by}" if record.settled_by else ""
        raise NothingPending(
            f"the commit of job {job} has ended as '{record.state}'{by}: {shown['message']}",
            details=[{"job": job, "state": record.state}],
        )
    if not record.name and waiting[0] is not record and waiting[0].driver == record.driver:
        raise CommandRefused(
            f"job {waiting[0].job} has committed with a timer since, and this platform keeps one at a time"
        )
    return record


def _found(opened: OpenSession, record: CommitRecord) -> CommitRecord:
    """The record by what the device says now."""
    state = opened.driver.commit_state(opened.handle)
    record = replace(record, asked_at=time.time(), said="")
    waits = state.pending is not None and (record.name in state.pending if record.name else bool(state.pending))
    if waits:
        said = "the device was asked: it still waited for a confirmation"
        return replace(record, state=CommitStatus.PENDING, latest=time.time() + _MORE_PATIENCE, said=said)
    if record.before and state.fingerprint == record.before:
        return replace(record, state=CommitStatus.REVERTED, checked=True)
    if record.state == CommitStatus.CONFIRMED:
        return replace(record, checked=True, said="confirmed, and the device was asked: its configuration has stayed")
    return replace(record, state=CommitStatus.KEPT if record.before else CommitStatus.UNCLEAR, checked=True)


def _waits_already(names: Sequence[str], records: Sequence[CommitRecord]) -> str:
    name = names[0]
    job = next((one.job for one in records if one.state in OPEN and one.name == name), None)
    which = f" {name}" if name else ""
    by = f" (of job {job})" if job is not None else ""
    return (
        f"a commit{which}{by} waits for its confirmation already: confirm it or take it back first; nothing was changed"
    )


def _name_jobs(error: CommandRefused, records: Sequence[CommitRecord]) -> None:
    """Where the driver names commits, say which jobs made them."""
    jobs = {record.name: record.job for record in records if record.name}
    error.details = [
        detail | {"job": jobs[detail["commit"]]} if detail.get("commit") in jobs else detail for detail in error.details
    ]
    named = [f"{detail['commit']} of job {detail['job']}" for detail in error.details if "job" in detail]
    if named:
        error.message += f": {', '.join(named)}"
