"""Putting a candidate in force, and telling from the device's answer whether that worked."""

from __future__ import annotations

import math
import re
import time

from netmiko.base_connection import BaseConnection
from netmiko.exceptions import NetmikoTimeoutException
from netmiko.ssh_dispatcher import CLASS_MAPPER

from netpulse_drivers.base import ChangeRequest
from netpulse_drivers.errors import CommandRefused
from netpulse_drivers.netmiko.device_types import netmiko_type
from netpulse_drivers.netmiko.operation_args import DEFAULT_READ_TIMEOUT, NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.platforms import Platform, platform_of
from netpulse_drivers.results import Output
from netpulse_drivers.terminal.refusals import refused_line
from netpulse_drivers.terminal.reply import Reply

COMMIT_TIMEOUT = 120.0
"""Seconds for a commit (netmiko's own default)."""


def commits_by_netmiko(device_type: str) -> bool:
    """Whether the platform has a candidate that only netmiko's own class knows how to commit."""
    platform = platform_of(device_type)
    if platform.commit or any(variant.commit for _, variant in platform.variants):
        return False
    kind: type[BaseConnection] = CLASS_MAPPER[netmiko_type(device_type)]
    return kind.commit is not BaseConnection.commit


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
        CommandRefused: the device did not commit; where the platform has a command that tells why, with its answer.
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
    failed, unchanged = judged(platform, text, checked_only=checked_only)
    session.progress.append(Output(command=command, output=text, elapsed=time.monotonic() - started, failed=failed))
    if failed:
        why = "" if checked_only else _reason(session, text)
        said = _reason_told(why) or refused_line(text, platform.refusals) or text.strip()[:300]
        raise CommandRefused(
            f"the device refused to commit: {said}",
            device_output=f"{text}\n{why}" if why else text,
            details=[{"line": command, "applied": []}],
            outputs=session.progress,
        )
    if platform.commit_then and not checked_only and not unchanged:
        _make_final(session, platform.commit_then, args)
    return not unchanged


def judged(platform: Platform, answer: str, *, checked_only: bool = False) -> tuple[bool, bool]:
    """What the answer to a commit says: (it failed, there was nothing to commit)."""
    if platform.commit_unchanged and re.search(platform.commit_unchanged, answer):
        return False, True
    failed = re.search(platform.commit_failed, answer) is not None if platform.commit_failed else False
    if not checked_only and platform.commit_done and not re.search(platform.commit_done, answer):
        failed = True
    return failed or bool(refused_line(answer, platform.refusals)), False


def _reason(session: NetmikoSession, answer: str) -> str:
    """Ask the device why a commit failed; "" when it does not say. The question joins the session's progress."""
    asked = session.platform.commit_reason
    if not asked or not re.search(rf"Failed to commit|{re.escape(asked)}", answer):
        return ""
    command = f"{asked} load" if f"{asked} load" in answer else asked
    started = time.monotonic()
    reply = session.ask(command, deadline=session.connection.deadline.sooner(DEFAULT_READ_TIMEOUT))
    head, _, last = reply.output.rpartition("\n")
    text = head if last.strip() == reply.last_line.strip() else reply.output
    session.progress.append(Output(command=command, output=text, elapsed=time.monotonic() - started))
    return "" if refused_line(text, session.platform.refusals) else text.strip()


def _reason_told(answer: str) -> str:
    """The part of it that gives reasons: IOS-XR marks them with "!!% " below the line that they are about."""
    lines = [line.strip() for line in answer.split("\n") if line.strip()]
    marked = [
        f"{lines[number - 1]}: {line.removeprefix('!!%').strip()}" if number else line.removeprefix("!!%").strip()
        for number, line in enumerate(lines)
        if line.startswith("!!%")
    ]
    return "; ".join(marked)[:1000] or " ".join(lines)[:300]


def _make_final(session: NetmikoSession, command: str, args: NetmikoChangeArgs) -> None:
    started = time.monotonic()
    reply = session.ask(command, deadline=session.read_deadline(args.read_timeout, COMMIT_TIMEOUT))
    text = presented(session, reply, command, args)
    failed = judged(session.platform, text)[0]
    session.progress.append(Output(command=command, output=text, elapsed=time.monotonic() - started, failed=failed))
    if failed:
        raise CommandRefused(
            f"the device committed but refused '{command}', and takes the commit back by itself: {text.strip()[:300]}",
            device_output=text,
            outputs=session.progress,
        )


def commit_by_netmiko(session: NetmikoSession) -> None:
    """Commit as netmiko's class for the platform does it, which may leave configuration mode.

    Raises:
        CommandRefused: netmiko says that the commit failed; the session is closed, since netmiko does not say where it
            stands then.
    """
    connection = session.connection
    session.at_prompt = False
    started = time.monotonic()
    try:
        text = str(connection.commit())
        line = connection.find_prompt()
    except NetmikoTimeoutException:
        raise
    except ValueError as error:
        session.unusable_reason = "a commit failed"
        raise CommandRefused(
            f"the device refused to commit: {' '.join(str(error).split())[:300]}; the lines may still stand in its "
            "candidate configuration",
            device_output=str(error),
            details=[{"line": "commit", "applied": []}],
            outputs=session.progress,
            session_usable=False,
        ) from error
    session.progress.append(Output(command="commit", output=text, elapsed=time.monotonic() - started))
    session.arrived_at(line)


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
    return max(platform.commit_shortest, math.ceil(revert_in))


def presented(session: NetmikoSession, reply: Reply, line: str, args: NetmikoChangeArgs) -> str:
    """A line's answer as the request wants to see it: with or without its echo and the prompt."""
    text = reply.output
    if args.strip_prompt and session.at_prompt:  # a question is no prompt
        head, _, last = text.rpartition("\n")
        if last.strip() == reply.last_line.strip():
            text = head
        if session.platform.mode_line:
            text = re.sub(rf"\n*(?m:{session.platform.mode_line})\Z", "", text.rstrip())
    if not reply.echo:  # nobody looked for it
        return session.connection.strip_command(line, text) if args.strip_command else text
    return text if args.strip_command else f"{reply.echo}{session.connection.RESPONSE_RETURN}{text}"
