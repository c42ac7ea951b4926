"""After a job the kept session stands where the login left it: same device, same context, exec mode, same privilege.

Mode and privilege are undone in the platform's own way. A session that stands on another device or in another context,
or at an open question, cannot be brought back without guessing and is closed.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import NetPulseError
from netpulse_drivers.netmiko.config.change_modes import leave_config_mode, mode_after
from netpulse_drivers.netmiko.config.privilege import give_back_privilege

if TYPE_CHECKING:
    from netpulse_drivers.base import Call
    from netpulse_drivers.netmiko.session import NetmikoSession

WAY_BACK = 30.0
"""Seconds for leaving modes and privilege after a job, however little of its own time is left."""

_STEP = 10.0
"""Seconds for one command of it."""


def return_to_login(session: NetmikoSession, call: Call) -> bool:
    """Whether the session stands where the login left it; else it must be closed, and ``unusable_reason`` says why."""
    if _is_there(session):
        return True
    if session.unusable_reason or not session.at_prompt:
        session.unusable_reason = session.unusable_reason or "a question was left open"
        return False
    try:
        with session.operation(replace(call, deadline=Deadline.after(WAY_BACK))):
            go_back(session)
    except NetPulseError as error:
        session.unusable_reason = session.unusable_reason or error.message
    return _is_there(session)


def go_back(session: NetmikoSession) -> None:
    """Leave modes, discarding what is not committed, and give back privilege; within an operation.

    Typed is only what the platform is known to understand, and only on the device and in the context of the login.
    """
    if session.renamed and not session.prompt.in_config:
        _take_new_name(session)
    if not _same_device(session) or session.in_context:
        session.unusable_reason = (
            session.unusable_reason
            or f"the job left it at {session.prompt.text!r}, the login was at {session.login_prompt.text!r}"
        )
        return
    platform = session.platform
    if platform.config_session and re.search(platform.config_session, session.prompt.text):
        session.ask(platform.config_session_abort, deadline=session.connection.deadline.sooner(_STEP))
    if session.prompt.in_config or _mode_above(session):
        leave_config_mode(session, abort=True, home=session.login_prompt)
    if session.renamed and session.at_prompt and not session.prompt.in_config:
        _take_new_name(session)
    if session.at_prompt and not session.prompt.in_config and not session.prompt.same_place(session.login_prompt):
        _give_back_privilege(session)


def _is_there(session: NetmikoSession) -> bool:
    if session.unusable_reason or not session.at_prompt or session.wandered:
        if session.wandered:
            session.unusable_reason = session.unusable_reason or "a command of the job may have led to another device"
        return False
    prompt, login_prompt = session.prompt, session.login_prompt
    if _mode_above(session):
        return False
    if prompt is login_prompt:
        session.renamed = False
        return True
    if not prompt.same_place(login_prompt):
        return False
    session.login_prompt = session.prompt = prompt.as_login()
    session.renamed = False
    return True


def _mode_above(session: NetmikoSession) -> bool:
    """Whether the line above the prompt shows configuration mode, on platforms that have one."""
    return bool(session.platform.mode_line) and mode_after(session, session.connection.transcript).config


def _same_device(session: NetmikoSession) -> bool:
    prompt, login_prompt = session.prompt, session.login_prompt
    if session.renamed or login_prompt.accepts(prompt.text):
        return True
    if not session.platform.context_moves or login_prompt.privileged or not prompt.privileged:
        return False
    # A shell's prompt names another user once the privilege has been raised.
    return prompt.parts.host.rpartition("@")[2] == login_prompt.parts.host.rpartition("@")[2] != ""


def _take_new_name(session: NetmikoSession) -> None:
    """The device has another name: where the session returns to looks accordingly."""
    session.renamed = False
    prompt, login_prompt = session.prompt, session.login_prompt
    if login_prompt.accepts(prompt.text) or prompt.parts.context != login_prompt.parts.context:
        return
    same = prompt.text.replace(prompt.parts.host, login_prompt.parts.host, 1)
    renamed_login = prompt.as_login()
    if not prompt.moved_to(same).same_place(login_prompt):
        # The privilege of the login under the new name.
        renamed_login = (
            prompt.as_login()
            .moved_to(login_prompt.text.replace(login_prompt.parts.host, prompt.parts.host, 1))
            .as_login()
        )
    session.login_prompt = renamed_login
    session.prompt = renamed_login if renamed_login.text == prompt.text else renamed_login.moved_to(prompt.text)


def _give_back_privilege(session: NetmikoSession) -> None:
    platform = session.platform
    if platform.privileged:
        give_back_privilege(session, session.login_prompt)
        return
    method = type(session.connection).exit_enable_mode
    command = inspect.signature(method).parameters.get("exit_command")
    typed = command.default if command is not None else ""
    if not isinstance(typed, str) or not typed:
        return
    session.ask(typed, deadline=session.connection.deadline.sooner(_STEP))
