"""The pyeapi driver: Arista EOS over eAPI, structured answers, changes as a whole or not at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from netpulse_drivers.base import BaseDriver, ChangeRequest, ConnectionArgs, Operation
from netpulse_drivers.errors import CommandRefused, ConnectError, DriverError, UnsupportedOperation
from netpulse_drivers.pyeapi.arguments import (
    LONGEST_TIMER,
    PyeapiChangeArgs,
    PyeapiConnectionArgs,
    PyeapiQueryArgs,
    refuse_without_session,
)
from netpulse_drivers.results import ChangeResult, CommitState, Output

if TYPE_CHECKING:
    from netpulse_drivers.pyeapi.session import EapiSession


class PyeapiDriver(BaseDriver):
    """Driver ``pyeapi``. See docs/drivers-pyeapi.md for its arguments and its rules."""

    driver_name = "pyeapi"
    connection_args_model = PyeapiConnectionArgs
    query_args = PyeapiQueryArgs
    change_args = PyeapiChangeArgs
    query_strategy = "fifo"
    session_irrelevant_args: ClassVar[frozenset[str]] = frozenset({"keepalive", "timeout"})

    args: PyeapiConnectionArgs

    @classmethod
    def check_operation(
        cls,
        operation: Operation,
        connection_args: ConnectionArgs,
        change: ChangeRequest | None = None,
        args: BaseModel | None = None,
    ) -> None:
        super().check_operation(operation, connection_args, change, args)
        if change is not None and change.revert_in is not None and change.revert_in > LONGEST_TIMER:
            raise UnsupportedOperation(f"EOS takes a revert_in of at most {LONGEST_TIMER} seconds")
        if change is not None and isinstance(args, PyeapiChangeArgs):
            refuse_without_session(change, args)

    # -- session ----------------------------------------------------------------------------------------------------

    def connect(self) -> EapiSession:
        """Connect and see by ``show version`` that the device takes the credentials.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, PrivilegeRefused.
        """
        # Imported here, so that a process that only validates requests never loads the library.
        from netpulse_drivers.pyeapi.session import EapiSession, silence_library  # noqa: PLC0415
        from netpulse_drivers.pyeapi.tls import client_context  # noqa: PLC0415
        from netpulse_drivers.pyeapi.transport import KeptConnection  # noqa: PLC0415

        silence_library()
        args = self.args
        connection = KeptConnection(
            host=args.host,
            port=args.tcp_port,
            username=args.username,
            password=args.password.get_secret_value() if args.password is not None else None,
            context=client_context(args, self.call.site.files) if args.tls else None,
            timeout=args.timeout,
            server_name=args.server_name,
        )
        secret = args.enable_password.get_secret_value() if args.enable_password is not None else None
        session = EapiSession(connection, enable_password=secret)
        try:
            session.version = session.ask(["show version"], call=self.call, enable=False)[0]
        except CommandRefused as error:
            connection.close()
            raise ConnectError(
                f"{connection.where} took the login but refused to answer: {error.message}",
                device_output=error.device_output,
            ) from error
        except BaseException:
            connection.close()
            raise
        return session

    def disconnect(self, session: EapiSession) -> None:
        session.connection.close()

    def abort(self, session: EapiSession) -> None:
        session.connection.abort()

    def is_alive(self, session: EapiSession) -> bool:
        return session.connection.alive()

    def keepalive(self, session: EapiSession) -> bool:
        """One harmless request. A connection that the device closed for idleness is made anew by it."""
        try:
            session.ask(["show hostname"], call=self.call, enable=False)
        except CommandRefused:
            return session.connection.alive()  # refused is answered
        except DriverError:
            return False
        return session.connection.alive()

    def device_info(self, session: EapiSession) -> dict[str, Any]:
        """Model, release and serial number as the device told them at the login."""
        names = {"modelName": "model", "version": "os_version", "serialNumber": "serial_number"}
        facts = {ours: session.version[theirs] for theirs, ours in names.items() if theirs in session.version}
        return {"vendor": "Arista", **facts, "transport": self.args.transport}

    # -- work -------------------------------------------------------------------------------------------------------

    def send(self, session: EapiSession, command: str) -> Output:
        """Run a command in privileged mode (unless ``enable_mode`` is false).

        The output is the device's data, or its words: with ``encoding`` text, or when there is no data and nobody
        insisted on it.

        Raises:
            CommandRefused, PrivilegeRefused, OutputTooLarge, CommandTimeout, SessionLost, SessionStale.
        """
        from netpulse_drivers.pyeapi.refusals import unconverted  # noqa: PLC0415 - beside the library

        args = self.operation_args(PyeapiQueryArgs)
        started = time.monotonic()
        encoding = args.encoding or "json"
        try:
            answer = self._ask(session, command, args, encoding)
        except CommandRefused as error:
            if args.encoding is not None or not unconverted(error):
                raise
            encoding = "text"
            answer = self._ask(session, command, args, encoding)
        if encoding == "text":
            answer = answer.get("output", "")
        return Output(command, answer, time.monotonic() - started)

    def _ask(self, session: EapiSession, command: str, args: PyeapiQueryArgs, encoding: str) -> Any:
        enable = self.call.enable is not False
        return session.ask([command], call=self.call, encoding=encoding, enable=enable, **args.request_options())[0]

    def config(self, session: EapiSession, change: ChangeRequest) -> ChangeResult:
        from netpulse_drivers.pyeapi.change import apply_change  # noqa: PLC0415

        return apply_change(session, change, self.operation_args(PyeapiChangeArgs), self.call)

    def confirm(self, session: EapiSession) -> ChangeResult:
        from netpulse_drivers.pyeapi.timed_commit import confirm_change  # noqa: PLC0415

        return confirm_change(session, self.call)

    def rollback(self, session: EapiSession) -> ChangeResult:
        """Only a change that waits for its confirmation can be taken back: eAPI keeps no others."""
        from netpulse_drivers.pyeapi.timed_commit import take_back_change  # noqa: PLC0415

        return take_back_change(session, self.call)

    def commit_state(self, session: EapiSession) -> CommitState:
        from netpulse_drivers.pyeapi.timed_commit import read_commit_state  # noqa: PLC0415

        return read_commit_state(session, self.call)
