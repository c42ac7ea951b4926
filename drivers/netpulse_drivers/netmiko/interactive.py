"""Interactive sessions of the netmiko driver: the caller's exchanges run on the session that jobs use as well.

Meanwhile the caller leads the dialogue, so the session may stand in any mode and at any question. What the driver
keeps to itself: it types nothing of its own in between, and it knows after each exchange whether the session stands at
a verified prompt. At both ends the session is out of configuration mode and at the privilege that the login had; one
that cannot be brought there without guessing is closed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import paramiko

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import CommandTimeout, SessionLost, SessionStale, UnsupportedOperation
from netpulse_drivers.interactive import Exchange, ExchangeError, ExchangeResult, FileProtocol, Opening
from netpulse_drivers.netmiko.file_copy import fetch, send
from netpulse_drivers.netmiko.login_state import return_to_login
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.terminal.byte_stream import SSHStream, StreamClosed
from netpulse_drivers.terminal.prompt import Prompt
from netpulse_drivers.terminal.terminal_exchange import ExchangeEnd, TerminalExchange
from netpulse_drivers.terminal.terminal_text import last_line, only_asynchronous

if TYPE_CHECKING:
    from netpulse_drivers.base import Call

FRESHLY_PROVEN = 2.0
"""Seconds for which a prompt counts as seen just now, if nothing has come since. Tasks of a playbook follow each other
closely; each would pay for a round trip to the device."""

VERIFY_TIMEOUT = 10.0
"""Seconds for the prompt at the start of an interactive session."""

NORMALISE_TIMEOUT = 30.0
"""Seconds for leaving modes at the end of an interactive session."""

SEND_TIMEOUT = 60.0
"""Seconds for the device to take what is typed."""

QUIET = 0.5
"""Seconds that are waited for a prompt when something unexpected stands in the channel. Nothing is typed meanwhile."""


class InteractiveSupport:
    """Mixed into ``NetmikoDriver``; see ``netpulse_drivers.interactive.InteractiveDriver``."""

    call: Call

    def open_interactive(self, session: NetmikoSession) -> Opening:
        """See that the session stands at its prompt, then normalise.

        Between operations it stands at a verified one; when that was a while ago it is asked to show it again.
        """
        if session.connection.protocol == "ssh":
            # From now on the driver ends lines as exchanges do. A line feed (netmiko's RETURN) that comes right after
            # an exchange's carriage return counts as its second half: the next RETURN would be answered by nothing.
            session.connection.RETURN = "\r"
        with session.operation(self.call):
            if session.interrupted or time.monotonic() - session.proven_at > FRESHLY_PROVEN:
                session.ask("", deadline=session.connection.deadline.sooner(VERIFY_TIMEOUT), verify=False)
        _check_login_state(session, self.call)
        return Opening(prompt=_bytes(session, session.prompt.text), privilege=_privilege(session.prompt))

    def exchange(self, session: NetmikoSession, exchange: Exchange, *, watch: Callable[[], None]) -> ExchangeResult:
        """Carry one out; see ``TerminalExchange``."""
        terminal = TerminalExchange(
            exchange,
            receive=session.connection.receive,
            write=lambda data: _write(session, data),
            own_prompt=lambda line: _own_prompt(session, line),
            watch=watch,
        )
        began_at_prompt = session.at_prompt
        try:
            with _dialogue(session, self.call, exchange.timeout):
                already = _before(session, exchange)
                session.at_prompt = began_at_prompt and exchange.command is None
                end = terminal.run(already=already)
        except (SessionLost, SessionStale, CommandTimeout) as error:
            shown = ExchangeError(code=error.code, message=error.message, response=terminal.received)
            return ExchangeResult(seq=exchange.seq, response=terminal.received, error=shown, lease_open=False)
        except BaseException:
            # Given up (stopped, caller gone, right to the device lost): half an exchange may be on its way.
            session.unusable_reason = session.unusable_reason or "an exchange was given up"
            raise
        return _concluded(session, end, _text(exchange.command or b""))

    def normalise(self, session: NetmikoSession) -> None:
        """Read up to a prompt if the dialogue did not end at one, then leave modes and privilege."""
        with _dialogue(session, self.call, NORMALISE_TIMEOUT):
            if not session.at_prompt and not session.unusable_reason:
                _await_prompt(session, _drain(session))
        _check_login_state(session, self.call)

    def send_file(
        self, session: NetmikoSession, path: str, chunks: Iterable[bytes], *, size: int | None, protocol: FileProtocol
    ) -> int:
        """Over a channel of its own in the session's SSH connection."""
        return send(_transport(session), path, chunks, size=size, protocol=protocol, call=self.call)

    def fetch_file(self, session: NetmikoSession, path: str, *, protocol: FileProtocol) -> Iterator[bytes]:
        """Likewise."""
        return fetch(_transport(session), path, protocol=protocol, call=self.call)


