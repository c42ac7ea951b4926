"""The driver contract: how the broker speaks to a kind of device.

A driver is a class. An instance is bound to one device's connection arguments; ``connect()`` returns a *session* (any
object), which the worker keeps and hands back to ``send()``, ``config()``, ``is_alive()``, ``keepalive()`` and
``disconnect()``. The worker calls them from one thread, one at a time, and ``disconnect()`` once per session, as the
last: a driver needs no locks. The one exception is ``abort()``, which another thread may call beside any of them.

The smallest driver::

    from netpulse_drivers import BaseDriver

    class CustomDriver(BaseDriver):
        driver_name = "custom"

        def connect(self):
            return open_my_connection(self.host, self.port, timeout=self.call.deadline.remaining())

        def send(self, session, command):
            return session.ask(command)

        def disconnect(self, session):
            session.close()

Drop it as a package into the plug-in directory with ``__all__ = [CustomDriver]`` (or publish it under the entry point
group ``netpulse.drivers``) and REST can call it as ``"driver": "custom"``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from netpulse_drivers.bounded_regex import PatternText
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.device_memory import DeviceMemory, NothingKept
from netpulse_drivers.errors import InvalidArguments, UnsupportedOperation
from netpulse_drivers.host_name import HostName, OneLine
from netpulse_drivers.login_identity import LoginIdentity, place_of, proof_of, secret_fields
from netpulse_drivers.results import ChangeResult, CommitState, Output
from netpulse_drivers.site import Site

CONTRACT_VERSION = 1
"""Raised when a change to this module would break drivers written against an older one."""

QueueStrategy = Literal["pinned", "fifo"]

Operation = Literal["query", "change", "confirm", "rollback"]
"""What a request asks a driver for."""

Args = TypeVar("Args", bound=BaseModel)


class ConnectionArgs(BaseModel):
    """Connection arguments that every driver understands. Subclass it to add and to check a driver's own.

    Extra keys are kept and handed to the driver (``model_extra``); a driver that knows all its keys sets
    ``extra="forbid"``. Error messages of validation never contain the input.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True, arbitrary_types_allowed=True)

    host: HostName = Field(description="Address or name of the device.")
    port: int | None = Field(default=None, ge=1, le=65535, description="TCP port; None: the protocol's standard one.")
    username: OneLine | None = Field(default=None, description="Login name.")
    password: SecretStr | None = Field(default=None, description="Login password.")


class OperationArgs(BaseModel):
    """driver_args of one operation. Unknown keys are refused so that a misspelt option is not silently ignored."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class OpenArgs(OperationArgs):
    """driver_args of a driver that declares none: anything goes, the driver reads ``self.call.args.model_extra``."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


class EnsurePolicy(BaseModel):
    """How an idempotent change compares the wanted lines with the running configuration (one job on the broker).

    The words and meanings are those of Ansible's ``ios_config``, which network engineers know.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    parents: list[str] = Field(default_factory=list, description="Section the lines stand in, outermost first.")
    before: list[str] = Field(default_factory=list, description="Lines sent first, only if something is missing.")
    after: list[str] = Field(default_factory=list, description="Lines sent last, only if something is missing.")
    match: Literal["line", "strict", "exact", "none"] = "line"
    replace: Literal["line", "block"] = "line"
    save_when: Literal["always", "never", "modified", "changed"] = "never"
    backup: bool = Field(default=False, description="Return the running configuration from before the change.")
    running_config: str | None = Field(
        default=None, description="Compare with this text instead of reading it from the device."
    )
    diff_ignore_lines: list[str] = Field(default_factory=list, description="Regular expressions of lines to leave out.")


class QuestionAnswer(BaseModel):
    """A question that a command may ask, announced with the request, and what is typed then."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    question: PatternText = Field(
        description="Regular expression that is searched in the line on which the device waits for an answer."
    )
    answer: SecretStr = Field(
        default=SecretStr(""), max_length=4096, description="Typed with RETURN behind it; empty: RETURN alone."
    )
    secret: bool = Field(default=False, description="The answer is a secret: it is masked in messages and logs.")
    once: bool | None = Field(
        default=None,
        description="True: answered once in the job; a question that is asked again stays open and fails the job. "
        "Default: as often as it is asked, a secret once for each command.",
    )

    @field_validator("answer")
    @classmethod
    def _one_line(cls, value: SecretStr) -> SecretStr:
        if re.search(r"[\r\n]", value.get_secret_value()):
            raise ValueError("must not hold a line break")
        return value


