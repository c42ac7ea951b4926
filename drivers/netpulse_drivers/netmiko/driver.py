"""The netmiko driver: SSH and Telnet command lines of everything netmiko knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from netmiko.exceptions import NetmikoAuthenticationException, NetmikoTimeoutException, ReadTimeout
from pydantic import BaseModel

from netpulse_drivers.base import BaseDriver, ChangeRequest, ConnectionArgs, Operation
from netpulse_drivers.errors import (
    AuthenticationFailed,
    ConnectTimeout,
    DriverError,
    PromptNotFound,
    SessionLimit,
    SessionRefused,
)
from netpulse_drivers.login_identity import CREDENTIALS, LoginIdentity, place_of, proof_of
from netpulse_drivers.netmiko.config.change import apply_change, refuse_unsupported
from netpulse_drivers.netmiko.config.timed_commit import confirm_change, read_commit_state, take_back_change
from netpulse_drivers.netmiko.config.timed_commit import refuse_unsupported as refuse_confirm_or_rollback
from netpulse_drivers.netmiko.connecting import autodetect
from netpulse_drivers.netmiko.connecting.connection_args import NetmikoConnectionArgs
from netpulse_drivers.netmiko.connecting.keepalive import prove_alive
from netpulse_drivers.netmiko.connecting.ssh_login import SSHLogin
from netpulse_drivers.netmiko.connecting.telnet_login import TelnetDial
from netpulse_drivers.netmiko.device_types import AUTODETECT, known_types
from netpulse_drivers.netmiko.event_driven import EventDriven, event_driven_class, password_expired
from netpulse_drivers.netmiko.facts import device_info
from netpulse_drivers.netmiko.interactive import InteractiveSupport
from netpulse_drivers.netmiko.login_state import return_to_login
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs, NetmikoQueryArgs
from netpulse_drivers.netmiko.query import run_query
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.platforms import BookError, load_platforms, platform_of
from netpulse_drivers.results import ChangeResult, CommitState, Output
from netpulse_drivers.ssh.login_text import expired_password, session_limit
from netpulse_drivers.ssh.ssh_args import SSHArgs
from netpulse_drivers.terminal.byte_stream import StreamClosed
from netpulse_drivers.terminal.reply import ReplyTimeout

_OURS = {"host", "port", "username", "password", "secret", "proxy_jump", "ssh_config_file", "keepalive", "timeout"}
_NOT_NETMIKOS = _OURS | set(SSHArgs.model_fields)
"""Arguments that netmiko does not see: the connection is opened and logged in by ``dial``."""


_ENDING = 600
"""Characters at the end of a failed login's text in which the device's reason is looked for."""


class NetmikoDriver(InteractiveSupport, BaseDriver):
    """Driver ``netmiko``. See docs/drivers.md for its arguments and its rules."""

    driver_name = "netmiko"
    connection_args_model = NetmikoConnectionArgs
    query_args = NetmikoQueryArgs
    change_args = NetmikoChangeArgs
    query_strategy = "pinned"
    answers_questions = True
    session_irrelevant_args: ClassVar[frozenset[str]] = frozenset(
        {"keepalive", "timeout", "conn_timeout", "banner_timeout", "auth_timeout", "session_timeout"}
    )

    args: NetmikoConnectionArgs

    @classmethod
    def preload(cls, platform_dirs: Sequence[Path] = ()) -> None:
        """The platform book, its expressions compiled.

        Raises:
            BookError: an operator's file cannot be used; the types that need it are refused, all others work.
        """
        failures = load_platforms(platform_dirs).failures
        if failures:
            raise BookError("; ".join(failures.values()))

    @classmethod
    def check_operation(
        cls,
        operation: Operation,
        connection_args: ConnectionArgs,
        change: ChangeRequest | None = None,
        args: BaseModel | None = None,
    ) -> None:
        """What the platform lacks is refused before a job is made."""
        super().check_operation(operation, connection_args, change, args)
        assert isinstance(connection_args, NetmikoConnectionArgs)  # noqa: S101
        name = connection_args.device_type
        if name == AUTODETECT:
            return  # the worker looks when it knows
        if change is not None:
            change_args = args if isinstance(args, NetmikoChangeArgs) else NetmikoChangeArgs()
            refuse_unsupported(name, platform_of(name), change, change_args)
        elif operation in ("confirm", "rollback"):
            refuse_confirm_or_rollback(name, platform_of(name), rollback=operation == "rollback")

    # -- session ----------------------------------------------------------------------------------------------------

    def connect(self) -> NetmikoSession:
        """Log in. ``connection_args.timeout`` bounds the whole of it, within the call's deadline; of ``autodetect``
        each login, of which the first may take two.
        """
        if self.args.device_type == AUTODETECT:
            return self._find_out_and_log_in()
        return self._log_in(self.args)

    def _find_out_and_log_in(self) -> NetmikoSession:
        """As the platform that was found out before, unless another SSH server answers or no prompt is recognised."""
        memory, name = self.call.memory, f"device_type {self.args.reached_at}"
        device_type, _, server = memory.recall(name).partition(" ")
        if device_type in known_types():
            try:
                session = self._log_in(self.args.of_type(device_type))
            except PromptNotFound:
                memory.keep(name, "")
            else:
                if autodetect.server_says(session) == server:
                    self.detected = device_type
                    return session
                session.close()
        device_type = self._find_out()
        session = self._log_in(self.args.of_type(device_type))
        self.detected = device_type
        memory.keep(name, f"{device_type} {autodetect.server_says(session)}")
        return session

    def _find_out(self) -> str:
        """The platform, in a login of its own: each platform's client logs in in its own way."""
        where = f"{self.args.host} port {self.args.tcp_port}"
        session = self._log_in(self.args.of_type("generic"))
        try:
            with session.operation(self.call):
                session.connection.deadline = self.call.deadline.sooner(self.args.timeout)
                return autodetect.detect(session, where=where)
        finally:
            session.close()

    def _log_in(self, given: NetmikoConnectionArgs) -> NetmikoSession:
        connection = event_driven_class(given.device_type)(**self._netmiko_arguments(given))
        connection.use_keys = given.proves_by_key  # some platforms' clients log in by "none" without a key
        connection.guard = self.call.before_write
        connection.deadline = self.call.deadline.sooner(given.timeout)
        args, networks = given.with_files(self.call.site.files), self.call.site.networks
        login = TelnetDial(args, networks) if args.telnet else SSHLogin(args, networks)
        connection.dial = login
        connection.logging_in = True
        session = NetmikoSession(connection, platform_of(given.device_type))
        try:
            connection._open()  # noqa: SLF001 - netmiko's own way to connect later than in the constructor
            session.learn_prompt()
        except DriverError:
            connection.disconnect()
            raise
        except Exception as error:
            connection.disconnect()
            translated = _login_error(error, connection, given)
            if translated is None:
                raise
            raise translated from error
        connection.transcript, connection.logging_in = "", False
        session.rest()
        return session

    def disconnect(self, session: NetmikoSession) -> None:
        session.close()

    def abort(self, session: NetmikoSession) -> None:
        session.abort()

    def end_job(self, session: NetmikoSession) -> bool:
        """Mode and privilege are undone in the platform's way; another device or context, or a question, is not."""
        return return_to_login(session, self.call)

    def is_alive(self, session: NetmikoSession) -> bool:
        return session.is_alive()

    def keepalive(self, session: NetmikoSession) -> bool:
        return prove_alive(session, self.call)

    def device_info(self, session: NetmikoSession) -> dict[str, Any]:
        facts = device_info(session)
        if self.args.proxy_jump:
            facts["through"] = [hop.where for hop in self.args.hops()]
        return facts

    # -- work -------------------------------------------------------------------------------------------------------

    def send(self, session: NetmikoSession, command: str) -> Output:
        args = self.operation_args(NetmikoQueryArgs)
        with session.operation(self.call):
            return run_query(session, command, args, call=self.call, secret=self._secret())

    def config(self, session: NetmikoSession, change: ChangeRequest) -> ChangeResult:
        args = self.operation_args(NetmikoChangeArgs)
        with session.operation(self.call):
            return apply_change(session, change, args, secret=self._secret())

    def confirm(self, session: NetmikoSession) -> ChangeResult:
        if self.detected:
            refuse_confirm_or_rollback(self.detected, session.platform, rollback=False)
        with session.operation(self.call):
            return confirm_change(session, self.call)

    def rollback(self, session: NetmikoSession) -> ChangeResult:
        if self.detected:
            refuse_confirm_or_rollback(self.detected, session.platform, rollback=True)
        with session.operation(self.call):
            return take_back_change(session, self.call)

    def commit_state(self, session: NetmikoSession) -> CommitState:
        with session.operation(self.call):
            return read_commit_state(session)

    # -- arguments --------------------------------------------------------------------------------------------------

    def logins(self) -> tuple[LoginIdentity, ...]:
        """Jump hosts that ssh_config_file names are not known before the worker reads it: they count as the device."""
        found, through = [], ""
        for hop in self.args.hops():
            proof = proof_of({name: getattr(hop, name) for name in CREDENTIALS})
            place = place_of(hop.host, hop.port) + through
            found.append(LoginIdentity(place=place, proof=proof, jump_host=hop.where))
            through = f" behind {place}"
        proof = proof_of({name: getattr(self.args, name) for name in CREDENTIALS})
        return (*found, LoginIdentity(place=place_of(self.args.host, self.args.tcp_port) + through, proof=proof))

    def _secret(self) -> str | None:
        return self.args.secret.get_secret_value() if self.args.secret is not None else None

    @staticmethod
    def _netmiko_arguments(given: NetmikoConnectionArgs) -> dict[str, Any]:
        arguments = given.model_dump(exclude=_NOT_NETMIKOS, exclude_none=True)
        arguments |= {"host": given.host, "port": given.tcp_port, "username": given.username}
        for name in ("password", "secret"):  # its login dialogues and enable modes type them
            value = getattr(given, name)
            if value is not None:
                arguments[name] = value.get_secret_value()
        arguments["auto_connect"] = False
        arguments["keepalive"] = 0  # paramiko's keepalive ignores the answers; ours does not
        return arguments


