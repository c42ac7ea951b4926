"""The task runner: carries one job's payload out on a driver's session and gives an account of it.

Every exception ends here, once, as the error of the result: what a driver raises of the error tree as it is, anything
else as ``foreign_errors`` says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Protocol

import structlog
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from netpulse_broker.errors import JobStopped
from netpulse_broker.queueing.interactive.options import InteractiveOptions
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.states import JobStatus
from netpulse_broker.telemetry.redaction import Redactor, secret_values
from netpulse_broker.workers.execution import driver_errors
from netpulse_broker.workers.execution.interactive import NEVER_GRANTED, InteractiveJob, InteractiveJobs
from netpulse_broker.workers.execution.job_result import LARGEST_OUTPUT, Account, JobEnd
from netpulse_broker.workers.execution.running_job import RunningJob
from netpulse_broker.workers.execution.session_pool import OpenSession, Sessions
from netpulse_broker.workers.execution.timed_commits import TimedCommits
from netpulse_drivers import (
    BaseDriver,
    Call,
    ChangeRequest,
    ChangeResult,
    CommandRefused,
    CommandTimeout,
    Deadline,
    DeviceMemory,
    DriverError,
    EnsurePolicy,
    InvalidArguments,
    NetPulseError,
    NothingKept,
    OpenArgs,
    Output,
    OutputParser,
    QuestionAnswer,
    SessionStale,
    Site,
    UnsupportedOperation,
)

log = structlog.get_logger(__name__)


class DriverLookup(Protocol):
    """The part of ``DriverRegistry`` that the runner uses."""

    def get(self, name: str) -> type[BaseDriver]:
        """The driver class of that name; raises ``UnknownDriver``."""
        ...


class JobRunner:
    """Runs payloads, one at a time.

    Args:
        drivers: by name.
        sessions: kept ones (pinned worker) or one per job (FIFO).
        parse: parser for ``parsing`` and for drivers; None: a request for parsing fails as unsupported.
        interactive: serves interactive sessions; None: a request for one fails as unsupported.
        site: what the operator decided for this worker's drivers.
        max_output: bytes of a job's outputs together.
        commits: keeps account of changes with a timer; None: nobody does, and none can be confirmed.
        memory: by device, what is kept about it; None: nothing is.
    """

    def __init__(
        self,
        *,
        drivers: DriverLookup,
        sessions: Sessions,
        parse: OutputParser | None = None,
        interactive: InteractiveJobs | None = None,
        commits: TimedCommits | None = None,
        site: Site | None = None,
        max_output: int = LARGEST_OUTPUT,
        memory: Callable[[str], DeviceMemory] | None = None,
    ) -> None:
        self._memory = memory or (lambda _device: NothingKept())
        self._drivers = drivers
        self._sessions = sessions
        self._parse = parse
        self._site = site or Site()
        self._max_output = max_output
        self._interactive = interactive
        self._commits = commits
        self._interactive_job: InteractiveJob | None = None
        self._redaction: tuple[dict[str, Any], Redactor] = ({}, Redactor(()))
        self._operations = {
            "query": self._query,
            "change": self._change,
            "confirm": self._settle,
            "rollback": self._settle,
            "check": self._check,
            "probe": self._probe,
            "lease": self._serve_interactive,
        }

    def run(self, payload: JobPayload, running: RunningJob) -> JobEnd:
        """Carry a job out. Never raises for anything that the driver or the device does."""
        started = time.monotonic()
        redactor = self._redactor(payload)
        account = Account(limit=self._max_output)
        error: NetPulseError | None = None
        try:
            self._carry_out(payload, running, account)
        except NetPulseError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - foreign code may raise anything; it ends as this job's error
            error = driver_errors.defect(raised, running, redactor)
        if error is not None and running.stopped:
            # Whatever the driver said when its call was aborted: the job was stopped.
            error = JobStopped("the job was stopped while it ran")
        elif error is not None and running.expired:
            error = CommandTimeout("the job did not end within its time and its session was closed")
        status = JobStatus.FINISHED
        if error is not None:
            if payload.operation == "change" and account.commit is not None and account.change is None:
                account.commit = TimedCommits.failed(account.commit, error)
            status = JobStatus.STOPPED if running.stopped else JobStatus.FAILED
        return account.end(
            payload.operation, status=status, error=error, duration=time.monotonic() - started, redactor=redactor
        )

    def _redactor(self, payload: JobPayload) -> Redactor:
        """Jobs of one login follow each other."""
        arguments = payload.connection_args
        hidden = {str(one.get("answer", "")) for one in payload.answers if one.get("secret")}
        if hidden:
            return Redactor(secret_values(arguments) | hidden)
        known, redactor = self._redaction
        if known != arguments:
            redactor = Redactor(secret_values(arguments))
            self._redaction = (arguments, redactor)
        return redactor

    def _carry_out(self, payload: JobPayload, running: RunningJob, account: Account) -> None:
        kind = self._drivers.get(payload.driver)
        call = Call(
            deadline=running.deadline,
            args=_operation_args(kind, payload),
            enable=payload.enable,
            answers=_answers(payload),
            before_write=running.before_write,
            parse=self._parse,
            site=self._site,
            memory=self._memory(running.place.device if running.place is not None else ""),
        )
        if payload.operation == "lease" and not self._begin_interactive(kind, payload, running, account):
            return
        opened = self._login(kind, payload, call, running, account)
        try:
            self._operate(opened, payload, running, account)
        except SessionStale:
            if not opened.reused or running.wrote or account.outputs:
                raise
            # A kept session was found dead before anything was written for this job: a reconnect, not an error.
            log.info("session_stale", job=running.id, driver=payload.driver)
            opened = self._login(kind, payload, call, running, account)
            self._operate(opened, payload, running, account)

    def _login(
        self, kind: type[BaseDriver], payload: JobPayload, call: Call, running: RunningJob, account: Account
    ) -> OpenSession:
        running.check_going_on()
        began = time.monotonic()
        try:
            with driver_errors.login_errors():
                opened = self._sessions.open(kind, payload.connection_args, call)
        finally:
            account.spent("connect", time.monotonic() - began)
        account.session_reused = opened.reused
        account.detected = opened.driver.detected
        return opened

    def _operate(self, opened: OpenSession, payload: JobPayload, running: RunningJob, account: Account) -> None:
        """Run the operation and decide what becomes of the session."""
        usable = False
        try:
            operation = self._operations.get(payload.operation)
            if operation is None:
                raise UnsupportedOperation(f"this worker has no operation '{payload.operation}'")
            running.abortable_by(opened.abort)
            with driver_errors.session_errors():
                operation(opened, payload, running, account)
            usable = True
        except DriverError as error:
            usable = error.session_usable
            account.failed_with(_checked(output) for output in error.outputs)
            raise
        finally:
            running.abortable_by(None)
            if usable and not running.aborted:
                self._sessions.give_back(opened)
            else:
                self._sessions.drop(opened)

    # -- operations -------------------------------------------------------------------------------------------------

    def _query(self, opened: OpenSession, payload: JobPayload, running: RunningJob, account: Account) -> None:
        for position, command in enumerate(payload.commands):
            running.check_going_on()
            if running.deadline.passed:
                raise CommandTimeout(f"the job's time was over before '{command}' was sent", session_usable=True)
            began = time.monotonic()
            try:
                value = opened.driver.send(opened.handle, command)
            except DriverError as error:
                if error.device_output and not error.outputs:
                    error.outputs = [Output(command, error.device_output, time.monotonic() - began, failed=True)]
                raise
            finally:
                elapsed = time.monotonic() - began
                account.spent("execute", elapsed)
            output = _checked(value if isinstance(value, Output) else Output(command, value, elapsed))
            if output.failed:
                account.failed_with([output])
                said = output.output if isinstance(output.output, str) else ""
                raise CommandRefused(f"the device refused '{command}'", device_output=said)
            account.completed(output)
            wanted = payload.parsing[position] if isinstance(payload.parsing, list) else payload.parsing
            if wanted is not None:
                wanted = _known_as(opened.driver.detected, wanted)
                account.outputs[-1] = self._parsed(wanted, output, running.deadline, account)

    def _parsed(self, wanted: Any, output: Output, deadline: Deadline, account: Account) -> Output:
        if self._parse is None:
            raise UnsupportedOperation("this worker has no parser: send the request without 'parsing'")
        if not isinstance(output.output, str):
            return output  # structured already
        began = time.monotonic()
        try:
            return replace(output, parsed=_json_ready(self._parse(wanted, output.command, output.output, deadline)))
        finally:
            account.spent("parse", time.monotonic() - began)

    def _change(self, opened: OpenSession, payload: JobPayload, running: RunningJob, account: Account) -> None:
        request = _change_request(payload)
        running.check_going_on()
        began = time.monotonic()
        done: Any
        try:
            if request.revert_in is not None and not request.dry_run and self._commits is not None:
                self._commits.begin(opened, payload, request.revert_in, running, account)
            done = opened.driver.config(opened.handle, request)
        finally:
            account.spent("execute", time.monotonic() - began)
        if not isinstance(done, ChangeResult):  # a plug-in that hands back the device's bare text
            done = ChangeResult(outputs=[Output("", done)], changed=True, applied=request.lines)
        account.changed(replace(done, outputs=[_checked(output) for output in done.outputs]))
        if account.commit is not None:
            account.commit = TimedCommits.committed(account.commit, done)

    def _settle(self, opened: OpenSession, payload: JobPayload, running: RunningJob, account: Account) -> None:
        if self._commits is None:
            raise UnsupportedOperation("confirm and rollback take a pinned worker")
        running.check_going_on()
        began = time.monotonic()
        try:
            done = self._commits.settle(opened, payload, running, account)
        finally:
            account.spent("execute", time.monotonic() - began)
        account.changed(replace(done, outputs=[_checked(output) for output in done.outputs]))

    def _check(self, opened: OpenSession, payload: JobPayload, running: RunningJob, account: Account) -> None:
        if self._commits is None:
            raise UnsupportedOperation("a change with a timer is asked for by a pinned worker")
        running.check_going_on()
        began = time.monotonic()
        try:
            self._commits.check(opened, payload, account)
        finally:
            account.spent("execute", time.monotonic() - began)

    @staticmethod
    def _probe(opened: OpenSession, _payload: JobPayload, running: RunningJob, account: Account) -> None:
        running.check_going_on()
        began = time.monotonic()
        try:
            if opened.reused and not opened.driver.keepalive(opened.handle):
                raise SessionStale("the kept session did not answer")
            info = opened.driver.device_info(opened.handle)
        finally:
            account.spent("execute", time.monotonic() - began)
        account.retval = {
            "success": True,
            "connection_time": round(account.stages["connect"], 6),
            "device_info": _json_ready(info),
        }

    def _begin_interactive(
        self, kind: type[BaseDriver], payload: JobPayload, running: RunningJob, account: Account
    ) -> bool:
        """Whether a session is needed: not for a reset, and not when the caller has left meanwhile."""
        if self._interactive is None:
            raise UnsupportedOperation("interactive sessions take a pinned worker")
        try:
            options = InteractiveOptions.model_validate(payload.driver_args)
        except ValidationError as error:
            raise InvalidArguments("the interactive session does not validate", details=_problems(error)) from None
        if options.reset:
            account.retval = {"closed": self._sessions.discard(kind, payload.connection_args)}
            return False
        self._interactive_job = self._interactive.job(options, running)
        account.retval = {"ended": NEVER_GRANTED, "exchanges": 0}
        return self._interactive_job.wanted()

    def _serve_interactive(
        self, opened: OpenSession, _payload: JobPayload, _running: RunningJob, account: Account
    ) -> None:
        assert self._interactive_job is not None  # noqa: S101  # _begin_interactive came first
        account.retval = self._interactive_job.serve(opened)


# -- arguments ------------------------------------------------------------------------------------------------------


def _operation_args(kind: type[BaseDriver], payload: JobPayload) -> BaseModel:
    if payload.operation not in ("query", "change"):
        return OpenArgs()
    try:
        return kind.validate_operation_args("query" if payload.operation == "query" else "change", payload.driver_args)
    except ValidationError as error:
        raise InvalidArguments("driver_args do not validate", details=_problems(error)) from None


def _known_as(detected: str, parsing: Any) -> Any:
    """With the platform that the login found out, for the collections of templates that go by it."""
    if not detected:
        return parsing
    return {**parsing, "args": {"platform": detected} | dict(parsing.get("args") or {})}


def _answers(payload: JobPayload) -> tuple[QuestionAnswer, ...]:
    try:
        return tuple(QuestionAnswer.model_validate(one) for one in payload.answers)
    except ValidationError as error:
        raise InvalidArguments("the answers do not validate", details=_problems(error)) from None


def _change_request(payload: JobPayload) -> ChangeRequest:
    parts = dict(payload.change or {})
    policy = parts.pop("ensure", None)
    parts.setdefault("enable", payload.enable)
    try:
        ensure = None if policy is None else EnsurePolicy.model_validate(policy)
        return ChangeRequest(lines=list(payload.commands), ensure=ensure, **parts)
    except ValidationError as error:
        raise InvalidArguments("the change does not validate", details=_problems(error)) from None
    except TypeError:
        known = ", ".join(field.name for field in fields(ChangeRequest) if field.name != "lines")
        raise InvalidArguments(f"a change has no other options than {known}") from None


def _problems(error: ValidationError) -> list[dict[str, Any]]:
    return [
        {"loc": ".".join(map(str, problem["loc"])), "msg": problem["msg"]}
        for problem in error.errors(include_input=False, include_url=False)
    ]


# -- what comes back ------------------------------------------------------------------------------------------------


def _checked(output: Output) -> Output:
    """The output with everything in it ready for JSON; a driver may hand back whatever its library made."""
    if isinstance(output.output, str) and output.parsed is None and not output.extra:
        return output
    return replace(
        output, output=_json_ready(output.output), parsed=_json_ready(output.parsed), extra=_json_ready(output.extra)
    )


def _json_ready(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return to_jsonable_python(value, fallback=str, bytes_mode="base64", inf_nan_mode="strings")
