"""The terminal of one session: echo and line editing, questions, the pager, and the faults of its output.

It behaves as the tty of a network device does: what is typed comes back as it is typed, RETURN (or a line feed) ends a
line, a question swallows what is typed next, and while a response is on its way further input waits.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Protocol, cast

from .delivery import CutPoint, Delivery, dress
from .device import Device
from .faults import CommandFault, Cut
from .interpreter import Interpreter
from .journal import LineKind
from .outcome import Ask, Break, Collect, Leave, Outcome, Pause, Say

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_CR, _LF, _ESC = 0x0D, 0x0A, 0x1B
_CTRL_C, _CTRL_Z, _CTRL_U = 0x03, 0x1A, 0x15
_BACKSPACES = (0x08, 0x7F)


class Wire(Protocol):
    """Where a terminal's output goes."""

    def write(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """All is said: end the session in good order."""

    def cut(self, action: Cut) -> None:
        """End or freeze the connection; what was written before gets out first."""


def encode(text: str) -> bytes:
    """Text as a tty puts it out."""
    return text.replace("\n", "\r\n").encode()


class Terminal:
    """One session's terminal, at a prompt (interactive) or for a single command (`once`)."""

    def __init__(self, *, device: Device, wire: Wire, shell: Interpreter | None = None, once: bool = False) -> None:
        self.device = device
        self.shell = shell
        self._wire = wire
        self._once = once
        self._pending = bytearray()
        self._typed = bytearray()
        self._out = bytearray()
        self._busy = False
        """A response is on its way, or the session hangs: input waits."""
        self._closed = False
        self._after_return = False
        self._question: Ask | None = None
        self._collector: Collect | None = None
        self._paged: list[str] = []
        self._point: CutPoint | None = None
        self._delivery: Delivery | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._heard = time.monotonic()
        self._allowance = -1
        self.faults_changed()

    # -- from outside ------------------------------------------------------------------------------------------------

    def start(self, outcome: Outcome) -> None:
        """Begin with `outcome`: a greeting and the prompt, or a question."""
        self._perform(outcome)
        self._resume()

    def run_once(self, command: str) -> None:
        """Carry out one command and end (SSH exec)."""
        self._command(command, "exec")
        self._flush()

    def receive(self, data: bytes) -> None:
        """Bytes that were typed."""
        self.device.journal.counters.bytes_in += len(data)
        self._heard = time.monotonic()
        self._pending += data
        if not self._busy:
            self._resume()

    def announce(self, text: str) -> None:
        """Write a line unasked, whatever goes on."""
        if not self._closed:
            self._write(b"\r\n" + encode(text) + b"\r\n")

    def faults_changed(self) -> None:
        """Start counting and timing anew under the switches as they are."""
        faults = self.device.faults
        self._allowance = faults.cut_after_bytes
        self._arm("idle", faults.idle_seconds, self._check_idle)
        self._arm("syslog", faults.syslog_interval, self._speak_up)

    def close(self) -> None:
        """The connection is gone: nothing may happen any more."""
        self._closed = True
        self._busy = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._delivery is not None:
            self._delivery.cancel()

    # -- input -------------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        data = self._pending
        position = 0
        while position < len(data) and not self._busy:
            if self._paged or (self._question is not None and self._question.single_key):
                position += 1
                self._key(data[position - 1])
                continue
            found = _CONTROL.search(data, position)
            end = found.start() if found else len(data)
            if end > position:
                self._typed += data[position:end]
                if self._echoes():
                    self._out += data[position:end]
                self._after_return = False
                position = end
                continue
            position += 1
            self._control(data[position - 1])
        del data[:position]
        self._flush()

    def _echoes(self) -> bool:
        return self._question is None or self._question.echo

    def _control(self, byte: int) -> None:
        after_return, self._after_return = self._after_return, byte == _CR
        if byte == _CR or (byte == _LF and not after_return):
            line = self._typed.decode("utf-8", "replace")
            self._typed.clear()
            self._out += b"\r\n"
            self._line(line)
        elif byte in _BACKSPACES:
            self._rub_out()
        elif byte == _CTRL_U:
            while self._typed:
                self._rub_out()
        elif byte == _CTRL_C:
            self._abandon()
        elif byte == _CTRL_Z and self.shell is not None and self._question is None:
            self._leave_config(self.shell)

    def _rub_out(self) -> None:
        if not self._typed:
            return
        while len(self._typed) > 1 and self._typed[-1] & 0xC0 == 0x80:
            del self._typed[-1]
        del self._typed[-1]
        if self._echoes():
            self._out += b"\b \b"

    def _abandon(self) -> None:
        """^C: what was typed or asked is dropped."""
        self._note("control", "^C")
        self._typed.clear()
        self._question = None
        self._collector = None
        self._out += b"^C\r\n"
        self._respond("")

    def _leave_config(self, shell: Interpreter) -> None:
        """^Z: what was typed is carried out, then configuration mode ends."""
        self._note("control", "^Z")
        line = self._typed.decode("utf-8", "replace")
        self._typed.clear()
        self._out += b"^Z\r\n"
        if line.strip():
            shell.run(line)
        # As if "end" was typed: IOS-XR may have a question about what is not committed.
        self._perform(shell.run("end") if shell.contexts else Say())

    def _key(self, byte: int) -> None:
        after_return, self._after_return = self._after_return, byte == _CR
        if byte == _LF and after_return:
            return
        key = "" if byte in (_CR, _LF) else chr(byte)
        if self._paged:
            self._note("key", key or "RETURN")
            self._turn_page(key)
            return
        assert self._question is not None, "single keys are read by the pager and by questions"
        self._note("answer", key)
        question, self._question = self._question, None
        self._out += key.encode() + b"\r\n"
        self._perform(question.then(key))

    def _line(self, line: str) -> None:
        if self._question is not None:
            question, self._question = self._question, None
            self._note("answer" if question.echo else "secret", line)
            self._perform(question.then(line))
        elif self._collector is not None:
            self._note("text", line)
            outcome = self._collector.take(line)
            if outcome is not None:
                self._collector = None
                self._perform(outcome)
        else:
            self._command(line, "command")

    def _command(self, line: str, kind: LineKind) -> None:
        self._note(kind, line)
        assert self.shell is not None, "commands come after login"
        faults = self.device.faults
        fault = faults.command_fault(line) if faults.commands else None
        if fault is not None and fault.action in ("question", "refuse", "replace"):
            self._perform(self._forced(fault, line))
            return
        if fault is not None:
            self._point = CutPoint(fault.after_bytes, cast(Cut, fault.action))
        configures = self.shell.mode not in ("user", "enable")
        if configures and any(re.search(one, line) for one in faults.refuse_config):
            self._perform(Say(faults.refuse_config_text + "\n"))
            return
        self._perform(self.shell.run(line))

    def _forced(self, fault: CommandFault, line: str) -> Outcome:
        if fault.action != "question":
            return Say(fault.text)

        def answered(answer: str) -> Outcome:
            agreed = answer.strip().lower() in ("", "y", "yes")
            self.device.journal.event("confirmed" if agreed else "declined", command=line, answer=answer)
            return Say()

        return Ask(question=fault.text or "Proceed? [confirm]", then=answered, single_key=True)

    def _note(self, kind: LineKind, text: str) -> None:
        shell = self.shell
        session, mode = (shell.session, shell.mode) if shell is not None else (0, "login")
        self.device.journal.line(session=session, mode=mode, kind=kind, text=text)

    # -- output ------------------------------------------------------------------------------------------------------

    def _perform(self, outcome: Outcome) -> None:
        match outcome:
            case Say():
                self._respond(outcome.text)
            case Ask():
                self._question = outcome
                self._deliver(outcome.text, encode(outcome.question))
            case Collect():
                self._collector = outcome
                self._deliver(outcome.text, b"")
            case Pause():
                self._flush()
                self._busy = True
                self._write(encode(outcome.text))
                # Never at once: this runs inside _resume, which is half through what was typed.
                loop = asyncio.get_running_loop()
                self._timers["pause"] = loop.call_later(outcome.seconds, self._go_on, outcome.then)
            case Leave():
                self._out += encode(outcome.text)
                self._flush()
                self._busy = True
                self._wire.finish()
            case Break():
                self._flush()
                self._cut(outcome.action)

    def _go_on(self, then: Callable[[], Outcome]) -> None:
        self._busy = False
        self._perform(then())
        self._resume()

    def _respond(self, text: str) -> None:
        shell = self.shell
        if shell is not None and shell.length and not self._once and text.count("\n") >= shell.length:
            self._paged = text.splitlines()
            self._show_page(shell.length - 1)
            return
        self._deliver(text, encode(shell.prompt()) if shell is not None and not self._once else b"")

    def _show_page(self, size: int, before: str = "") -> None:
        page, self._paged = self._paged[:size], self._paged[size:]
        text = before + "\n".join(page)
        if self._paged:
            self._deliver(text, self.device.platform.pager.prompt.encode())
        else:
            self._deliver(text, encode(self.shell.prompt()) if self.shell is not None else b"")

    def _turn_page(self, key: str) -> None:
        assert self.shell is not None, "only commands page"
        erase = self.device.platform.pager.erase
        if key == " ":
            self._show_page(max(self.shell.length - 1, 1), erase)
        elif key == "":
            self._show_page(1, erase)
        else:
            self._paged = []
            self._deliver(erase, encode(self.shell.prompt()), lines=False)

    def _deliver(self, text: str, prompt: bytes, *, lines: bool = True) -> None:
        """Put out a response: its text, ended by a line break, and what stands behind it."""
        if text and lines and not text.endswith("\n"):
            text += "\n"
        faults = self.device.faults
        point, self._point = self._point, None
        if point is None and not faults.shape_output:
            self._out += encode(text) + prompt
            self._delivered_at_once()
            return
        self._flush()
        self._busy = True
        data = dress(encode(text), prompt, faults, self._syslog().encode())
        self._delivery = Delivery(
            data, faults=faults, point=point, write=self._write, cut=self._cut, done=self._delivered
        )
        self._delivery.start()

    def _delivered_at_once(self) -> None:
        if self._once:
            self._flush()
            self._wire.finish()

    def _delivered(self) -> None:
        self._delivery = None
        if self._once:
            self._wire.finish()
            return
        self._busy = False
        # Without delay this runs inside _resume, which goes on by itself.
        asyncio.get_running_loop().call_soon(self._resume_if_idle)

    def _resume_if_idle(self) -> None:
        if not self._busy and self._pending:
            self._resume()

    def _flush(self) -> None:
        if self._out:
            data = bytes(self._out)
            self._out.clear()
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._closed:
            return
        if 0 <= self._allowance < len(data):
            data, self._allowance = data[: self._allowance], -1
            self._put(data)
            self._cut(self.device.faults.cut_action)
            return
        if self._allowance >= 0:
            self._allowance -= len(data)
        self._put(data)

    def _put(self, data: bytes) -> None:
        if data:
            self.device.journal.counters.bytes_out += len(data)
            self._wire.write(data)

    def _cut(self, action: Cut) -> None:
        self.device.journal.event("cut", action=action, session=self.shell.session if self.shell else 0)
        self.close()
        if action != "hang":
            self._wire.cut(action)

    # -- by the clock ------------------------------------------------------------------------------------------------

    def _arm(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        if seconds > 0 and not self._closed:
            self._timers[name] = asyncio.get_running_loop().call_later(seconds, call)

    def _check_idle(self) -> None:
        limit = self.device.faults.idle_seconds
        rest = self._heard + limit - time.monotonic()
        if rest > 0:
            self._arm("idle", rest, self._check_idle)
        else:
            self._cut(self.device.faults.idle_action)

    def _speak_up(self) -> None:
        if not self._busy and self.shell is not None:
            self.announce(self._syslog())
        self._arm("syslog", self.device.faults.syslog_interval, self._speak_up)

    def _syslog(self) -> str:
        return f"*{time.strftime('%b %e %H:%M:%S', time.gmtime())}.000: {self.device.platform.syslog}"
