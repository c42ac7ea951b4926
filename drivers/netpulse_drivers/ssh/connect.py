"""One SSH login over an open connection: key exchange, host key, credentials, each failure by its name."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import paramiko

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import (
    AuthenticationFailed,
    ConnectError,
    ConnectTimeout,
    DriverError,
    InvalidArguments,
    LoginMethodUnavailable,
    NegotiationFailed,
    PasswordExpired,
    SessionRefused,
)
from netpulse_drivers.ssh.host_keys import (
    HostKeyCheck,
    KnownHosts,
    default_known_hosts,
    effective_policy,
    host_token,
    parse_host_key,
)
from netpulse_drivers.ssh.negotiation import Answers, ExplainedTransport
from netpulse_drivers.ssh.private_key import private_key
from netpulse_drivers.ssh.ssh_args import SSHArgs

_DISABLED_SHA2 = ["rsa-sha2-512", "rsa-sha2-256"]


class SSHConnect:
    """One login.

    Args:
        args: resolved (``SSHArgs.with_files``).
        host, port: whose host key is expected; not necessarily where the connection goes.
        where: the same for people, e.g. "r1 port 22".

    Attributes:
        check: what was decided about the host key.
        transport: of the login; None before.

    Raises:
        InvalidArguments: the private key cannot be read.
    """

    def __init__(self, args: SSHArgs, *, host: str, port: int, where: str, password: str | None) -> None:
        self._args = args
        self.where = where
        hosts = KnownHosts(Path(args.known_hosts) if args.known_hosts else default_known_hosts())
        only = [parse_host_key(text) for text in args.host_keys]
        self.check = HostKeyCheck(effective_policy(args.host_key_policy), hosts, host_token(host, port), only=only)
        self.transport: ExplainedTransport | None = None
        self._key = private_key(args)
        given = {question: answer.get_secret_value() for question, answer in args.keyboard_interactive.items()}
        self._answers = Answers(given, password)
        # paramiko asks for more than keys only where it has a password; ExplainedTransport never sends this empty one.
        typed = "" if password is None and given else password
        self._options: dict[str, Any] = {"hostname": host, "port": port, "password": typed}

    def login(
        self, client: paramiko.SSHClient, sock: socket.socket | paramiko.Channel, *, username: str, deadline: Deadline
    ) -> ExplainedTransport:
        """Shake hands, check the host key, log in. The connection is closed when it fails.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, InvalidArguments.
        """
        client.set_missing_host_key_policy(self.check)
        args = self._args
        disabled = {kind: list(names) for kind, names in args.disabled_algorithms.items()}
        if args.disable_sha2_fix:
            disabled["pubkeys"] = [*disabled.get("pubkeys", ()), *_DISABLED_SHA2]
        try:
            client.connect(
                **self._options,
                username=username,
                sock=sock,
                pkey=self._key,
                look_for_keys=False,
                allow_agent=False,
                passphrase=args.passphrase.get_secret_value() if args.passphrase else None,
                disabled_algorithms=disabled or None,
                timeout=deadline.remaining(),
                banner_timeout=deadline.remaining(at_most=args.banner_timeout),
                auth_timeout=deadline.remaining(at_most=args.auth_timeout),
                channel_timeout=deadline.remaining(),
                transport_factory=self._transport,  # type: ignore[arg-type]  # the stub has no keywords
            )
        except DriverError as error:
            sock.close()
            named = self._at(error)
            if named is error:
                raise
            raise named from error
        except Exception as error:
            refusal = self._answers.refusal
            translated = self._translate(error, deadline) if refusal is None else self._at(refusal)
            sock.close()
            raise translated from error
        assert self.transport is not None  # noqa: S101 - connect succeeded
        self.transport.rest()
        return self.transport

    def _at(self, error: DriverError) -> DriverError:
        """The error of a login, with the device's name in it."""
        if isinstance(error, AuthenticationFailed) and self.where not in error.message:
            return type(error)(f"{self.where}: {error.message}")
        return error

    def _transport(self, sock: socket.socket, **options: Any) -> ExplainedTransport:
        transport = ExplainedTransport(
            sock,
            prefer_host_keys=self.check.preferred_algorithms,
            algorithms=self._args.algorithms,
            answers=self._answers,
            **options,
        )
        # The transport's thread must not keep a worker from ending.
        transport.daemon = True
        self.transport = transport
        return transport

    def _translate(  # noqa: PLR0911 - one return a kind of error
        self, error: Exception, deadline: Deadline
    ) -> DriverError:
        where = self.where
        if isinstance(error, paramiko.AuthenticationException):
            handler = self.transport.auth_handler if self.transport is not None else None
            if handler is not None and handler.authenticated:  # paramiko sees the close before the success
                return SessionRefused(
                    f"{where} took the login and closed the connection at once: all its lines may be in use"
                )
            return _authentication_error(error, where)
        if isinstance(error, paramiko.PasswordRequiredException):
            return InvalidArguments("the private key is encrypted: give passphrase")
        text = reason_of(error)
        if "Illegal info request" in text:  # SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252, section 8)
            return PasswordExpired(
                f"{where} wants the password to be changed first: change it on the device, then give the new one"
            )
        if isinstance(error, paramiko.SSHException) and "banner" in text:
            if isinstance(error.__context__, TimeoutError):
                return ConnectTimeout(f"{where} accepted the connection but sent no SSH banner in time")
            return ConnectError(f"{where} closed the connection before SSH began, or is no SSH server")
        explanation, details = self.transport.explain() if self.transport is not None else ("", [])
        if explanation:
            return NegotiationFailed(f"SSH negotiation with {where} failed: {explanation}", details=details)
        if isinstance(error, TimeoutError) or "No existing session" in text or deadline.passed:
            return ConnectTimeout(f"{where} did not finish the SSH handshake in time")
        if isinstance(error, paramiko.SSHException | EOFError | OSError):
            return ConnectError(f"SSH connection to {where} failed: {text}")
        return ConnectError(f"SSH connection to {where} failed: {type(error).__name__}: {text}")


def _authentication_error(error: paramiko.AuthenticationException, where: str) -> DriverError:
    text = str(error)
    if "timeout" in text.lower():
        return ConnectTimeout(f"{where} did not answer the login in time")
    if isinstance(error, paramiko.BadAuthenticationType):
        allowed = ", ".join(error.allowed_types) or "none"
        return LoginMethodUnavailable(f"{where} refused the login: it accepts only {allowed}")
    if "EOF" in text or "transport shut down" in text:
        return AuthenticationFailed(f"{where} closed the connection when asked to log in")
    return AuthenticationFailed(f"{where} refused user name, password or key")


def reason_of(error: Exception) -> str:
    """An exception's text on one line; its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
