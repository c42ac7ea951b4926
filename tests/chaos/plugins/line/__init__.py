"""A plug-in driver for ``tests.chaos.line_device``: one line out, one line back."""

from __future__ import annotations

import os
import signal
import socket
import time

from netpulse_drivers import (
    AuthenticationFailed,
    BaseDriver,
    ChangeRequest,
    ChangeResult,
    CommandRefused,
    Deadline,
    Output,
    SessionLost,
    cut_connection,
)


class Line:
    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.buffer = b""

    def ask(self, text: str, deadline: Deadline) -> str:
        self.peer.sendall(text.encode() + b"\n")
        while b"\n" not in self.buffer:
            self.peer.settimeout(max(deadline.remaining(at_most=3600), 0.001))
            data = self.peer.recv(65536)
            if not data:
                raise SessionLost("the device closed the session")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()


class LineDriver(BaseDriver):
    driver_name = "line"

    def connect(self):
        peer = socket.create_connection((self.host, self.port), timeout=self.call.deadline.remaining(at_most=10))
        line = Line(peer)
        password = self.args.password.get_secret_value() if self.args.password else ""
        if line.ask(f"login {self.args.username} {password}", self.call.deadline) != "ok":
            peer.close()
            raise AuthenticationFailed(f"the device refused user {self.args.username}")
        return line

    def send(self, session, command):
        self.call.before_write()
        if command == "kill worker":
            os.kill(os.getpid(), signal.SIGKILL)
        if command == "ignore deadline":
            session.ask("ask hang", Deadline.after(3600))
        if command == "ignore everything":
            time.sleep(3600)
        if command == "defect":
            raise ZeroDivisionError(f"with {self.args.password.get_secret_value()}")
        answer = session.ask(f"ask {command}", self.call.deadline)
        if answer.startswith("%"):
            raise CommandRefused(f"the device refused '{command}'", device_output=answer)
        return answer

    def config(self, session, change: ChangeRequest) -> ChangeResult:
        outputs = [Output(line, self.send(session, line)) for line in change.lines]
        return ChangeResult(outputs=outputs, changed=True, applied=change.lines)

    def is_alive(self, session):
        session.peer.setblocking(False)
        try:
            return session.peer.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def keepalive(self, session):
        return session.ask("ping", self.call.deadline) == "pong"

    def device_info(self, session):
        return {"prompt": "line>"}

    def abort(self, session):
        cut_connection(session.peer)

    def disconnect(self, session):
        session.peer.close()


class OldLineDriver(LineDriver):
    """Written before there was an abort."""

    driver_name = "old_line"
    abort = BaseDriver.abort


__all__ = ["LineDriver", "OldLineDriver"]
