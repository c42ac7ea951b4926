"""A driver whose device is a dict in this process; what happens is scripted by the test."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

from netpulse_drivers import (
    AuthenticationFailed,
    BaseDriver,
    ChangeRequest,
    ChangeResult,
    ConnectionArgs,
    Output,
)

GOOD = "correct-horse"


@dataclass
class Device:
    """What the test looks at.

    Attributes:
        logins, refused: counted.
        closed: numbers of the sessions that were closed, in order.
        closed_by, aborted_by: the threads that did it.
        dead: numbers of the sessions that no longer answer.
        password: the one that it takes.
        answers: command -> value to return, exception to raise, or function to call.
        written: commands that reached it, those answered by functions aside.
    """

    logins: int = 0
    refused: int = 0
    keepalives: int = 0
    closed: list[int] = field(default_factory=list)
    closed_by: list[int] = field(default_factory=list)
    aborted_by: list[int] = field(default_factory=list)
    dead: set[int] = field(default_factory=set)
    answers: dict[str, Any] = field(default_factory=dict)
    password: str = GOOD
    written: list[str] = field(default_factory=list)
    on_connect: Any = None
    blocked: threading.Event = field(default_factory=threading.Event)
    numbers: Any = field(default_factory=lambda: itertools.count(1))


class ScriptedDriver(BaseDriver):
    driver_name = "scripted"
    device: ClassVar[Device]
    connection_args_model = ConnectionArgs
    is_alive_answer: ClassVar[Any] = None

    def connect(self) -> int:
        if self.device.on_connect is not None:
            self.device.on_connect()
        password = self.args.password.get_secret_value() if self.args.password else ""
        if password != self.device.password:
            self.device.refused += 1
            raise AuthenticationFailed(f"refused {password}")
        self.device.logins += 1
        return next(self.device.numbers)

    def send(self, session: int, command: str) -> Any:
        answer = self.device.answers.get(command, f"{command} on {session}")
        if callable(answer):
            return answer(self, session)
        self.call.before_write()
        self.device.written.append(command)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def config(self, session: int, change: ChangeRequest) -> ChangeResult:
        outputs = [Output(line, self.send(session, line)) for line in change.lines]
        return ChangeResult(outputs, changed=True, applied=change.lines, saved=change.save, diff="+ x", backup="old")

    def is_alive(self, session: int) -> bool:
        return session not in self.device.dead

    def keepalive(self, session: int) -> bool:
        self.device.keepalives += 1
        return session not in self.device.dead

    def abort(self, session: int) -> None:
        self.device.aborted_by.append(threading.get_ident())
        self.device.blocked.set()

    def disconnect(self, session: int) -> None:
        self.device.closed.append(session)
        self.device.closed_by.append(threading.get_ident())


def scripted(device: Device, **attributes: Any) -> type[ScriptedDriver]:
    """A driver class of its own for one test."""
    return type("Scripted", (ScriptedDriver,), {"device": device, **attributes})


def arguments(**changes: Any) -> dict[str, Any]:
    """Connection arguments that log in."""
    return {"host": "r1", "username": "operator", "password": GOOD} | changes
