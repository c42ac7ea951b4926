"""Which lines a change sends: all of them, or only what the running configuration lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from netpulse_drivers.base import ChangeRequest
from netpulse_drivers.config.ignored_lines import IgnoredLines
from netpulse_drivers.config.running_config import (
    Blocks,
    ConfigLine,
    describe_difference,
    difference,
    is_left_out,
    join_blocks,
    parse_configuration,
    wanted_configuration,
    with_headers,
)
from netpulse_drivers.config.set_commands import missing_set_commands
from netpulse_drivers.errors import InvalidArguments, UnsupportedOperation
from netpulse_drivers.netmiko.config.change_modes import is_modeless
from netpulse_drivers.netmiko.config.save import read_config
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change comes to.

    Attributes:
        lines: to be typed, in order; a block that the device reads as one input is one entry.
        diff: the same as text against the running configuration; for a plain change, the lines as additions.
        backup: the running configuration before the change, if asked for.
        left_out: lines of the request that are not typed whatever the device has.
    """

    lines: list[str]
    diff: str
    backup: str | None = None
    left_out: list[str] = field(default_factory=list)


def plan_change(session: NetmikoSession, change: ChangeRequest, args: NetmikoChangeArgs) -> Plan:
    """Work out the lines, reading the running configuration if the change compares with it.

    Raises:
        InvalidArguments, UnsupportedOperation, CommandRefused.
    """
    if change.ensure is None:
        return _plain(session, change.lines)
    ignore = IgnoredLines(change.ensure.diff_ignore_lines, deadline=session.connection.deadline)
    if not change.lines and not change.ensure.backup:  # saving alone
        return Plan([], "")
    running_text = change.ensure.running_config
    if (running_text is None and session.platform.comparable) or change.ensure.backup:
        running_text = _read_running(session, args)
    if not session.platform.comparable:
        plan = _plain(session, [*change.ensure.before, *change.lines, *change.ensure.after])
        return replace(plan, backup=running_text if change.ensure.backup else None)
    assert running_text is not None  # noqa: S101 - given or read
    return _compared(session, change, running_text, ignore)


def _plain(session: NetmikoSession, given: Sequence[str]) -> Plan:
    """All the lines, as they are."""
    inputs = [line for line in join_blocks(_physical(given), session.platform.multiline) if line.strip()]
    lines = [line for line in inputs if _typed(line, session)]
    left_out = [line for line in inputs if not _typed(line, session)]
    return Plan(lines, "".join(f"+{part}\n" for line in lines for part in line.split("\n")), left_out=left_out)


def _compared(session: NetmikoSession, change: ChangeRequest, running_text: str, ignore: IgnoredLines) -> Plan:
    """The comparison itself."""
    policy = change.ensure
    assert policy is not None  # noqa: S101 - the caller has looked
    platform = session.platform
    if policy.parents and not platform.indented:
        raise InvalidArguments(
            f"{session.connection.device_type} prints its configuration as set commands: give whole lines, no parents"
        )
    blocks: Blocks = [*platform.multiline, *platform.whole]
    compared = policy.running_config if policy.running_config is not None else running_text
    running = parse_configuration(compared, ignore=ignore, multiline=blocks, indented=platform.indented)
    wanted = wanted_configuration(change.lines, policy.parents, multiline=blocks, ignore=ignore)
    if platform.indented:
        missing = difference(wanted, running, path=policy.parents, match=policy.match, replace=policy.replace)
    else:
        missing = missing_set_commands(wanted, running, policy)
    typed = with_headers(missing)
    if typed:
        typed = [*map(ConfigLine, policy.before), *typed, *map(ConfigLine, policy.after)]
    return Plan(
        lines=[part for line in typed for part in _inputs(line.text, platform.whole)],
        diff=describe_difference(typed, running),
        backup=running_text if policy.backup else None,
        left_out=[
            line for line in join_blocks(change.lines, blocks) if line.strip() and is_left_out(line, ignore=ignore)
        ],
    )


def _inputs(text: str, whole: Sequence[tuple[str, str]]) -> list[str]:
    """What is typed as one input each: a section that is replaced as a whole has a prompt a line all the same."""
    return text.split("\n") if any(re.match(first, text) for first, _ in whole) else [text]


def _read_running(session: NetmikoSession, args: NetmikoChangeArgs) -> str:
    command = args.running_config_command or session.platform.running
    if not command:
        raise UnsupportedOperation(
            f"no command known that prints the running configuration of {session.connection.device_type}: "
            "give running_config_command in driver_args, or running_config in the policy"
        )
    return read_config(session, command)


def _physical(lines: Sequence[str]) -> list[str]:
    """The lines as they came; an entry with newlines in it stays one input."""
    return [line.rstrip("\r\n") for line in lines]


def _typed(line: str, session: NetmikoSession) -> bool:
    """Whether a line is typed: comments, and what would leave configuration mode, are not (as ios_config).

    Without a configuration mode every line is a command, ``end`` too.
    """
    left_out = session.platform.left_out
    return not left_out or is_modeless(session) or re.match(left_out, line.strip()) is None
