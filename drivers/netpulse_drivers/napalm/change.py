"""A change: NAPALM's candidate, compared, then committed or discarded."""

from __future__ import annotations

import time
from typing import Any

from netpulse_drivers.base import Call, ChangeRequest, EnsurePolicy
from netpulse_drivers.errors import DriverError, UnsupportedOperation
from netpulse_drivers.napalm.arguments import NapalmChangeArgs
from netpulse_drivers.napalm.session import NapalmSession
from netpulse_drivers.results import ChangeResult, Output, PendingCommit

_NO_DIFFERENCE_KNOWN = "! incremental-diff failed"
"""NAPALM's ios driver says so when the device cannot compare, and shows the lines themselves."""


def apply_change(session: NapalmSession, change: ChangeRequest, args: NapalmChangeArgs, call: Call) -> ChangeResult:
    """Carry out a change.

    Raises:
        UnsupportedOperation: NAPALM or its driver for this platform has no such thing; nothing was changed.
        CommandRefused: the device refused the candidate or its commit.
    """
    _refuse_unsupported(change)
    policy = change.ensure or EnsurePolicy()
    replace = change.replace or args.replace
    lines = [*policy.parents, *change.lines]
    started = time.monotonic()
    backup = _running(session, call) if policy.backup else None
    if not lines:
        outputs = []
        if not change.dry_run and (change.save or policy.save_when == "always"):
            outputs.append(Output("save", _save(session, call), time.monotonic() - started))
        return ChangeResult(outputs=outputs, changed=False, saved=bool(outputs), backup=backup)
    diff = _load(session, lines, replace=replace, call=call, ensure=change.ensure is not None)
    if diff and (policy.before or policy.after):
        _discard(session, call)
        lines = [*policy.before, *lines, *policy.after]
        diff = _load(session, lines, replace=replace, call=call, ensure=True)
    changed, saved = bool(diff), False
    pending: PendingCommit | None = None
    if changed and not change.dry_run:
        pending = _commit(session, change, call)
        saved = session.platform.saves and change.revert_in is None
    else:
        _discard(session, call)
    if not saved and not change.dry_run and (change.save or policy.save_when == "always"):
        _save(session, call)
        saved = True
    extra = {} if change.revert_in is None or change.dry_run else {"confirm_within": int(change.revert_in)}
    step = "replace" if replace else "merge"
    return ChangeResult(
        outputs=[Output(step, diff, time.monotonic() - started, changed=changed, extra=extra)],
        changed=changed,
        diff=diff,
        applied=lines if changed else [],
        saved=saved,
        backup=backup,
        pending=pending,
    )


def _refuse_unsupported(change: ChangeRequest) -> None:
    policy = change.ensure
    if change.revert_in is not None and change.revert_in < 1:
        raise UnsupportedOperation("revert_in is at least one second")
    if change.revert_in is not None and (change.save or (policy is not None and policy.save_when == "always")):
        raise UnsupportedOperation("save and revert_in exclude each other: confirming saves")
    if not change.lines and policy is None and change.dry_run:
        raise UnsupportedOperation("dry_run of nothing")
    if policy is None:
        return
    if policy.match not in ("line", "none") or policy.replace != "line":
        raise UnsupportedOperation(
            "ensure.match strict or exact and ensure.replace block: driver napalm lets the device compare; driver "
            "netmiko compares by itself"
        )
    if policy.running_config is not None or policy.diff_ignore_lines:
        raise UnsupportedOperation(
            "ensure.running_config and diff_ignore_lines: driver napalm lets the device compare; driver netmiko "
            "compares by itself"
        )
    if policy.save_when == "modified":
        raise UnsupportedOperation("ensure.save_when modified: NAPALM's commits save; use changed or always")


def _load(session: NapalmSession, lines: list[str], *, replace: bool, call: Call, ensure: bool) -> str:
    """Put the lines into the candidate: how it differs. A candidate that cannot be used is discarded."""
    what = "load_replace_candidate" if replace else "load_merge_candidate"
    text = "\n".join(lines) + "\n"
    try:
        with session.operation(call, what) as device:
            getattr(device, what)(config=text)
            diff = str(device.compare_config() or "")
        if ensure and diff.startswith(_NO_DIFFERENCE_KNOWN):
            raise UnsupportedOperation(
                "this device cannot tell how a candidate differs, so NAPALM cannot make an idempotent change; driver "
                "netmiko can"
            )
    except DriverError as error:
        _after_failure(session, call, error)
        raise
    return diff


def _commit(session: NapalmSession, change: ChangeRequest, call: Call) -> PendingCommit | None:
    options: dict[str, Any] = {}
    if change.message is not None:
        options["message"] = change.message
    if change.revert_in is not None:
        options["revert_in"] = int(change.revert_in)
    since = time.time()
    try:
        with session.operation(call, f"commit with {' and '.join(options)}" if options else "commit") as device:
            name = getattr(device, "config_session", None)
            device.commit_config(**options)
            if change.revert_in is None:
                return None
            if name is not None:
                # eos: the device keeps the pending session; an object that remembered it would abort it when next used.
                device.config_session = None
    except DriverError as error:
        _after_failure(session, call, error)
        raise
    return PendingCommit(name=name or "", seconds=int(change.revert_in), since=since)


def _after_failure(session: NapalmSession, call: Call, error: DriverError) -> None:
    """Discard what was loaded; the failure stays the error to report."""
    if session.unusable_reason or not error.session_usable:
        return
    try:
        _discard(session, call)
    except DriverError as trouble:
        error.details.append({"discard": trouble.message})


def _discard(session: NapalmSession, call: Call) -> None:
    with session.operation(call, "discard_config") as device:
        device.discard_config()


def _save(session: NapalmSession, call: Call) -> str:
    try:
        return session.save(call)
    except NotImplementedError as error:
        raise UnsupportedOperation(f"NAPALM's driver for {session.platform.name} has no {error}") from None


def _running(session: NapalmSession, call: Call) -> str:
    with session.operation(call, "get_config") as device:
        return str(device.get_config(retrieve="running")["running"])
