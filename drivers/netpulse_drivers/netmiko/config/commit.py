"""Putting a candidate in force, and telling from the device's answer whether that worked."""

from __future__ import annotations

import math
import re
import time

from netpulse_drivers.base import ChangeRequest
from netpulse_drivers.errors import CommandRefused
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.results import Output
from netpulse_drivers.terminal.platforms import Platform
from netpulse_drivers.terminal.refusals import refused_line
from netpulse_drivers.terminal.reply import Reply

COMMIT_TIMEOUT = 120.0
"""Seconds for a commit (netmiko's own default)."""

_SHORTEST_TRIAL = 30
"""Seconds; IOS-XR takes no shorter one."""


def commit_candidate(
    session: NetmikoSession,
    command: str,
    args: NetmikoChangeArgs,
    *,
    renames: bool = False,
    checked_only: bool = False,
) -> bool:
    """Type the commit in configuration mode; the output joins the session's progress.

    Returns:
        Whether there was anything to commit, as far as the device tells: False when it says that the lines changed
        nothing.

    Args:
        renames: the device may come back under another name.
        checked_only: the command only validates, so nothing says that a commit was made.

    Raises:
        CommandRefused: the device did not commit.
    """
    platform = session.platform
    started = time.monotonic()
    reply = session.ask(
        command,
        deadline=session.read_deadline(args.read_timeout, COMMIT_TIMEOUT),
        questions=platform.commit_answers,
        any_name=renames,
    )
    text = presented(session, reply, command, args)
    failed = re.search(platform.commit_failed, text) is not None if platform.commit_failed else False
    failed = failed or bool(not checked_only and platform.commit_done and not re.search(platform.commit_done, text))
    failed = failed or bool(refused_line(text, platform.refusals))
    unchanged = re.search(platform.commit_unchanged, text) is not None if platform.commit_unchanged else False
    failed = failed and not unchanged
    session.progress.append(Output(command=command, output=text, elapsed=time.monotonic() - started, failed=failed))
    if failed:
        raise CommandRefused(
            f"the device refused to commit: {refused_line(text, platform.refusals) or text.strip()[:300]}",
            device_output=text,
            details=[{"line": command, "applied": []}],
            outputs=session.progress,
        )
    return not unchanged


def commit_command(platform: Platform, change: ChangeRequest) -> str:
    """The platform's commit, with the timer or the comment that the change asks for."""
    if change.revert_in is not None:
        seconds = seconds_of_timer(platform, change.revert_in)
        return platform.commit_confirmed.format(seconds=seconds, minutes=seconds // 60)
    if change.message is not None:
        comment = re.sub(r'["\x00-\x1f]', " ", change.message)
        return platform.commit_comment.format(comment=comment)
    return platform.commit


def seconds_of_timer(platform: Platform, revert_in: float) -> int:
    """For how long the device will wait: rounded up to what the platform's command can say."""
    if "{minutes}" in platform.commit_confirmed:
        return max(1, math.ceil(revert_in / 60)) * 60
    return max(_SHORTEST_TRIAL, math.ceil(revert_in))


def presented(session: NetmikoSession, reply: Reply, line: str, args: NetmikoChangeArgs) -> str:
    """A line's answer as the request wants to see it: with or without its echo and the prompt."""
    text = reply.output
    if args.strip_prompt:
        head, _, last = text.rpartition("\n")
        if last.strip() == reply.last_line.strip():
            text = head
    if not reply.echo:  # nobody looked for it
        return session.connection.strip_command(line, text) if args.strip_command else text
    return text if args.strip_command else f"{reply.echo}{session.connection.RESPONSE_RETURN}{text}"
