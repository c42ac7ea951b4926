"""Telnet to a device: option negotiation as far as clients need it, then the device's own login dialogue.

RFC 854 (commands), RFC 857 (echo), RFC 858 (suppress go-ahead), RFC 1073 (window size).
"""

from __future__ import annotations

import asyncio

from .dialogue_terminal import DialogueTerminal
from .faults import Cut
from .gate import Gate
from .outcome import Ask, Leave, Outcome, Pause
from .ssh_server import greeting
from .terminal import Terminal

_IAC, _DONT, _DO, _WONT, _WILL, _SB, _SE = 255, 254, 253, 252, 251, 250, 240
_ECHO, _SUPPRESS_GO_AHEAD, _WINDOW_SIZE = 1, 3, 31
_OURS = (_ECHO, _SUPPRESS_GO_AHEAD)
_ATTEMPTS = 3


class TelnetSession(asyncio.Protocol):
    """One Telnet connection."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._device = gate.device
        self._terminal: Terminal | DialogueTerminal | None = None
        self._command = bytearray()
        """An option command that has not come completely."""
        self._attempts = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._gate.write(bytes([_IAC, _WILL, _ECHO, _IAC, _WILL, _SUPPRESS_GO_AHEAD, _IAC, _DO, _WINDOW_SIZE]))
        if self._device.dialogue is not None:
            dialogue = DialogueTerminal(device=self._device, wire=self)
            self._terminal = dialogue
            self._gate.terminals.add(dialogue)
            dialogue.start_telnet(self._dialogue_logged_in)
            return
        self._terminal = Terminal(device=self._device, wire=self)
        self._gate.terminals.add(self._terminal)
        text = self._device.banner("login")
        self._terminal.start(self._ask_name(f"\n{text}\nUser Access Verification\n\n"))

    def data_received(self, data: bytes) -> None:
        typed = self._strip_commands(data)
        if typed and self._terminal is not None:
            self._terminal.receive(typed)

    def connection_lost(self, exc: Exception | None) -> None:
        self._terminal = None

    # -- login -------------------------------------------------------------------------------------------------------

    def _ask_name(self, text: str) -> Outcome:
        return Ask(text=text, question=self._device.platform.login_prompts[0], then=self._named)

    def _named(self, name: str) -> Outcome:
        if not name.strip():
            return self._ask_name("")
        question = self._device.platform.login_prompts[1]
        return Ask(question=question, then=lambda password: self._delayed(name.strip(), password), echo=False)

    def _delayed(self, name: str, password: str) -> Outcome:
        return Pause(seconds=self._device.faults.auth_delay, then=lambda: self._judge(name, password))

    def _judge(self, name: str, password: str) -> Outcome:
        device, faults = self._device, self._device.faults
        privilege = device.platform.check_password(device, name, password)
        if privilege is None or faults.take_auth_failure():
            device.journal.counters.auth_failures += 1
            device.journal.event("authentication failed", username=name, source=self._gate.peer)
            self._attempts += 1
            failed = device.platform.login_failed
            return Leave(failed) if self._attempts >= _ATTEMPTS else self._ask_name(failed)
        if faults.session_limit_at == "login" and device.session_refused():
            device.journal.counters.refused_sessions += 1
            device.journal.event("session refused", username=name)
            return Leave()
        self._gate.logged_in(name)
        assert isinstance(self._terminal, Terminal), "a password was typed"
        self._terminal.shell = device.shell(username=name, privilege=privilege, session=self._gate.session)
        return greeting(device)

    def _dialogue_logged_in(self) -> int:
        self._gate.logged_in(self._device.spec.username)
        return self._gate.session

    # -- options -----------------------------------------------------------------------------------------------------

    def _strip_commands(self, data: bytes) -> bytes:
        """Answer option commands; returns what was typed. CR NUL is RETURN (RFC 854)."""
        if not self._command and _IAC not in data:
            return data.replace(b"\r\0", b"\r")
        typed = bytearray()
        for byte in data:
            if self._command:
                self._command.append(byte)
                if self._complete():
                    if self._command == bytes([_IAC, _IAC]):
                        typed.append(_IAC)
                    self._answer(bytes(self._command))
                    self._command.clear()
            elif byte == _IAC:
                self._command.append(byte)
            else:
                typed.append(byte)
        return bytes(typed).replace(b"\r\0", b"\r")

    def _complete(self) -> bool:
        verb = self._command[1]
        if verb == _SB:
            return len(self._command) > 3 and self._command[-2:] == bytes([_IAC, _SE])
        return len(self._command) == (3 if verb in (_DO, _DONT, _WILL, _WONT) else 2)

    def _answer(self, command: bytes) -> None:
        verb = command[1]
        if verb == _DO and command[2] not in _OURS:
            self._gate.write(bytes([_IAC, _WONT, command[2]]))
        elif verb == _WILL and command[2] not in (_WINDOW_SIZE, _SUPPRESS_GO_AHEAD):
            self._gate.write(bytes([_IAC, _DONT, command[2]]))

    # -- the terminal's wire -----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        self._gate.write(data.replace(b"\xff", b"\xff\xff"))

    def finish(self) -> None:
        self._gate.cut("close")

    def cut(self, action: Cut) -> None:
        self._gate.cut(action)
