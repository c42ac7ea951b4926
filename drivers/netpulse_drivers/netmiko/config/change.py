"""A change: line by line in configuration mode, stopped at the first refusal, never left half open."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import paramiko

from netpulse_drivers.base import ChangeRequest
from netpulse_drivers.errors import CommandRefused, UnsupportedOperation
from netpulse_drivers.netmiko.config.change_modes import (
    enter_config_mode,
    is_modeless,
    leave_config_mode,
    return_to_top,
)
from netpulse_drivers.netmiko.config.commit import (
    commit_by_netmiko,
    commit_candidate,
    commit_command,
    commits_by_netmiko,
    seconds_of_timer,
)
from netpulse_drivers.netmiko.config.ensure import Plan, plan_change
from netpulse_drivers.netmiko.config.privilege import give_back_privilege, raise_privilege
from netpulse_drivers.netmiko.config.save import differs_from_startup, save_config
from netpulse_drivers.netmiko.config.sending import LineSender
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.platforms import Platform
from netpulse_drivers.results import ChangeResult, PendingCommit
from netpulse_drivers.terminal.byte_stream import StreamClosed
from netpulse_drivers.terminal.prompt import Prompt
from netpulse_drivers.terminal.reply import ReplyTimeout


def apply_change(
    session: NetmikoSession, change: ChangeRequest, args: NetmikoChangeArgs, *, secret: str | None
) -> ChangeResult:
    """Carry out a change and bring the session back to the prompt and the privilege that it had.

    Raises:
        UnsupportedOperation: the platform has no such thing; nothing was typed.
        CandidateDirty: the candidate holds somebody else's edits; no line was typed.
        CommandRefused: at the first refused line; ``outputs`` hold what was typed, ``details`` what had been applied.
        PrivilegeRefused; the session's ``operation`` adds the rest.
    """
    platform = session.platform
    refuse_unsupported(session.connection.device_type, platform, change, args)
    before = session.prompt
    try:
        if change.enable or (change.enable is None and platform.change_enables and _needs_device(change)):
            raise_privilege(session, secret)
        plan = plan_change(session, change, args)
        sent = _Sent(changed=bool(plan.lines))
        pending: PendingCommit | None = None
        if not change.dry_run:
            if plan.lines:
                since = time.time()
                sent = _send(session, plan, change, args, home=before)
                pending = _pending(platform, change, args, since) if sent.changed else None
            lasting = platform.saves_itself or (sent.committed and platform.commit_persists)
            sent.saved = bool(sent.changed and lasting)
            if session.unusable_reason:
                pass  # nothing more may be typed
            elif _wants_saving(session, change, args, changed=sent.changed is not False) and not sent.saved:
                session.progress.append(save_config(session, args.save_command))
                sent.saved = True
        return ChangeResult(
            outputs=list(session.progress),
            changed=sent.changed,
            diff=plan.diff,
            applied=plan.lines,
            saved=sent.saved,
            backup=plan.backup,
            pending=pending,
            warnings=sent.warnings,
            left_out=plan.left_out,
        )
    finally:
        if session.at_prompt and not session.unusable_reason:
            give_back_privilege(session, before)


def refuse_unsupported(name: str, platform: Platform, change: ChangeRequest, args: NetmikoChangeArgs) -> None:
    """Refuse what netmiko, or this platform of it, cannot do.

    Raises:
        UnsupportedOperation
    """
    if platform.no_changes:
        raise UnsupportedOperation(f"{name} {platform.no_changes}")
    platforms = [platform, *(variant for _, variant in platform.variants)]
    if change.replace:
        raise UnsupportedOperation(f"netmiko cannot replace the whole configuration of {name}; driver napalm can")
    if change.ensure is not None and change.lines and not any(one.comparable for one in platforms):
        policy = change.ensure
        if policy.match != "none" or policy.parents or policy.replace != "line":
            raise UnsupportedOperation(
                f"the configuration of {name} cannot be compared line by line: give ensure.match none without parents "
                "and replace, or send the lines as a plain change"
            )
    if change.revert_in is not None and not any(one.commit_confirmed for one in platforms):
        raise UnsupportedOperation(f"{name} has no commit with rollback timer (revert_in)")
    if change.message is not None and not any(one.commit_comment for one in platforms):
        raise UnsupportedOperation(f"{name} has no commit comment (message)")
    if commits_by_netmiko(name) and not args.commit:
        raise UnsupportedOperation(f"the candidate of {name} cannot be checked without committing it (commit: false)")
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


@dataclass(slots=True, kw_only=True)
class _Sent:
    """What became of the lines.

    Attributes:
        changed: whether the running configuration differs now; None: the device does not tell.
        committed: a candidate was committed.
        saved: what is running is what starts.
        warnings: what the caller should know.
    """

    changed: bool | None
    committed: bool = False
    saved: bool = False
    warnings: list[str] = field(default_factory=list)


def _pending(platform: Platform, change: ChangeRequest, args: NetmikoChangeArgs, since: float) -> PendingCommit | None:
    """What waits for its confirmation once the change has been sent with a timer."""
    if change.revert_in is None or not (args.commit and args.enter_config_mode):
        return None
    return PendingCommit(name="", seconds=seconds_of_timer(platform, change.revert_in), since=since)


def _send(
    session: NetmikoSession, plan: Plan, change: ChangeRequest, args: NetmikoChangeArgs, *, home: Prompt
) -> _Sent:
    """Send the lines, put them in force, and leave configuration mode."""
    sender = LineSender(session, args)
    sent = _Sent(changed=True)
    in_config = False
    if args.enter_config_mode:
        sent.warnings += enter_config_mode(session, args.config_mode_command)
        in_config = not is_modeless(session) and (session.prompt.in_config or bool(session.platform.mode_line))
    try:
        sender.send(plan.lines, in_config=in_config)
        if not session.at_prompt:
            return _left_open(session, plan, sent)
        if in_config and not sender.in_config and _has_candidate(session):
            return _left_early(session, plan, sender, sent)
        if args.enter_config_mode:
            _put_in_force(session, plan, change, args, sender=sender, sent=sent, home=home)
        else:
            _account_for_own_modes(session, sender, sent, home=home)
    except CommandRefused as error:
        _abandon(session, args, error, home=home)
        raise
    _doubt(session, args, sender, sent, lines=len(plan.lines))
    return sent


def _left_open(session: NetmikoSession, plan: Plan, sent: _Sent) -> _Sent:
    """The last line's answer ended (``terminator``) at a question: nothing more may be typed.

    Raises:
        CommandRefused: the lines stand in a candidate that nobody committed.
    """
    session.unusable_reason = "a question was left open"
    shown = session.progress[-1].output.strip().rpartition("\n")[2] if session.progress else ""
    left = f"'{plan.lines[-1]}' left a question open, {shown!r}: nothing more was typed and the session was closed"
    if session.platform.commit:
        raise CommandRefused(
            f"{left}, which throws away what was not committed; announce the question in answers",
            device_output=str(session.progress[-1].output),
            details=[{"line": plan.lines[-1], "number": len(plan.lines), "applied": []}],
            outputs=session.progress,
            session_usable=False,
        )
    sent.changed = None
    sent.warnings.append(f"{left}; it is not known whether that line took effect: announce the question in answers")
    return sent


def _has_candidate(session: NetmikoSession) -> bool:
    return bool(session.platform.commit) or commits_by_netmiko(session.connection.device_type)


def _left_early(session: NetmikoSession, plan: Plan, sender: LineSender, sent: _Sent) -> _Sent:
    """The last line left configuration mode, or the device: a commit would be typed as a command there.

    Raises:
        CommandRefused: nobody committed the lines.
    """
    if sender.committed:
        sent.committed = True
        return sent
    session.unusable_reason = "the lines left configuration mode before they were committed"
    raise CommandRefused(
        f"'{plan.lines[-1]}' left configuration mode, or led to another device, before the lines were committed: "
        "nothing more was typed, and the session was closed, which throws away what was not committed",
        device_output=str(session.progress[-1].output) if session.progress else "",
        details=[{"line": plan.lines[-1], "number": len(plan.lines), "applied": []}],
        outputs=session.progress,
        session_usable=False,
    )


def _put_in_force(
    session: NetmikoSession,
    plan: Plan,
    change: ChangeRequest,
    args: NetmikoChangeArgs,
    *,
    sender: LineSender,
    sent: _Sent,
    home: Prompt,
) -> None:
    platform = session.platform
    if commits_by_netmiko(session.connection.device_type):
        commit_by_netmiko(session)
        sent.committed = True
    elif platform.commit and args.commit:
        dirty = return_to_top(session) if platform.to_top else sender.dirty
        if not platform.commit_at_top:
            leave_config_mode(session, abort=False, home=home)
        effective = commit_candidate(
            session, commit_command(platform, change), args, renames=any(map(platform.renames.match, plan.lines))
        )
        sent.changed = sender.committed or (effective and dirty is not False)
        sent.committed = True
    elif platform.commit:
        if platform.commit_check:
            commit_candidate(session, platform.commit_check, args, checked_only=True)
        sent.changed = sender.committed
        sent.warnings.append("commit is false: the candidate configuration was thrown away")
    closed = leave_config_mode(session, abort=bool(platform.commit) and not args.commit, home=home)
    if closed:
        sent.warnings.append(f"the lines left blocks open: '{closed[0]}' was typed {len(closed)} times to close them")


def _account_for_own_modes(session: NetmikoSession, sender: LineSender, sent: _Sent, *, home: Prompt) -> None:
    """After lines that enter and leave configuration mode by themselves (``enter_config_mode: false``)."""
    has_candidate = _has_candidate(session)
    if has_candidate:
        sent.committed = sender.committed
        sent.changed = True if sender.committed else None
        if not sender.committed:
            sent.warnings.append(
                "enter_config_mode is false and no line was a commit: it is not known whether anything is in force"
            )
    if not session.prompt.in_config or home.in_config:
        return
    if has_candidate:
        session.unusable_reason = "the lines left the session in configuration mode"
        sent.warnings.append("the lines left the session in configuration mode: it was closed, which may discard them")
    else:
        leave_config_mode(session, abort=False, home=home)


def _doubt(session: NetmikoSession, args: NetmikoChangeArgs, sender: LineSender, sent: _Sent, *, lines: int) -> None:
    """Say what is not known about the change."""
    name = session.connection.device_type
    if sender.refused:
        sent.warnings.append("check_errors is false and the device refused lines: " + "; ".join(sender.refused))
        if len(sender.refused) == lines:
            sent.changed = False
    if sent.changed and not session.platform.refusals.known and args.error_pattern is None:
        sent.changed = None
        sent.warnings.append(
            f"the driver does not know the texts with which {name} refuses a line: read the outputs, or give "
            "error_pattern in driver_args"
        )


def _abandon(session: NetmikoSession, args: NetmikoChangeArgs, error: CommandRefused, *, home: Prompt) -> None:
    """Leave configuration mode after a refusal; a candidate is thrown away. The refusal stays the error to report."""
    if session.unusable_reason:
        error.session_usable = False
        return
    if commits_by_netmiko(session.connection.device_type) or (
        not args.enter_config_mode and session.prompt.in_config and not home.in_config
    ):
        session.unusable_reason = "a line of a change was refused in configuration mode"
    elif args.enter_config_mode:
        try:
            leave_config_mode(session, abort=True, home=home)
        except (ReplyTimeout, StreamClosed, paramiko.SSHException, OSError):
            session.unusable_reason = "configuration mode could not be left after a refused line"
    if session.unusable_reason:
        error.session_usable = False
