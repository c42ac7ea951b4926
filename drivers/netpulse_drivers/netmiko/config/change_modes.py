"""Entering and leaving configuration mode, per platform."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netmiko.base_connection import BaseConnection
from netmiko.exceptions import NetmikoTimeoutException
from netmiko.no_config import NoConfig

from netpulse_drivers.errors import CandidateDirty, CommandRefused, UnsupportedOperation
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.terminal.prompt import Prompt
from netpulse_drivers.terminal.refusals import refused_line

MODE_TIMEOUT = 20.0
"""Seconds for entering or leaving a mode."""

DEEPEST_BLOCK = 8
"""Blocks that may stand open in each other on platforms whose lines open and close them."""

_SHOWN = 4_096
"""Characters at the end of an answer in which the line above the prompt is looked for."""


@dataclass(frozen=True, slots=True)
class Mode:
    """Where the session stands.

    Attributes:
        config: in configuration mode.
        dirty: whether the candidate holds what is not committed; None: the platform's prompt does not tell.
    """

    config: bool
    dirty: bool | None = None


def mode_after(session: NetmikoSession, answer: str) -> Mode:
    """The mode that the prompt at the end of an answer shows.

    Args:
        answer: with the prompt, as ``session.ask`` gives it.
    """
    platform = session.platform
    if not platform.mode_line:
        return Mode(session.prompt.in_config)
    lines = list(re.finditer(platform.mode_line, answer[-_SHOWN:], re.MULTILINE))
    if not lines:
        return Mode(session.prompt.in_config)
    groups = lines[-1].groupdict()
    config = groups["config"] is not None if "config" in groups else session.prompt.in_config
    return Mode(config, groups.get("dirty") is not None)


def is_modeless(session: NetmikoSession) -> bool:
    """Whether lines are typed where the session stands, because the platform has no configuration mode."""
    return session.platform.modeless or isinstance(session.connection, NoConfig)


def enter_config_mode(session: NetmikoSession, command: str | None) -> list[str]:
    """Enter configuration mode.

    Args:
        session: at a prompt with the privilege it takes.
        command: the request's own; None: the platform's.

    Returns:
        What the caller should know: warnings.

    Raises:
        CandidateDirty: the candidate holds edits that nobody committed; no line was typed.
        CommandRefused: the device stayed where it was; its text says why (somebody else holds the lock, ...).
        UnsupportedOperation: netmiko knows no configuration mode for the platform.
    """
    platform = session.platform
    if command is None and is_modeless(session):
        return []
    warnings = _ask_for_edits(session) if platform.dirty_check else []
    wanted = command or platform.config_enter
    if not wanted:
        _enter_by_netmiko(session)
        return warnings
    reply = session.ask(wanted, deadline=session.connection.deadline.sooner(MODE_TIMEOUT))
    mode = mode_after(session, reply.output)
    if mode.dirty or (platform.dirty and re.search(platform.dirty, reply.output, re.MULTILINE)):
        if mode.config:
            # Leaving might ask whether to commit or to discard; the edits are somebody else's, so nothing is typed.
            session.unusable_reason = "the candidate configuration holds somebody else's edits"
        raise _dirty(reply.output, usable=not mode.config)
    if not mode.config and platform.config_enter:
        said = refused_line(reply.output, platform.refusals) or reply.output.strip().split("\n")[0]
        raise CommandRefused(f"no configuration mode after '{wanted}': {said}", device_output=reply.output)
    return warnings


def _ask_for_edits(session: NetmikoSession) -> list[str]:
    platform = session.platform
    reply = session.ask(platform.dirty_check, deadline=session.connection.deadline.sooner(MODE_TIMEOUT))
    if re.search(platform.dirty, reply.output, re.MULTILINE):
        raise _dirty(reply.output, usable=True)
    if refused_line(reply.output, platform.refusals):
        unknown = "it is not known whether the candidate held somebody else's edits, which the commit then included"
        return [f"the device refused '{platform.dirty_check}': {unknown}"]
    return []


def _dirty(answer: str, *, usable: bool) -> CandidateDirty:
    said = next((line.strip() for line in answer.split("\n") if line.strip()), "")
    return CandidateDirty(
        f"the device's candidate configuration holds edits that nobody committed, and no line was typed: {said}; "
        "commit or discard them on the device, then send the change again",
        device_output=answer,
        session_usable=usable,
    )


def return_to_top(session: NetmikoSession) -> bool | None:
    """Return to the top of configuration mode; whether the candidate holds what is not committed, if that shows."""
    reply = session.ask(session.platform.to_top, deadline=session.connection.deadline.sooner(MODE_TIMEOUT))
    return mode_after(session, reply.output).dirty


def leave_config_mode(session: NetmikoSession, *, abort: bool, home: Prompt | None = None) -> list[str]:
    """Leave configuration mode the platform's way; never answers a question by committing.

    Args:
        session: in configuration mode or, after lines that left it, outside.
        abort: throw away what has not been committed.
        home: the prompt from before the change.

    Returns:
        The lines that closed blocks which the change had left open.

    Raises:
        CommandRefused: a block that the lines had left open could not be closed.
        ReplyTimeout: an unexpected question; the session will be closed.
    """
    if not session.at_prompt:
        return []  # a question stands open, which nobody may answer
    platform = session.platform
    if is_modeless(session):
        return _close_blocks(session, abort=abort, home=home)
    if not platform.config_leave:
        _leave_by_netmiko(session)
        return []
    in_config = session.prompt.in_config or "(?P<config>" in platform.mode_line
    if in_config:
        commands = platform.abort if abort and platform.abort else (platform.config_leave,)
        for command in (platform.to_top, *commands) if platform.to_top else commands:
            in_config = _leave_by(session, command)
        # Where "exit" leaves one level at a time, lines may have gone several down.
        levels = 1
        while in_config and commands == (platform.config_leave,) and levels < DEEPEST_BLOCK and session.at_prompt:
            in_config = _leave_by(session, platform.config_leave)
            levels += 1
    if in_config:
        session.unusable_reason = "configuration mode could not be left"
    return []


def _leave_by(session: NetmikoSession, command: str) -> bool:
    """Type a command that leaves configuration mode, or a level of it; whether the session is in it still."""
    reply = session.ask(
        command,
        deadline=session.connection.deadline.sooner(MODE_TIMEOUT),
        questions=session.platform.abort_answers,
        announced=False,
    )
    return mode_after(session, reply.output).config


def _close_blocks(session: NetmikoSession, *, abort: bool, home: Prompt | None) -> list[str]:
    """Leave the blocks that lines have left open, for platforms whose prompt shows them."""
    platform = session.platform
    closed: list[str] = []
    command = platform.abort[0] if abort and platform.abort else platform.config_leave
    while command and session.prompt.in_config and (home is None or session.prompt.text != home.text):
        if len(closed) == (1 if abort else DEEPEST_BLOCK):
            session.unusable_reason = "a block of configuration lines was left open"
            break
        reply = session.ask(command, deadline=session.connection.deadline.sooner(MODE_TIMEOUT), announced=False)
        closed.append(command)
        refusal = "" if abort else refused_line(reply.output, platform.refusals)
        if refusal:
            session.unusable_reason = "a block of configuration lines was left open"
            raise CommandRefused(
                f"the lines left a block open and the device refused '{command}': {refusal}",
                device_output=reply.output,
                details=[{"line": command, "applied": []}],
                outputs=session.progress,
                session_usable=False,
            )
    return closed


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
