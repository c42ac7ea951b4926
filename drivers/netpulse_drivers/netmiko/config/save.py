"""Writing the running configuration to the start-up configuration."""

from __future__ import annotations

import re
import time

from netmiko.exceptions import NetmikoTimeoutException

from netpulse_drivers.base import EnsurePolicy
from netpulse_drivers.config.fingerprint import fingerprint
from netpulse_drivers.config.ignored_lines import IgnoredLines
from netpulse_drivers.config.running_config import parse_configuration
from netpulse_drivers.errors import CommandRefused, UnsupportedOperation
from netpulse_drivers.netmiko.config.change_modes import enter_config_mode, leave_config_mode
from netpulse_drivers.netmiko.operation_args import DEFAULT_READ_TIMEOUT, NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.results import Output
from netpulse_drivers.terminal.refusals import refused_line

SAVE_TIMEOUT = 100.0
"""Seconds; flash memory is slow (netmiko's own default)."""


def save_config(session: NetmikoSession, command: str | None) -> Output:
    """Save. Questions that the platform's save command is known to ask are answered; any other ends in a timeout.

    Raises:
        CommandRefused: the device's text says why. UnsupportedOperation: netmiko knows no way for this platform.
    """
    platform = session.platform
    if platform.commit and platform.commit_persists:
        return Output(command="", output="a commit is persistent on this platform: nothing to save")
    if platform.saves_itself and not command:
        return Output(command="", output="this platform keeps what is configured by itself: nothing to save")
    wanted = command or platform.save
    started = time.monotonic()
    if wanted:
        inside = platform.save_in_config and not session.prompt.in_config
        if inside:
            enter_config_mode(session, None)
        reply = session.ask(
            wanted,
            deadline=session.connection.deadline.sooner(SAVE_TIMEOUT),
            questions=session.platform.save_answers,
        )
        head, _, last = reply.output.rpartition("\n")
        text = head if last.strip() == reply.last_line.strip() else reply.output
        if inside:
            leave_config_mode(session, abort=False)
    else:
        wanted, text = "save_config", _by_netmiko(session)
    refusal = refused_line(text, platform.refusals)
    if not refusal and platform.save_done and not command and not re.search(platform.save_done, text):
        refusal = text.strip()[:300] or "it did not say that it had saved"
    output = Output(command=wanted, output=text, elapsed=time.monotonic() - started, failed=bool(refusal))
    if refusal:
        raise CommandRefused(
            f"the device refused to save its configuration: {refusal}",
            device_output=text,
            outputs=[*session.progress, output],
        )
    return output


def read_config(session: NetmikoSession, command: str) -> str:
    """A configuration as the device prints it.

    Raises:
        CommandRefused: with the device's text.
    """
    started = time.monotonic()
    reply = session.ask(command, deadline=session.connection.deadline.sooner(max(DEFAULT_READ_TIMEOUT, SAVE_TIMEOUT)))
    head, _, last = reply.output.rpartition("\n")
    text = head if last.strip() == reply.last_line.strip() else reply.output
    refusal = refused_line(text[:2000], session.platform.refusals) if len(text) < 2000 else ""
    if refusal:
        output = Output(command=command, output=text, elapsed=time.monotonic() - started, failed=True)
        raise CommandRefused(
            f"the device refused '{command}': {refusal}", device_output=text, outputs=[*session.progress, output]
        )
    return text


def differs_from_startup(session: NetmikoSession, args: NetmikoChangeArgs, policy: EnsurePolicy | None) -> bool:
    """Whether the running configuration differs from the start-up one (``save_when: modified``).

    Raises:
        UnsupportedOperation: the platform cannot show one of them. CommandRefused.
    """
    if session.platform.commit and session.platform.commit_persists:
        return False
    running = args.running_config_command or session.platform.running
    startup = args.startup_config_command or session.platform.startup
    if not running or not startup:
        raise UnsupportedOperation(
            f"no command known that prints the configurations of {session.connection.device_type}: "
            "give running_config_command and startup_config_command in driver_args"
        )
    expressions = policy.diff_ignore_lines if policy is not None else []
    ignore = IgnoredLines(expressions, deadline=session.connection.deadline)
    shown = [parse_configuration(read_config(session, command), ignore=ignore).lines for command in (running, startup)]
    return shown[0] != shown[1]


def _by_netmiko(session: NetmikoSession) -> str:
    connection = session.connection
    session.at_prompt = False
    try:
        text: str = connection.save_config()
        line = connection.find_prompt()
    except NetmikoTimeoutException:
        raise
    except (NotImplementedError, AttributeError) as error:
        session.at_prompt = True
        raise UnsupportedOperation(
            f"netmiko knows no way to save the configuration of {connection.device_type}: give save_command"
        ) from error
    session.arrived_at(line)
    return text


def running_fingerprint(session: NetmikoSession) -> str:
    """``fingerprint`` of the running configuration, on a platform whose command for it is known."""
    return fingerprint(read_config(session, session.platform.running))
