"""From a request to what the queue takes: options merged, the driver's arguments checked, the device named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from netpulse_broker.api.auth import Principal
from netpulse_broker.api.error_responses import from_validation, invalid
from netpulse_broker.api.ports import Drivers
from netpulse_broker.api.requests.connections import CheckedConnections, Destination
from netpulse_broker.api.requests.options import (
    agreed,
    refuse_change_options,
    strategy,
    without,
    without_enable,
)
from netpulse_broker.api.requests.templates import NOTHING, Prepared
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import BadRequest
from netpulse_broker.models.device import BulkRequest, CommitRequest, ExecuteRequest, TestConnectionRequest
from netpulse_broker.models.options import JobOptions, TurnOptions
from netpulse_broker.models.text_lines import Commands, ConfigLines, first_with_line_break
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.settings import JobSettings, WebhookSettings
from netpulse_broker.webhooks.submission import RequestedWebhook
from netpulse_drivers import (
    BaseDriver,
    ChangeRequest,
    EnsurePolicy,
    NetPulseError,
    QuestionAnswer,
    UnsupportedOperation,
)

_COMMANDS: TypeAdapter[list[str] | dict[str, Any]] = TypeAdapter(Commands)
_CONFIG: TypeAdapter[list[str] | dict[str, Any]] = TypeAdapter(ConfigLines)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedDevice:
    """A device of a bulk request that no job can be made for."""

    host: str | None
    error: NetPulseError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What one device is to do, before the driver has seen it."""

    driver: str
    connection_args: dict[str, Any]
    device: str | None
    command: list[str] | None
    config: list[str] | None
    driver_args: dict[str, Any]
    idempotency_key: str | None
    parsing: dict[str, Any] | list[dict[str, Any] | None] | None = None


