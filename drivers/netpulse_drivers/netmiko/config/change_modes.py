"""Entering and leaving configuration mode, per platform."""

from __future__ import annotations

from netmiko.base_connection import BaseConnection
from netmiko.exceptions import NetmikoTimeoutException

from netpulse_drivers.errors import CommandRefused, UnsupportedOperation
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.terminal.refusals import refused_line

MODE_TIMEOUT = 20.0
"""Seconds for entering or leaving a mode."""


def enter_config_mode(session: NetmikoSession, command: str | None) -> None:
    """Enter configuration mode.

    Args:
        session: at a prompt with the privilege it takes.
        command: the request's own; None: the platform's.

    Raises:
        CommandRefused: the device stayed where it was; its text says why (somebody else holds the lock, ...).
        UnsupportedOperation: netmiko knows no configuration mode for the platform.
    """
    wanted = command or session.platform.config_enter
    if not wanted:
        _enter_by_netmiko(session)
        return
    reply = session.ask(wanted, deadline=session.connection.deadline.sooner(MODE_TIMEOUT))
    if not session.prompt.in_config and session.platform.config_enter:
        said = refused_line(reply.output, session.platform.refusals) or reply.output.strip().split("\n")[0]
        raise CommandRefused(f"no configuration mode after '{wanted}': {said}", device_output=reply.output)


def leave_config_mode(session: NetmikoSession, *, abort: bool) -> None:
    """Leave configuration mode the platform's way; never answers a question by committing.

    Args:
        session: in configuration mode or, after lines that left it, outside.
        abort: throw away what has not been committed.

    Raises:
        ReplyTimeout: an unexpected question; the session will be closed.
    """
    platform = session.platform
    if not platform.config_leave:
        _leave_by_netmiko(session)
        return
    if session.prompt.in_config:
        commands = platform.abort if abort and platform.abort else (platform.config_leave,)
        for command in commands:
            session.ask(
                command, deadline=session.connection.deadline.sooner(MODE_TIMEOUT), questions=platform.abort_answers
            )
    if session.prompt.in_config:
        session.unusable_reason = "configuration mode could not be left"


def _enter_by_netmiko(session: NetmikoSession) -> None:
    connection = session.connection
    if type(connection).config_mode is BaseConnection.config_mode:
        # netmiko's default believes to be in configuration mode wherever it is: the lines would be typed as commands
        raise UnsupportedOperation(f"netmiko has no configuration mode for {connection.device_type}")
    session.at_prompt = False
    try:
        connection.config_mode()
        line = connection.find_prompt()
    except NetmikoTimeoutException:
        raise
    except (NotImplementedError, AttributeError) as error:
        session.at_prompt = True
        raise UnsupportedOperation(f"netmiko has no configuration mode for {connection.device_type}") from error
    except ValueError as error:
        session.unusable_reason = "configuration mode could not be entered"
        raise CommandRefused(
            f"no configuration mode: {error}", device_output=connection.transcript, session_usable=False
        ) from error
    session.arrived_at(line)


def _leave_by_netmiko(session: NetmikoSession) -> None:
    connection = session.connection
    session.at_prompt = False
    try:
        connection.exit_config_mode()
        line = connection.find_prompt()
    except ValueError:
        session.unusable_reason = "configuration mode could not be left"
        return
    session.arrived_at(line)