def _login_error(  # noqa: PLR0911 - one return a kind of error
    error: Exception, connection: EventDriven, args: NetmikoConnectionArgs
) -> DriverError | None:
    """What went wrong between the open channel and the first prompt; None for an error of the program itself."""
    where = f"{args.host} port {args.tcp_port}"
    said = connection.transcript.strip()
    ending = "\n".join(line for line in said.split("\n") if line.strip())[-_ENDING:]
    if expired_password(ending):
        return password_expired(where, said)
    limit = session_limit(ending)
    if limit:
        return SessionLimit(f"{where} takes no further session: {limit}", device_output=said)
    if isinstance(error, NetmikoAuthenticationException):
        return AuthenticationFailed(f"{where} refused user name or password", device_output=said)
    if isinstance(error, StreamClosed):
        return SessionRefused(f"{where} took the login but closed the session before a prompt", device_output=said)
    if isinstance(error, ReadTimeout | NetmikoTimeoutException | ReplyTimeout | TimeoutError):
        received = getattr(error, "received", "") or said
        if not received.strip():
            return ConnectTimeout(f"{where} took the login but sent nothing in time")
        return PromptNotFound(
            f"no command prompt recognised on {where}; is device_type {args.device_type} right?",
            device_output=received.strip(),
        )
    if isinstance(error, OSError | EOFError):
        return SessionRefused(f"{where} closed the session during login: {error}", device_output=said)
    if isinstance(error, ValueError):
        return PromptNotFound(
            f"no command prompt recognised on {where}; is device_type {args.device_type} right? ({error})",
            device_output=said,
        )
    return None