class JobFactory:
    """Makes submissions of requests.

    Args:
        drivers: by name.
        jobs: time limits where a request names none.
        webhooks: who may be called.
    """

    def __init__(self, *, drivers: Drivers, jobs: JobSettings, webhooks: WebhookSettings) -> None:
        self._drivers = drivers
        self._jobs = jobs
        self._webhooks = webhooks
        self._connections = CheckedConnections()
        self._without_args: dict[tuple[type[BaseDriver], str], BaseModel] = {}

    def execute(
        self, request: ExecuteRequest, options: JobOptions, principal: Principal, prepared: Prepared = NOTHING
    ) -> JobSubmission:
        """The job of an execute request.

        Args:
            options: the request's, merged.
            prepared: what came of its templates.

        Raises:
            BadRequest, InvalidRequest, UnknownDriver, InvalidArguments, UnsupportedOperation
        """
        command, config = _lines(request.command, request.config, prepared.rendered(0))
        work = _Work(
            driver=request.driver,
            connection_args=request.connection_args,
            device=request.device,
            command=command,
            config=config,
            driver_args=request.driver_args,
            idempotency_key=options.idempotency_key,
            parsing=prepared.parsing,
        )
        return self._submission(work, options, principal, ttl=self._jobs.ttl)

    def bulk(
        self, request: BulkRequest, options: JobOptions, principal: Principal, prepared: Prepared = NOTHING
    ) -> list[JobSubmission | RefusedDevice]:
        """One job or refusal per device, in the order of ``devices``. ``options`` are the request's, merged.

        Raises:
            BadRequest, InvalidRequest, UnknownDriver, UnsupportedOperation: what is wrong for every device.
        """
        self._drivers.get(request.driver)
        self._webhook(options)
        if request.command is not None and request.config is not None:
            raise _both()
        made: list[JobSubmission | RefusedDevice] = []
        for index, entry in enumerate(request.devices):
            try:
                work = _device_work(request, entry, index, options, prepared)
                made.append(self._submission(work, options, principal, ttl=self._jobs.bulk_ttl))
            except NetPulseError as error:
                host = entry.get("host", request.connection_args.get("host"))
                made.append(RefusedDevice(host=host if isinstance(host, str) else None, error=error))
        return made

    def connection_test(self, request: TestConnectionRequest, principal: Principal) -> JobSubmission:
        """The probe of a connection test.

        Raises:
            InvalidRequest, UnknownDriver
        """
        kind = self._drivers.get(request.driver)
        connection_args, enable = without_enable(
            request.connection_args, kind.connection_args_model, prefix="connection_args"
        )
        checked = self._connections.check(kind, connection_args, named=request.device is not None)
        return JobSubmission(
            payload=JobPayload(
                operation="probe",
                driver=request.driver,
                connection_args=connection_args,
                enable=enable,
                timeout=request.timeout,
            ),
            device=checked.device(request.device),
            host=checked.host,
            owner=principal.key_id,
            strategy=request.queue_strategy,
            ttl=max(int(request.timeout), 1),
            result_ttl=self._jobs.result_ttl,
            priority="interactive",
            idempotent=True,
        )

    def confirm_or_rollback(
        self,
        operation: Literal["confirm", "rollback"],
        request: CommitRequest,
        options: TurnOptions,
        principal: Principal,
    ) -> JobSubmission:
        """The job that confirms a change with a timer or takes it back. ``options`` are the request's, merged.

        Raises:
            BadRequest, InvalidRequest, UnknownDriver, UnsupportedOperation
        """
        kind = self._drivers.get(request.driver)
        connection_args, _ = without_enable(
            request.connection_args, kind.connection_args_model, prefix="connection_args"
        )
        valid, checked = self._connections.validate(kind, connection_args, named=request.device is not None)
        kind.check_operation(operation, valid)
        return JobSubmission(
            payload=JobPayload(
                operation=operation,
                driver=request.driver,
                connection_args=connection_args,
                driver_args={} if request.job is None else {"job": request.job},
                timeout=self._timeout(options),
            ),
            device=checked.device(request.device),
            host=checked.host,
            owner=principal.key_id,
            ttl=options.ttl or self._jobs.ttl,
            result_ttl=options.result_ttl or self._jobs.result_ttl,
            priority=options.priority or "normal",
            idempotency_key=options.idempotency_key,
            webhook=self._webhook(options),
        )

    def connection(
        self, kind: type[BaseDriver], connection_args: dict[str, Any], *, named: bool
    ) -> tuple[dict[str, Any], Destination]:
        """Connection arguments of an interactive session: as they go to the worker, and where they lead to.

        Args:
            named: the request names the device.

        Raises:
            InvalidRequest, BadRequest
        """
        arguments, _ = without_enable(connection_args, kind.connection_args_model, prefix="connection_args")
        return arguments, self._connections.check(kind, arguments, named=named)

    def _submission(self, work: _Work, options: JobOptions, principal: Principal, *, ttl: int) -> JobSubmission:
        operation: Literal["query", "change"] = "query" if work.command is not None else "change"
        lines = work.command if work.command is not None else work.config
        if lines is None:
            raise BadRequest("nothing to do: give command (a query) or config (a change)")
        if work.command is not None and work.config is not None:
            raise _both()
        if operation == "query":
            refuse_change_options(options)
            if options.max_age is not None and options.webhook is not None:
                raise BadRequest("max_age and webhook exclude each other: a shared job has its first caller's webhook")
        elif options.max_age is not None:
            raise BadRequest("max_age is only valid with command (a query), not with config")
        elif work.parsing is not None:
            raise BadRequest("parsing is only valid with command (a query), not with config")

        kind = self._drivers.get(work.driver)
        if options.answers and not kind.answers_questions:
            raise UnsupportedOperation(f"driver '{work.driver}' cannot answer questions (answers)")
        connection_args, enable = without_enable(
            work.connection_args, kind.connection_args_model, prefix="connection_args"
        )
        arguments = kind.query_args if operation == "query" else kind.change_args
        driver_args, asked = without_enable(work.driver_args, arguments, prefix="driver_args")
        enable = agreed("enable_mode", options.enable_mode, enable, asked)
        change = None
        if operation == "change":
            driver_args, save = without("save", driver_args, arguments, prefix="driver_args")
            change = _change(options, lines, work.driver_args, save=bool(agreed("save", options.save, save)))
        named = work.device is not None
        if change is None:
            checked = self._connections.check(kind, connection_args, named=named)
        else:
            valid, checked = self._connections.validate(kind, connection_args, named=named)
        checked_args = self._operation_args(kind, operation, driver_args)
        kind.validate_request(lines, checked_args)
        if change is not None:
            kind.check_operation(operation, valid, _as_request(change, lines, options, checked_args), checked_args)

        return JobSubmission(
            payload=JobPayload(
                operation=operation,
                driver=work.driver,
                connection_args=connection_args,
                commands=lines,
                driver_args=driver_args,
                change=change,
                enable=enable,
                answers=[_in_clear(one) for one in options.answers or []],
                parsing=_parsing(work.parsing, lines, work.connection_args),
                timeout=self._timeout(options),
            ),
            device=checked.device(work.device),
            host=checked.host,
            owner=principal.key_id,
            strategy=strategy(options, kind, operation),
            ttl=options.ttl or ttl,
            result_ttl=options.result_ttl or self._jobs.result_ttl,
            priority=options.priority or "normal",
            idempotent=bool(options.idempotent),
            max_age=options.max_age,
            idempotency_key=work.idempotency_key,
            webhook=self._webhook(options),
        )

    def _operation_args(
        self, kind: type[BaseDriver], operation: Literal["query", "change"], driver_args: dict[str, Any]
    ) -> BaseModel:
        """Checked; what a driver makes of no arguments at all is asked for once."""
        known = self._without_args.get((kind, operation)) if not driver_args else None
        if known is not None:
            return known
        try:
            checked = kind.validate_operation_args(operation, driver_args)
        except ValidationError as error:
            raise from_validation(error, prefix="driver_args") from None
        if not driver_args:
            self._without_args[kind, operation] = checked
        return checked

    def _webhook(self, options: TurnOptions) -> RequestedWebhook | None:
        return None if options.webhook is None else RequestedWebhook(options.webhook, self._webhooks)

    def _timeout(self, options: TurnOptions) -> float:
        if options.timeout is None:
            return self._jobs.timeout
        if options.timeout > self._jobs.max_timeout:
            message = f"at most {self._jobs.max_timeout:g} seconds (setting jobs.max_timeout)"
            raise invalid([{"loc": "options.timeout", "msg": message, "type": "less_than_equal"}])
        return options.timeout