# -- the dialogue ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _dialogue(session: NetmikoSession, call: Call, seconds: float) -> Iterator[None]:
    """Deadline and guard for raw reading and writing; a broken connection as the error that says what it means.

    Raises:
        SessionStale: dead before anything was written. SessionLost: dead afterwards.
    """
    connection = session.connection
    connection.guard, connection.wrote = call.before_write, False
    connection.deadline = call.deadline.sooner(seconds)
    try:
        if session.unusable_reason:
            raise SessionStale(f"session is dead: {session.unusable_reason}")
        yield
    except (StreamClosed, paramiko.SSHException, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        session.unusable_reason = session.unusable_reason or reason
        if connection.wrote:
            raise SessionLost(f"session broke after something had been typed: {reason}") from error
        raise SessionStale(f"session broke before anything was typed: {reason}") from error
    finally:
        connection.guard, connection.deadline = _forbidden, Deadline.never()


def _write(session: NetmikoSession, data: bytes) -> None:
    connection = session.connection
    stream = connection.live_stream()
    if not connection.wrote:
        reason = stream.ended()
        if reason:
            raise StreamClosed(reason)
    connection.guard()
    connection.wrote = True
    stream.send(data, SEND_TIMEOUT)


def _before(session: NetmikoSession, exchange: Exchange) -> bytes:
    """What stands in the channel before an exchange and belongs to its answer.

    At a prompt nothing belongs to it: messages that the device prints by itself are dropped, and anything else must
    end in a prompt, without typing, or the session is not where it seems to be.

    Raises:
        CommandTimeout: it is not; nothing was typed.
    """
    came = _drain(session)
    if not session.at_prompt:
        return came
    if exchange.command is None:
        at_prompt = session.prompt.accepts(last_line(_text(came)))
        return came if at_prompt else came + _bytes(session, session.prompt.text)
    if came.strip() and not only_asynchronous(came.decode("utf-8", "replace"), session.platform.logs):
        _await_prompt(session, came)
    return b""


def _drain(session: NetmikoSession) -> bytes:
    parts = []
    while data := session.connection.receive(0.0):
        parts.append(data)
    return b"".join(parts)


def _await_prompt(session: NetmikoSession, came: bytes) -> None:
    """Read until a prompt stands at the end and nothing follows.

    Raises:
        CommandTimeout: it does not come; the session may not be used any more.
    """
    deadline = session.connection.deadline.sooner(QUIET)
    while True:
        line = last_line(_text(came[-4096:]))
        at_prompt = bool(line) and (session.prompt.accepts(line) or session.prompt.resembles(line))
        data = session.connection.receive(deadline.remaining(at_most=0.05 if at_prompt else QUIET))
        if data:
            came += data
        elif at_prompt:
            session.arrived_at(line)
            return
        elif deadline.passed:
            session.at_prompt = False
            session.unusable_reason = session.unusable_reason or "the session does not stand at a prompt"
            shown = came.decode("utf-8", "replace")[-2000:]
            raise CommandTimeout(
                f"the session does not stand at a prompt (last line {line!r}): closed, nothing was typed",
                device_output=shown,
            )


def _concluded(session: NetmikoSession, end: ExchangeEnd, typed: str) -> ExchangeResult:
    """What the exchange leaves behind: where the session stands, and whether it may be used further."""
    result = end.result
    line = _text(end.last_line)
    before = session.prompt
    elsewhere = end.ended and result.matched_prompt is not None and before.resembles(line)
    if end.at_prompt or elsewhere:
        session.arrived_at(line)
        session.renamed = session.renamed or (not end.at_prompt and session.platform.renames.match(typed) is not None)
        session.note_context(typed)
        session.note_hop(typed, _text(result.response), before=before)
    else:
        session.at_prompt = False
    if not end.ended and not session.at_prompt:
        session.unusable_reason = session.unusable_reason or (
            result.error.code if result.error else "an exchange did not end"
        )
        result.lease_open = False
    return result


def _own_prompt(session: NetmikoSession, line: bytes) -> bool:
    return bool(line) and session.prompt.accepts(_text(line))


# -- both ends of a dialogue ----------------------------------------------------------------------------------------


def _check_login_state(session: NetmikoSession, call: Call) -> None:
    """Raise if the session cannot be brought to where the login left it."""
    shown = session.prompt.text
    if return_to_login(session, call):
        return
    session.unusable_reason = session.unusable_reason or "mode and privilege of the login could not be restored"
    raise SessionLost(
        f"the session is closed: {session.unusable_reason} "
        f"(prompt {shown!r}, after login {session.login_prompt.text!r})",
        device_output=shown,
    )


def _privilege(prompt: Prompt) -> int | None:
    """The privilege level, where the prompt shows it: Cisco's and its likes' 15 and 1."""
    if prompt.platform.privileged != "#":
        return None
    return 15 if prompt.privileged else 1


def _transport(session: NetmikoSession) -> paramiko.Transport:
    stream = session.connection.stream
    transport = stream.channel.get_transport() if isinstance(stream, SSHStream) else None
    if transport is None:
        raise UnsupportedOperation("files are copied over SSH only, and this session is none")
    return transport


def _bytes(session: NetmikoSession, text: str) -> bytes:
    return text.encode(session.connection.encoding, "replace")


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _forbidden() -> None:
    raise AssertionError("a write outside an exchange")
