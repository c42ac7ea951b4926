"""Raising and giving back privilege, without waiting for prompts that will not come.

netmiko sends the secret and waits ten seconds for a prompt; a device that refuses it asks again at once.
"""

from __future__ import annotations

import re

from netmiko.exceptions import NetmikoTimeoutException
from netmiko.no_enable import NoEnable

from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.errors import PrivilegeRefused
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.terminal.prompt import Prompt
from netpulse_drivers.terminal.refusals import refused_line
from netpulse_drivers.terminal.reply import Reply, ReplyEnd
from netpulse_drivers.terminal.terminal_text import last_line

ENABLE_TIMEOUT = 20.0
"""Seconds for the answer to ``enable`` or to the secret: an AAA server may have to be asked."""

_USER_NAME = BoundedRegex(r"(?i)(?:user ?name|login)[^\n]{0,60}:\s*$", name="user name question")
"""FastIron and others ask for it where users are local or an AAA server's."""

_PASSWORD = BoundedRegex(r"(?i)(?:pass(?:word|code)|passwort|secret)[^\n]{0,60}:\s*$", name="password question")


def raise_privilege(session: NetmikoSession, secret: str | None) -> None:
    """Enter privileged mode; nothing is typed if the session is there already.

    Raises:
        PrivilegeRefused: secret missing or refused. The session stays usable when the device is back at its prompt;
            when it asks for the secret again the session is closed, because every further answer, an empty one too,
            counts as another wrong password.
    """
    platform = session.platform
    if platform.privileged and session.prompt.privileged:
        return
    if not platform.privileged or not platform.enable:
        _by_netmiko(session, secret)
        return
    reply = _ask(session, platform.enable, verify=True)
    if reply.ended_by == "expected" and _USER_NAME.search(reply.last_line):
        reply = _ask(session, session.connection.username or "", verify=False)
        if _USER_NAME.search(reply.last_line):
            session.unusable_reason = "a question for a user name was left open"
            raise PrivilegeRefused("the device refused the user name", device_output=reply.output, session_usable=False)
    if reply.ended_by == "expected":
        if secret is None:
            session.unusable_reason = "a password question was left open"
            raise PrivilegeRefused(
                f"the device asks for a secret after '{platform.enable}': give connection_args.secret",
                device_output=reply.output,
                session_usable=False,
            )
        reply = _ask(session, secret, verify=False)
        if reply.ended_by == "expected":
            session.unusable_reason = "a password question was left open"
            raise PrivilegeRefused("the device refused the secret", device_output=reply.output, session_usable=False)
    if not session.prompt.privileged:
        said = refused_line(reply.output, platform.refusals) or _first_line(reply.output)
        raise PrivilegeRefused(
            f"the device did not raise the privilege: {said}" if said else "the device did not raise the privilege",
            device_output=reply.output,
        )


def give_back_privilege(session: NetmikoSession, wanted: Prompt) -> None:
    """Return to the privilege that the wanted prompt shows."""
    if wanted.privileged or not session.prompt.privileged or not session.platform.disable:
        return
    session.ask(
        session.platform.disable,
        deadline=session.connection.deadline.sooner(ENABLE_TIMEOUT),
        also=BoundedRegex(f"^{re.escape(wanted.text)}$", name="prompt"),  # a shell's has the user's name in it
    )


def _ask(session: NetmikoSession, typed: str, *, verify: bool) -> Reply:
    """Type ``enable`` or the secret; the answer ends at a prompt or at a password question."""
    prompt = session.prompt
    raised = session.platform.raised_prompt
    session.at_prompt = False
    reply = session.connection.exchange(
        typed,
        verify=verify,
        end=ReplyEnd(
            prompt=lambda line: prompt.accepts(line) or _is_question(line),
            foreign_prompt=lambda line: prompt.resembles(line) or bool(raised and re.fullmatch(raised, line)),
        ),
        deadline=session.connection.deadline.sooner(ENABLE_TIMEOUT),
    )
    if _is_question(reply.last_line):
        return Reply(echo=reply.echo, output=reply.output, last_line=reply.last_line, ended_by="expected")
    session.arrived_at(reply.last_line)
    return reply


def _is_question(line: str) -> bool:
    return _PASSWORD.search(line) is not None or _USER_NAME.search(line) is not None


def _by_netmiko(session: NetmikoSession, secret: str | None) -> None:
    """Platforms whose prompts do not show privilege: netmiko knows what to look for."""
    connection = session.connection
    if isinstance(connection, NoEnable):
        return
    connection.secret = secret or ""
    session.at_prompt = False
    try:
        connection.enable()
        line = connection.find_prompt()
    except NetmikoTimeoutException as error:
        session.unusable_reason = "raising privilege failed"
        raise PrivilegeRefused(
            "the device did not raise the privilege in time", device_output=connection.transcript, session_usable=False
        ) from error
    except (ValueError, NotImplementedError, AttributeError) as error:
        session.unusable_reason = "raising privilege failed"
        raise PrivilegeRefused(
            f"the device did not raise the privilege: {_first_line(str(error))}",
            device_output=last_line(connection.transcript),
            session_usable=False,
        ) from error
    session.arrived_at(line)


def _first_line(text: str) -> str:
    return next((line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()), "")
