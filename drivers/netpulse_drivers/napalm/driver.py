"""The NAPALM driver: structured getters, candidate configurations, commit-confirm, compliance."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from netpulse_drivers.base import BaseDriver, ChangeRequest, ConnectionArgs, Operation
from netpulse_drivers.errors import CommandRefused, UnsupportedOperation
from netpulse_drivers.login_identity import CREDENTIALS, LoginIdentity, place_of, proof_of
from netpulse_drivers.napalm.arguments import NapalmChangeArgs, NapalmConnectionArgs, NapalmQueryArgs
from netpulse_drivers.napalm.getters import arguments_for, check_getters, is_getter, unknown_getter
from netpulse_drivers.results import ChangeResult, CommitState, Output

if TYPE_CHECKING:
    from netpulse_drivers.napalm.session import NapalmSession


class NapalmDriver(BaseDriver):
    """Driver ``napalm``. See docs/drivers-napalm.md for its arguments and its rules."""

    driver_name = "napalm"
    connection_args_model = NapalmConnectionArgs
    query_args = NapalmQueryArgs
    change_args = NapalmChangeArgs
    query_strategy = "pinned"
    session_irrelevant_args: ClassVar[frozenset[str]] = frozenset({"keepalive", "timeout"})

    args: NapalmConnectionArgs

    @classmethod
    def validate_request(cls, commands: list[str], args: BaseModel) -> None:
        """Getters must exist and take the arguments that are given."""
        if isinstance(args, NapalmQueryArgs):
            check_getters(commands, args.given(), extra=args.getter_args is not None)

    @classmethod
    def check_operation(
        cls,
        operation: Operation,
        connection_args: ConnectionArgs,
        change: ChangeRequest | None = None,
        args: BaseModel | None = None,
    ) -> None:
        """Timed commits only where NAPALM's driver for the platform has them."""
        super().check_operation(operation, connection_args, change, args)
        assert isinstance(connection_args, NapalmConnectionArgs)  # noqa: S101
        platform = connection_args.platform
        revert_in = change.revert_in if change is not None else None
        if platform.timed is False and (operation == "confirm" or revert_in is not None):
            raise UnsupportedOperation(f"NAPALM's driver for {platform.name} has no commit with a timer")
        step, most = platform.timer_step, platform.timer_most
        if revert_in is not None and platform.timed and (revert_in % step or not step <= revert_in <= most):
            unit = "whole minutes" if step == 60 else "whole seconds"
            raise UnsupportedOperation(f"revert_in on {platform.name} is {unit}, {step} to {most} seconds")

    # -- session ----------------------------------------------------------------------------------------------------

    def logins(self) -> tuple[LoginIdentity, ...]:
        """Keys stand among the platform's own options."""
        options = {name: self.args.optional_args.get(name) for name in CREDENTIALS}
        proof = proof_of(options | {"username": self.args.username, "password": self.args.password})
        port = self.args.port or self.args.optional_args.get("port")
        return (LoginIdentity(place=place_of(self.args.host, port), proof=proof),)

    def connect(self) -> NapalmSession:
        # Imported here, so that a process that only validates requests loads neither NAPALM nor what it needs.
        from netpulse_drivers.napalm.connect import open_session  # noqa: PLC0415

        return open_session(self.args, self.call)

    def disconnect(self, session: NapalmSession) -> None:
        session.close()

    def abort(self, session: NapalmSession) -> None:
        session.abort()

    def is_alive(self, session: NapalmSession) -> bool:
        return session.is_alive()

    def keepalive(self, session: NapalmSession) -> bool:
        return session.prove_alive(self.call)

    def device_info(self, session: NapalmSession) -> dict[str, Any]:
        """NAPALM's facts, without the interface list."""
        with session.operation(self.call, "get_facts") as device:
            facts = dict(device.get_facts())
        facts.pop("interface_list", None)
        return {"device_type": self.args.platform.name, **facts}

    # -- work -------------------------------------------------------------------------------------------------------

    def send(self, session: NapalmSession, command: str) -> Output:
        """Run a getter by its name, or anything else as a CLI command.

        Raises:
            InvalidArguments: an unknown getter, or arguments that it does not take.
            UnsupportedOperation: this platform has not implemented the getter.
            CommandRefused, CommandTimeout, SessionLost, SessionStale, ...
        """
        args = self.operation_args(NapalmQueryArgs)
        started = time.monotonic()
        value = self._getter(session, command, args) if is_getter(command) else self._cli(session, command, args)
        return Output(command, value, time.monotonic() - started)

    def _getter(self, session: NapalmSession, command: str, args: NapalmQueryArgs) -> Any:
        getter = getattr(session.device, command, None)
        if not callable(getter):
            raise unknown_getter(command, [name for name in dir(session.device) if name.startswith("get_")])
        check_getters([command], arguments_for(command, args.given(), {}), extra=False)
        from netpulse_drivers.napalm.failures import misread  # noqa: PLC0415 - as below

        with session.operation(self.call, command):
            try:
                return getter(**arguments_for(command, args.given(), args.getter_args or {}))
            except Exception as error:
                failure = misread(error, command)
                if failure is None:
                    raise
                raise failure from error

    def _cli(self, session: NapalmSession, command: str, args: NapalmQueryArgs) -> Any:
        options = {"encoding": args.encoding} if args.encoding is not None else {}
        with session.operation(self.call, f"CLI command '{command}'") as device:
            value = device.cli([command], **options)[command]
        refused = _refusal(session, value)
        if refused:
            said = str(value)
            raise CommandRefused(
                f"the device refused '{command}': {refused}",
                device_output=said,
                outputs=[Output(command, said, failed=True)],
            )
        return value

    def config(self, session: NapalmSession, change: ChangeRequest) -> ChangeResult:
        from netpulse_drivers.napalm.change import apply_change  # noqa: PLC0415

        return apply_change(session, change, self.operation_args(NapalmChangeArgs), self.call)

    def confirm(self, session: NapalmSession) -> ChangeResult:
        from netpulse_drivers.napalm.timed_commit import confirm_change  # noqa: PLC0415

        return confirm_change(session, self.call)

    def rollback(self, session: NapalmSession) -> ChangeResult:
        from netpulse_drivers.napalm.timed_commit import take_back_change  # noqa: PLC0415

        return take_back_change(session, self.call)

    def commit_state(self, session: NapalmSession) -> CommitState:
        from netpulse_drivers.napalm.timed_commit import read_commit_state  # noqa: PLC0415

        return read_commit_state(session, self.call)


def _refusal(session: NapalmSession, value: Any) -> str:
    """The device's refusal in a command's output, which NAPALM hands back as if it were an answer."""
    from netpulse_drivers.napalm.session import CommandLineSession  # noqa: PLC0415
    from netpulse_drivers.terminal.refusals import refused_query  # noqa: PLC0415

    if not isinstance(value, str) or not isinstance(session, CommandLineSession):
        return ""
    return refused_query(value, session.below.platform.refusals)
