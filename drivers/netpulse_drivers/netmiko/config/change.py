"""A change: line by line in configuration mode, stopped at the first refusal, never left half open."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import paramiko

from netpulse_drivers.base import ChangeRequest
from netpulse_drivers.errors import CommandRefused, UnsupportedOperation
from netpulse_drivers.netmiko.config.change_modes import enter_config_mode, leave_config_mode
from netpulse_drivers.netmiko.config.commit import commit_candidate, commit_command, presented, seconds_of_timer
from netpulse_drivers.netmiko.config.ensure import Plan, plan_change
from netpulse_drivers.netmiko.config.privilege import give_back_privilege, raise_privilege
from netpulse_drivers.netmiko.config.save import differs_from_startup, save_config
from netpulse_drivers.netmiko.operation_args import DEFAULT_READ_TIMEOUT, NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.results import ChangeResult, Output, PendingCommit
from netpulse_drivers.terminal.bounded_regex import BoundedRegex
from netpulse_drivers.terminal.byte_stream import StreamClosed
from netpulse_drivers.terminal.platforms import Platform
from netpulse_drivers.terminal.refusals import refused_line
from netpulse_drivers.terminal.reply import ReplyTimeout

_BANNER = BoundedRegex(r"^banner\s", name="bypass_commands")
_RENAMES = re.compile(r"\s*(?:set system |set )?(?:host-?name|sysname|switchname)\b", re.IGNORECASE)


def apply_change(
    session: NetmikoSession, change: ChangeRequest, args: NetmikoChangeArgs, *, secret: str | None
) -> ChangeResult:
    """Carry out a change and bring the session back to the prompt and the privilege that it had.

    Raises:
        UnsupportedOperation: the platform has no such thing; nothing was typed.
        CommandRefused: at the first refused line; ``outputs`` hold what was typed, ``details`` what had been applied.
        PrivilegeRefused; the session's ``operation`` adds the rest.
    """
    refuse_unsupported(session.connection.device_type, session.platform, change)
    before = session.prompt
    try:
        if change.enable or (change.enable is None and _needs_device(change)):
            raise_privilege(session, secret)
        plan = plan_change(session, change, args)
        saved = False
        effective = bool(plan.lines)
        pending: PendingCommit | None = None
        if not change.dry_run:
            if plan.lines:
                since = time.time()
                effective = _send(session, plan, change, args)
                pending = _pending(session.platform, change, args, since) if effective else None
            saved = bool(effective and args.commit and session.platform.commit)
            if _wants_saving(session, change, args, changed=effective) and not saved:
                session.progress.append(save_config(session, args.save_command))
                saved = True
        return ChangeResult(
            outputs=list(session.progress),
            changed=effective and (args.commit or not session.platform.commit),
            diff=plan.diff,
            applied=plan.lines,
            saved=saved,
            backup=plan.backup,
            pending=pending,
        )
    finally:
        if session.at_prompt and not session.unusable_reason:
            give_back_privilege(session, before)


def refuse_unsupported(name: str, platform: Platform, change: ChangeRequest) -> None:
    """Refuse what netmiko, or this platform of it, cannot do.

    Raises:
        UnsupportedOperation
    """
    if change.replace:
        raise UnsupportedOperation(f"netmiko cannot replace the whole configuration of {name}; driver napalm can")
    if change.revert_in is not None and not platform.commit_confirmed:
        raise UnsupportedOperation(f"{name} has no commit with rollback timer (revert_in)")
    if change.message is not None and not platform.commit_comment:
        raise UnsupportedOperation(f"{name} has no commit comment (message)")
    if change.message is not None and change.revert_in is not None:
        raise UnsupportedOperation("message and revert_in cannot be combined")


def _needs_device(change: ChangeRequest) -> bool:
    """Whether anything will be typed at all: a plain dry run only tells what would be sent."""
    if not change.dry_run:
        return True
    return change.ensure is not None and (change.ensure.running_config is None or change.ensure.backup)


def _wants_saving(session: NetmikoSession, change: ChangeRequest, args: NetmikoChangeArgs, *, changed: bool) -> bool:
    policy = change.ensure.save_when if change.ensure is not None else "never"
    if change.save or policy == "always" or (policy == "changed" and changed):
        return True
    return policy == "modified" and differs_from_startup(session, args, change.ensure)


# -- sending ----------------------------------------------------------------------------------------------------------


def _pending(platform: Platform, change: ChangeRequest, args: NetmikoChangeArgs, since: float) -> PendingCommit | None:
    """What waits for its confirmation once the change has been sent with a timer."""
    if change.revert_in is None or not (args.commit and args.enter_config_mode):
        return None
    return PendingCommit(name="", seconds=seconds_of_timer(platform, change.revert_in), since=since)


def _send(session: NetmikoSession, plan: Plan, change: ChangeRequest, args: NetmikoChangeArgs) -> bool:
    """Send the lines; whether they changed anything, as far as the device tells."""
    effective = True
    if args.enter_config_mode:
        enter_config_mode(session, args.config_mode_command)
    try:
        _send_lines(session, plan.lines, args)
        if session.platform.commit and args.enter_config_mode:
            effective = _commit(session, change, args, renames=any(_RENAMES.match(line) for line in plan.lines))
    except CommandRefused as error:
        _abandon(session, args, error)
        raise
    if args.enter_config_mode:
        leave_config_mode(session, abort=not args.commit)
    return effective


def _send_lines(session: NetmikoSession, lines: Sequence[str], args: NetmikoChangeArgs) -> None:
    bypass = BoundedRegex(args.bypass_commands, name="bypass_commands") if args.bypass_commands else _BANNER
    terminator = BoundedRegex(args.terminator, name="terminator") if args.terminator else None
    error_pattern = (
        BoundedRegex(args.error_pattern, name="error_pattern", multiline=True) if args.error_pattern else None
    )
    knows_mode = session.prompt.in_config
    for number, line in enumerate(lines):
        verify = args.cmd_verify and not bypass.search(line)
        started = time.monotonic()
        reply = session.ask(
            line,
            deadline=session.read_deadline(args.read_timeout, DEFAULT_READ_TIMEOUT),
            verify=verify,
            also=terminator,
            any_name=_RENAMES.match(line) is not None,
        )
        text = presented(session, reply, line, args)
        refusal = _refusal(session, text, args, error_pattern)
        output = Output(
            command=line, output=text, elapsed=time.monotonic() - started, failed=bool(refusal), changed=not refusal
        )
        session.progress.append(output)
        if refusal:
            raise _refused(session, lines, number, refusal, text)
        if knows_mode and not session.prompt.in_config and number + 1 < len(lines):
            raise _refused(session, lines, number, "it left configuration mode before the last line", text, applied=1)


def _refusal(session: NetmikoSession, text: str, args: NetmikoChangeArgs, pattern: BoundedRegex | None) -> str:
    if pattern is not None:
        found = pattern.search(text)
        return text[slice(*found)].strip() or "error_pattern matched" if found else ""
    return refused_line(text, session.platform.refusals) if args.check_errors else ""


def _refused(
    session: NetmikoSession, lines: Sequence[str], number: int, reason: str, text: str, *, applied: int = 0
) -> CommandRefused:
    taken = list(lines[: number + applied])
    fate = "were not committed" if session.platform.commit else "had been applied"
    return CommandRefused(
        f"the device refused line {number + 1} of {len(lines)}, '{lines[number]}': {reason}; "
        f"{len(taken)} lines before it {fate}",
        device_output=text,
        details=[{"line": lines[number], "number": number + 1, "applied": [] if session.platform.commit else taken}],
        outputs=session.progress,
    )


def _abandon(session: NetmikoSession, args: NetmikoChangeArgs, error: CommandRefused) -> None:
    """Leave configuration mode after a refusal; a candidate is thrown away. The refusal stays the error to report."""
    if not args.enter_config_mode:
        return
    try:
        leave_config_mode(session, abort=True)
    except (ReplyTimeout, StreamClosed, paramiko.SSHException, OSError):
        session.unusable_reason = "configuration mode could not be left after a refused line"
    if session.unusable_reason:
        error.session_usable = False


def _commit(session: NetmikoSession, change: ChangeRequest, args: NetmikoChangeArgs, *, renames: bool) -> bool:
    platform = session.platform
    if args.commit:
        return commit_candidate(session, commit_command(platform, change), args, renames=renames)
    if platform.commit_check:
        commit_candidate(session, platform.commit_check, args, renames=renames, checked_only=True)
    return True
