"""The terminal of a device that is a dialogue: it plays the rules of `dialogue_file` to what is typed.

The switches of `faults` that concern a connection work as on any device (authentication, cuts, freezing, session
limits); those that shape output do not, because a dialogue is exact in what it sends.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable

from .device import Device
from .dialogue_echo import echo_of
from .dialogue_file import Bytes, Counted, Dialogue, Group, Remembered, Rule, Silence, State, Text, pieces
from .faults import Cut
from .journal import LineKind
from .terminal import Wire

_CR, _LF, _CTRL_U = "\r", "\n", "\x15"
_BACKSPACES = ("\x08", "\x7f")
_LONE_LF = re.compile(r"(?<!\r)\n")


class DialogueTerminal:
    """One session's place in the dialogue."""

    def __init__(self, *, device: Device, wire: Wire, session: int = 0) -> None:
        assert device.dialogue is not None, "only for devices that are dialogues"
        self._device = device
        self._dialogue: Dialogue = device.dialogue
        self._wire = wire
        self._session = session
        self._received = device.journal.new_stream()
        self._echo = echo_of(self._dialogue.echo, self._dialogue.width)
        self._name = ""
        self._line = ""
        self._lines = 0
        self._after_return = False
        self._matched: tuple[str, ...] = ("",)
        self._used: Counter[tuple[str, int]] = Counter()
        self._own = dict(self._dialogue.session)
        """This session's variables."""
        self._pending = bytearray()
        self._out = bytearray()
        self._busy = False
        """A reply is on its way: what is typed waits."""
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._logged_in: Callable[[], int] | None = None

    @property
    def _state(self) -> State:
        return self._dialogue.states[self._name]

    # -- from outside ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The login is over: greet, and go to the first state."""
        self._play(self._dialogue.greeting, Rule(line="", go=self._dialogue.first))
        self._resume()

    def start_telnet(self, logged_in: Callable[[], int]) -> None:
        """Begin where Telnet asks for a name. `logged_in` counts the login and returns the session's number."""
        self._logged_in = logged_in
        self._play(self._dialogue.banner, Rule(line="", go=self._dialogue.telnet))
        self._resume()

    def receive(self, data: bytes) -> None:
        """Bytes that were typed."""
        self._device.journal.counters.bytes_in += len(data)
        self._received += data
        self._pending += data
        self._resume()

    def announce(self, text: str) -> None:
        """Write a line unasked, whatever goes on."""
        self._write(self._encoded(f"\n{text}\n"))
        self._flush()

    def faults_changed(self) -> None:
        """Nothing of a terminal's own: output goes out as it is written."""

    def close(self) -> None:
        """The connection is gone: nothing may happen any more."""
        self._closed = self._busy = True
        if self._timer is not None:
            self._timer.cancel()

    # -- input -------------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        while self._pending and not self._busy:
            length = _sequence_length(self._pending)
            if length > len(self._pending):
                break  # the rest of a UTF-8 sequence is on its way
            character = self._pending[:length].decode("utf-8", "replace")
            del self._pending[:length]
            self._typed(character)
        self._flush()

    def _typed(self, character: str) -> None:
        after_return, self._after_return = self._after_return, character == _CR
        if character == _LF and after_return:
            return
        if self._state.single_keys:
            self._key(character)
        elif character in (_CR, _LF):
            line, self._line = self._line, ""
            self._write(b"\r\n" if self._state.hidden else self._echo.line_end())
            self._entered(line)
        elif character in _BACKSPACES:
            self._rub_out()
        elif character == _CTRL_U:
            while self._line:
                self._rub_out()
        elif character < " ":
            self._control(chr(ord(character) + 64))
        else:
            self._line += character
            if not self._state.hidden:
                self._write(self._echo.character(character))

    def _rub_out(self) -> None:
        if self._line:
            self._line = self._line[:-1]
            if not self._state.hidden:
                self._write(self._echo.rub_out())

    def _key(self, character: str) -> None:
        self._note("key", "RETURN" if character in (_CR, _LF) else character)
        rule = self._chosen(lambda one: one.key is not None and one.is_key(character))
        if rule is not None:
            self._play(rule.reply, rule)

    def _control(self, letter: str) -> None:
        self._note("control", f"^{letter}")
        rule = self._chosen(lambda one: one.control == letter)
        if rule is not None:
            self._line = ""
            self._play(rule.reply, rule)

    def _entered(self, line: str) -> None:
        self._note("secret" if self._state.hidden else "command", line)
        self._lines += 1
        text = line.strip()
        self._matched = (text,)
        rule = self._chosen(lambda one: self._is_line(one, text))
        if rule is not None:
            self._play(rule.reply, rule)
        elif text and not self._state.hidden:
            unknown = self._state.unknown
            self._play(self._dialogue.unknown if unknown is None else unknown, Rule(line=""))
        else:
            self._play("", Rule(line=""))

    def _is_line(self, rule: Rule, text: str) -> bool:
        if rule.account is not None:
            return text == str(getattr(self._device.spec, rule.account))
        found = re.fullmatch(rule.line, text) if rule.line is not None else None
        if found is not None:
            self._matched = (found[0], *(group or "" for group in found.groups()))
        return found is not None

    def _chosen(self, fits: Callable[[Rule], bool]) -> Rule | None:
        memory = self._device.memory | self._own
        for number, rule in enumerate(self._state.rules):
            if rule.times is not None and self._used[self._name, number] >= rule.times:
                continue
            if all(memory.get(name) == value for name, value in rule.when.items()) and fits(rule):
                self._used[self._name, number] += 1
                return rule
        return None

    # -- output ------------------------------------------------------------------------------------------------------

    def _play(self, reply: Text, rule: Rule) -> None:
        """Send `reply` and go where `rule` says."""
        self._busy = True
        self._step([*pieces(reply)], rule)

    def _step(self, rest: list[object], rule: Rule) -> None:
        while rest and not self._closed:
            piece = rest.pop(0)
            if isinstance(piece, Silence):
                self._flush()
                self._timer = asyncio.get_running_loop().call_later(piece.pause, self._after_pause, rest, rule)
                return
            self._write(self._rendered(piece))
        if self._closed:
            return
        for name, text in rule.set.items():
            memory = self._own if name in self._own else self._device.memory
            memory[name] = b"".join(map(self._rendered, pieces(text))).decode("utf-8", "replace")
        if rule.end is not None:
            self._finish(rule.end)
            return
        if rule.go is not None:
            self._name = rule.go
        if self._logged_in is not None and self._name == self._dialogue.first:
            self._session, self._logged_in = self._logged_in(), None
        prompt = b"".join(map(self._rendered, pieces(self._state.prompt))).decode("utf-8", "replace")
        self._write(self._encoded(self._echo.prompt(prompt.replace("\r\n", "\n")).decode()))
        self._busy = False

    def _after_pause(self, rest: list[object], rule: Rule) -> None:
        self._step(rest, rule)
        self._resume()

    def _finish(self, how: Cut) -> None:
        self._flush()
        self.close()
        if how == "close":
            self._wire.finish()
        elif how != "hang":
            self._wire.cut(how)

    def _rendered(self, piece: object) -> bytes:
        match piece:
            case str():
                return self._encoded(piece)
            case Bytes():
                return bytes.fromhex(piece.hex)
            case Group():
                return (self._matched[piece.group] if piece.group < len(self._matched) else "").encode()
            case Counted():
                return str(self._lines + piece.count).encode()
            case Remembered():
                return self._encoded(self._own.get(piece.value, self._device.memory.get(piece.value, "")))
        raise TypeError(f"no piece of a text: {piece!r}")

    @staticmethod
    def _encoded(text: str) -> bytes:
        return _LONE_LF.sub("\r\n", text).encode()

    def _write(self, data: bytes) -> None:
        self._out += data

    def _flush(self) -> None:
        if self._out and not self._closed:
            self._device.journal.counters.bytes_out += len(self._out)
            self._wire.write(bytes(self._out))
        self._out.clear()

    def _note(self, kind: LineKind, text: str) -> None:
        self._device.journal.line(session=self._session, mode=self._name, kind=kind, text=text)


def _sequence_length(data: bytearray) -> int:
    """Bytes of the UTF-8 sequence that `data` begins with; 1 for what begins none."""
    first = data[0]
    if first >= 0xF0:
        return 4
    if first >= 0xE0:
        return 3
    return 2 if first >= 0xC0 else 1