def _lines(
    command: list[str] | dict[str, Any] | None, config: list[str] | dict[str, Any] | None, rendered: list[str] | None
) -> tuple[list[str] | None, list[str] | None]:
    """Commands and configuration as lines: what was rendered stands for what was given."""
    if command is not None and config is not None:
        raise _both()
    if rendered is not None:
        if command is not None and not rendered:
            raise BadRequest("rendering: the template made no command")
        return (rendered, None) if command is not None else (None, rendered)
    for name, given in (("command", command), ("config", config)):
        if isinstance(given, dict):
            raise BadRequest(f"{name} is an object, which needs options.rendering; give a string or a list of strings")
    if isinstance(command, list):
        place = first_with_line_break(command)
        if place is not None:
            # A device takes the second line for a command of its own, whatever was said about the first.
            message = "must not hold a line break: give several commands as a list"
            raise invalid([{"loc": f"command.{place}", "msg": message, "type": "line_break"}])
    return command, config  # type: ignore[return-value]  # no object is left


def _in_clear(answer: QuestionAnswer) -> dict[str, Any]:
    return answer.model_dump(exclude_none=True) | {"answer": answer.answer.get_secret_value()}


def _both() -> BadRequest:
    return BadRequest("command and config exclude each other: a job is either a query or a change")