MOST_ANSWERS = 32
"""Questions that a request may announce."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """A change as the driver receives it; every part that the driver cannot honour must raise UnsupportedOperation.

    Attributes:
        lines: configuration lines in order, without trailing newlines; empty when only ``save``, ``ensure.backup`` or
            ``ensure.save_when`` is wanted.
        ensure: compare with the running configuration first and send only what is missing; None: send all lines.
        dry_run: compute and report, change nothing.
        save: write the running configuration to the start-up configuration afterwards.
        enable: raise privilege first; None: as the driver sees fit.
        message: commit comment where the platform has one.
        revert_in: seconds after which an unconfirmed commit is rolled back.
        replace: the lines are the whole configuration, not an addition to it.
    """

    lines: list[str]
    ensure: EnsurePolicy | None = None
    dry_run: bool = False
    save: bool = False
    enable: bool | None = None
    message: str | None = None
    revert_in: float | None = None
    replace: bool = False


OutputParser = Callable[[Mapping[str, Any], str, str, Deadline], Any]
"""``parse(parsing, command, output, deadline)`` -> structured data.

``parsing`` holds ``engine`` (textfsm, ttp, genie, or an installed one), ``template`` (its text; None: the engine finds
one by the platform and the command) and ``args`` (``platform``, and the engine's own). Raises ``ParseFailed``, when
the deadline passes as well, and ``TemplateRefused``.
"""


def _never() -> None:
    """Default guard: nothing forbids a write."""


@dataclass(slots=True, kw_only=True)
class Call:
    """What the worker tells a driver about the call under way.

    Attributes:
        deadline: when the operation must have ended; a driver gives its blocking calls ``deadline.remaining()``.
        args: the validated driver_args (an instance of ``query_args`` or ``change_args``).
        enable: privileged mode asked for (``enable_mode``); None: as the driver sees fit.
        answers: questions that the commands may ask; only for drivers that ``answers_questions``.
        commit: confirm and rollback: the device's name of the commit that is meant; None: the one that waits.
        pending_only: rollback: only of a commit that waits, never of what was final already.
        before_write: call it immediately before each write to the device. It raises when the worker has lost the right
            to this device or the job was stopped; let that exception pass.
        parse: makes data of outputs, in a process that knows no secret and can open nothing. A request's template is a
            program: a driver never interprets one itself, nor opens a file that a request names. None: there is no
            parser here.
        site: what the operator decided for this worker: files that requests may name.
        memory: what is kept about the device from one login to the next.
    """

    deadline: Deadline = field(default_factory=Deadline.never)
    args: BaseModel = field(default_factory=OpenArgs)
    enable: bool | None = None
    answers: tuple[QuestionAnswer, ...] = ()
    commit: str | None = None
    pending_only: bool = False
    before_write: Callable[[], None] = _never
    parse: OutputParser | None = None
    site: Site = field(default_factory=Site)
    memory: DeviceMemory = field(default_factory=NothingKept)


class BaseDriver(ABC):
    """Base class of all drivers. Only ``connect``, ``send`` and ``disconnect`` must be written.

    Class attributes:
        driver_name: the name in requests; lower case, unique.
        connection_args_model, query_args, change_args: pydantic models the controller validates requests with.
        query_strategy: where queries run unless the request says otherwise. Changes always keep the device's order.
        keeps_session: whether a session may outlive a job (pinned workers keep it).
        answers_questions: whether it types ``call.answers`` when the device asks.
        session_irrelevant_args: connection arguments whose change is no reason for a new session.
        login_irrelevant_args: secret connection arguments that no login shows, such as the enable secret.

    Attributes:
        args: the validated connection arguments.
        call: the call under way (deadline, driver_args, write guard).
        detected: platform that the login has found out; '' where the request named it.
    """

    driver_name: ClassVar[str]
    connection_args_model: ClassVar[type[ConnectionArgs]] = ConnectionArgs
    query_args: ClassVar[type[BaseModel]] = OpenArgs
    change_args: ClassVar[type[BaseModel]] = OpenArgs
    query_strategy: ClassVar[QueueStrategy] = "pinned"
    keeps_session: ClassVar[bool] = True
    answers_questions: ClassVar[bool] = False
    session_irrelevant_args: ClassVar[frozenset[str]] = frozenset({"keepalive", "read_timeout"})
    login_irrelevant_args: ClassVar[frozenset[str]] = frozenset({"secret", "enable_password"})

    def __init__(self, connection_args: ConnectionArgs) -> None:
        self.args = connection_args
        self.call = Call()
        self.detected = ""

    # -- validation, on the controller ------------------------------------------------------------------------------

    @classmethod
    def validate_connection_args(cls, values: Mapping[str, Any]) -> ConnectionArgs:
        """Check connection arguments.

        Raises:
            pydantic.ValidationError: with one entry per wrong field; it never holds the input's values.
        """
        return cls.connection_args_model.model_validate(dict(values))

    @classmethod
    def preload(cls, platform_dirs: Sequence[Path] = ()) -> None:
        """Read what sessions will need, before workers are forked and before the first request.

        Called once in a process that imports all drivers. What is read later may be another release's: the files of a
        running broker are replaced when it is upgraded.

        Args:
            platform_dirs: directories with an operator's own data files of platforms.

        Raises:
            Exception: what could not be read; the driver is used all the same, and the owner reports it.
        """

    @classmethod
    def validate_operation_args(cls, operation: Literal["query", "change"], values: Mapping[str, Any]) -> BaseModel:
        """Check driver_args of an operation.

        Raises:
            pydantic.ValidationError: as above.
        """
        model = cls.query_args if operation == "query" else cls.change_args
        return model.model_validate(dict(values))

    @classmethod
    def validate_request(cls, commands: list[str], args: BaseModel) -> None:
        """Check what needs more than one field (e.g. a getter's name and its arguments).

        Raises:
            InvalidArguments: saying what to change.
        """

    @classmethod
    def check_operation(
        cls,
        operation: Operation,
        connection_args: ConnectionArgs,  # noqa: ARG003 - for drivers that know platforms
        change: ChangeRequest | None = None,  # noqa: ARG003 - likewise
        args: BaseModel | None = None,  # noqa: ARG003 - likewise
    ) -> None:
        """Refuse, before a job is made, an operation or a part of a change that this driver does not have.

        A driver that knows platforms refuses here what a platform lacks, and calls this one for the rest.

        Args:
            operation: what is asked for; not called for queries, which ``validate_request`` is for.
            connection_args: validated; they name the platform.
            change: with operation ``change``.
            args: the validated driver_args.

        Raises:
            UnsupportedOperation
        """
        if operation == "confirm" and cls.confirm is BaseDriver.confirm:
            raise UnsupportedOperation(f"driver '{cls.driver_name}' has no commit that could be confirmed")
        if operation == "rollback" and cls.rollback is BaseDriver.rollback:
            raise UnsupportedOperation(f"driver '{cls.driver_name}' has no rollback")

    @classmethod
    def from_request(cls, connection_args: Mapping[str, Any]) -> BaseDriver:
        """An instance for a device, on the worker.

        Raises:
            InvalidArguments: if the arguments do not validate.
        """
        try:
            return cls(cls.validate_connection_args(connection_args))
        except ValidationError as error:
            problems = [
                {"loc": ".".join(map(str, problem["loc"])), "msg": problem["msg"]}
                for problem in error.errors(include_input=False, include_url=False)
            ]
            raise InvalidArguments("connection_args do not validate", details=problems) from None

    @property
    def host(self) -> str:
        return self.args.host

    @property
    def port(self) -> int | None:
        return self.args.port

    def logins(self) -> tuple[LoginIdentity, ...]:
        """The logins that ``connect`` makes, in their order: those to jump hosts, then the device's.

        The worker asks before ``connect`` whether each of them may be tried, so that a refused credential is not tried
        again and again.

        Raises:
            InvalidArguments: a login has no credential.
        """
        shown = {"username": self.args.username} | secret_fields(self.args)
        proof = proof_of({name: shown[name] for name in shown.keys() - self.login_irrelevant_args})
        return (LoginIdentity(place=place_of(self.host, self.port), proof=proof),)

    # -- work, on a worker ------------------------------------------------------------------------------------------

    @abstractmethod
    def connect(self) -> Any:
        """Log in and return a session, ready for ``send``.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, PromptNotFound.
        """

    @abstractmethod
    def send(self, session: Any, command: str) -> Output | str | dict[str, Any] | list[Any]:
        """Run one query and return its output (a bare value is wrapped into an Output).

        Raises:
            CommandRefused, CommandTimeout, SessionLost, SessionStale, PrivilegeRefused.
        """

    @abstractmethod
    def disconnect(self, session: Any) -> None:
        """Close the session; must not raise for one that is dead or was aborted, and must not block for long.

        Called once per session, by the thread that calls the other methods, after everything else.
        """

    def abort(self, session: Any) -> None:
        """Make a call that is under way on the session return soon, whatever it waits for.

        Called by another thread, at most once per session and before ``disconnect``, when the job was stopped or has
        passed its deadline. It may run beside any other method, and also when none is running any more. Do nothing but
        cut the connection (``cut_connection``): no waiting, no lock that another method holds while it waits, no
        closing, nothing written. What the interrupted call raises is replaced by the reason of the abort. Nothing but
        ``disconnect`` is called on the session afterwards.

        This one cuts nothing, so the worker waits: the next ``before_write`` raises, and the deadline counts. A call
        that has not returned 20 seconds after a stop (or after the deadline) is ended together with the worker's
        process; the job fails as ``worker_lost``, its outcome unknown.
        """

    def config(self, session: Any, change: ChangeRequest) -> ChangeResult:
        """Apply a change.

        Raises:
            UnsupportedOperation: this driver changes nothing (the default).
            CommandRefused: at the first line the device refuses; its ``outputs`` hold what had been applied.
        """
        raise UnsupportedOperation(f"driver '{self.driver_name}' has no configuration operation")

    def confirm(self, session: Any) -> ChangeResult:
        """Keep a change that was committed with ``revert_in`` and would be rolled back when its time is over.

        ``self.call.commit`` names the one that is meant. Ask the device what waits: another worker may have made it.

        Raises:
            UnsupportedOperation: this driver or platform has no commit with a timer (the default).
            NothingPending: nothing waits for a confirmation; nothing was done.
            CommandRefused: several wait and none was named, or one that this driver did not make.
        """
        raise UnsupportedOperation(f"driver '{self.driver_name}' has no commit that could be confirmed")

    def rollback(self, session: Any) -> ChangeResult:
        """Take the last change back: one that waits for its confirmation, else what the platform calls rollback.

        ``self.call.commit`` names the one that is meant; with ``self.call.pending_only`` nothing else is rolled back.

        Raises:
            UnsupportedOperation: this driver or platform cannot (the default).
            NothingPending: nothing waits, and nothing else could or should be rolled back; nothing was done.
            CommandRefused: several wait and none was named, or one that this driver did not make.
        """
        raise UnsupportedOperation(f"driver '{self.driver_name}' has no rollback")

    def commit_state(self, session: Any) -> CommitState:
        """What waits on the device, and a fingerprint of its running configuration. Changes nothing.

        Raises:
            UnsupportedOperation: this driver or platform has no commit with a timer (the default).
        """
        raise UnsupportedOperation(f"driver '{self.driver_name}' cannot tell what waits for a confirmation")

    def end_job(self, session: Any) -> bool:
        """The job is over: bring the session back to where the login left it. False: close it, it is elsewhere.

        Called once after each job and each interactive session whose session could be kept; ``self.call`` is still the
        job's. Must not raise for anything that the device does.
        """
        return True

    def is_alive(self, session: Any) -> bool:
        """Whether the session can still be used, from what is known locally, without writing. Must not block."""
        return True

    def keepalive(self, session: Any) -> bool:
        """Prove an idle session alive by a round trip that types nothing harmful. False: the session is dead.

        ``self.call.deadline`` bounds the wait. Called only between operations.
        """
        return self.is_alive(session)

    def keepalive_interval(self) -> float:
        """Seconds of idleness after which ``keepalive`` is due; 0 turns it off."""
        declared = getattr(self.args, "keepalive", None)
        return float((self.args.model_extra or {}).get("keepalive", 60.0) if declared is None else declared)

    def operation_args(self, model: type[Args]) -> Args:
        """The driver_args of the call under way as an instance of ``model``.

        Raises:
            pydantic.ValidationError: the call was made with others (not by a worker: those have been checked).
        """
        given = self.call.args
        return given if isinstance(given, model) else model.model_validate(given.model_dump())

    def device_info(self, session: Any) -> dict[str, Any]:
        """Facts that a connection test returns (prompt, platform, ...). JSON-ready, without secrets."""
        return {}
