"""A command line in memory, for platforms that no lab has: it answers by script and records what is typed."""

from __future__ import annotations

from collections.abc import Mapping

from netpulse_drivers import Call, Deadline
from netpulse_drivers.netmiko.event_driven import event_driven_class
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.platforms import platform_of
from netpulse_drivers.terminal.byte_stream import StreamClosed

Script = Mapping[tuple[str, str], tuple[str, str]]
"""(prompt, typed line) -> (text, next prompt or question). A line that is not in it gives the same prompt again."""


class ScriptedCli:
    """The stream of a session with such a command line."""

    def __init__(self, prompt: str, script: Script) -> None:
        self.prompt = prompt
        self.script = script
        self.typed: list[str] = []
        self._out = b""
        self._line = ""
        self._closed = False

    def receive(self, timeout: float) -> bytes:
        if self._closed:
            raise StreamClosed("closed")
        data, self._out = self._out, b""
        return data

    def send(self, data: bytes, timeout: float) -> None:
        for character in data.decode().replace("\r\n", "\n"):
            if character not in "\r\n":
                self._line += character
                continue
            line, self._line = self._line, ""
            self.typed.append(line)
            text, self.prompt = self.script.get((self.prompt, line), ("", self.prompt))
            self._out += f"{line}\r\n{text}{self.prompt}".replace("\n", "\r\n").replace("\r\r", "\r").encode()

    def ended(self) -> str:
        return "closed" if self._closed else ""

    def close(self) -> None:
        self._closed = True


def session_with(device_type: str, prompt: str, script: Script) -> tuple[NetmikoSession, ScriptedCli]:
    """A session that has logged in already."""
    connection = event_driven_class(device_type)(
        device_type=device_type, host="192.0.2.1", username="u", password="p", auto_connect=False
    )
    cli = ScriptedCli(prompt, script)
    connection.attach(cli)  # type: ignore[arg-type]  # a stand-in
    session = NetmikoSession(connection, platform_of(device_type))
    connection.base_prompt = prompt.rsplit("\n", maxsplit=1)[-1].rstrip(" #>$")
    with_call = Call(deadline=Deadline.after(10))
    connection.guard, connection.deadline = with_call.before_write, with_call.deadline
    session.learn_prompt()
    session.rest()
    cli.typed.clear()
    return session, cli