def _device_work(
    request: BulkRequest, entry: Mapping[str, Any], index: int, options: JobOptions, prepared: Prepared
) -> _Work:
    """A device's share of a bulk request: its own command or config replaces the common one."""
    own = dict(entry)
    device = own.pop("device", None)
    if device is not None and not isinstance(device, str):
        raise invalid([{"loc": f"devices.{index}.device", "msg": "must be a string", "type": "string_type"}])
    own_command, own_config = own.pop("command", None), own.pop("config", None)
    command, config = request.command, request.config
    try:
        if own_command is not None or own_config is not None:
            command = None if own_command is None else _COMMANDS.validate_python(own_command)
            config = None if own_config is None else _CONFIG.validate_python(own_config)
    except ValidationError as error:
        where = "command" if own_command is not None and command is request.command else "config"
        raise from_validation(error, prefix=f"devices.{index}.{where}") from None
    key = options.idempotency_key
    commands, lines = _lines(command, config, prepared.rendered(index))
    return _Work(
        driver=request.driver,
        connection_args={**request.connection_args, **own},
        device=device,
        command=commands,
        config=lines,
        driver_args=request.driver_args,
        idempotency_key=None if key is None else f"{key}/{index}",
        parsing=prepared.parsing,
    )


def _change(options: JobOptions, lines: list[str], driver_args: Mapping[str, Any], *, save: bool) -> dict[str, Any]:
    """The parts of a ChangeRequest besides its lines and the privilege."""
    asked = driver_args.get("replace")
    if options.replace is not None and isinstance(asked, bool) and asked is not options.replace:
        raise BadRequest("replace stands in driver_args and in the options with different values; give it once")
    policy = options.ensure
    # A whole configuration without a line is never meant, whatever else is asked for.
    without_lines = policy is not None and not (options.replace or asked) and _looks_or_saves(policy)
    if not lines and not save and not without_lines:
        raise BadRequest(
            "config is empty: give at least one line, save: true to save alone, or ensure with backup or save_when"
        )
    return {
        "ensure": None if policy is None else policy.model_dump(),
        "dry_run": bool(options.dry_run),
        "save": save,
        "message": options.message,
        "revert_in": options.revert_in,
        "replace": bool(options.replace),
    }


def _as_request(change: dict[str, Any], lines: list[str], options: JobOptions, args: BaseModel) -> ChangeRequest:
    """The change as the driver will see it, for it to say what it cannot do."""
    replace = change["replace"] or getattr(args, "replace", False) is True
    return ChangeRequest(lines=lines, **(change | {"ensure": options.ensure, "replace": replace}))


def _parsing(
    parsing: dict[str, Any] | list[dict[str, Any] | None] | None, lines: list[str], connection_args: Mapping[str, Any]
) -> dict[str, Any] | list[dict[str, Any] | None] | None:
    """With the platform: what the device is for netmiko, the collections of templates know it by."""
    if isinstance(parsing, list):
        if len(parsing) != len(lines):
            raise BadRequest(f"parsing has {len(parsing)} entries for {len(lines)} commands; null leaves one unparsed")
        return [None if one is None else _on(one, connection_args) for one in parsing]
    return None if parsing is None else _on(parsing, connection_args)


def _on(parsing: dict[str, Any], connection_args: Mapping[str, Any]) -> dict[str, Any]:
    platform = connection_args.get("device_type")
    if not isinstance(platform, str) or platform == "autodetect":  # the worker knows
        return parsing
    known_as = platform.removesuffix("_telnet").removesuffix("_ssh")
    return parsing | {"args": {"platform": known_as} | parsing["args"]}


def _looks_or_saves(policy: EnsurePolicy) -> bool:
    """Whether the policy asks for something besides the lines."""
    return policy.backup or policy.save_when != "never"
