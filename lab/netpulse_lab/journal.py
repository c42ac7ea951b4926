"""What a device saw: counters, every line that was typed, and events such as a reload."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

LineKind = Literal["command", "answer", "secret", "key", "text", "exec", "control"]
"""command: a line at a prompt (a bare RETURN is the empty line). answer: a line at a question. secret: a line that was
not echoed (its text is never kept). key: a single key at a pager or a [confirm]. text: a line of a banner that is being
entered. exec: a command of an SSH exec request. control: ^C or ^Z."""


@dataclass(slots=True)
class Counters:
    """Numbers since the start or the last reset; `open_sessions` is the number now."""

    connections: int = 0
    logins: int = 0
    """Accepted authentications."""
    auth_failures: int = 0
    refused_sessions: int = 0
    """Sessions closed because of a session limit."""
    open_sessions: int = 0
    requests: int = 0
    """HTTP requests (eAPI)."""
    commands: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Journal:
    """The record of one device. Numbers `seq` ascend over all devices of the process."""

    def __init__(self, *, sequence: Iterator[int], keep: int = 100_000) -> None:
        self._sequence = sequence
        self.counters = Counters()
        self._lines: deque[tuple[int, float, int, str, LineKind, str]] = deque(maxlen=keep)
        self._events: deque[dict[str, Any]] = deque(maxlen=keep)
        self._streams: list[bytearray] = []

    def line(self, *, session: int, mode: str, kind: LineKind, text: str) -> None:
        """Note a line as it was received, before it is acted on."""
        if kind in ("command", "exec"):
            self.counters.commands += 1
        kept = "" if kind == "secret" else text
        self._lines.append((next(self._sequence), time.monotonic(), session, mode, kind, kept))

    def event(self, name: str, /, **details: Any) -> None:
        """Note that something happened."""
        self._events.append({"seq": next(self._sequence), "time": time.monotonic(), "event": name, **details})

    def new_stream(self) -> bytearray:
        """Where a new terminal keeps every byte that it receives; only devices that are dialogues do."""
        self._streams.append(bytearray())
        return self._streams[-1]

    def streams(self) -> list[bytes]:
        """What each terminal received, in the order in which they were opened."""
        return [bytes(stream) for stream in self._streams]

    def lines(self, *, since: int = 0) -> list[dict[str, Any]]:
        """The lines after sequence number `since`, oldest first."""
        names = ("seq", "time", "session", "mode", "kind", "line")
        return [dict(zip(names, line, strict=True)) for line in self._lines if line[0] > since]

    def events(self, *, since: int = 0) -> list[dict[str, Any]]:
        """The events after sequence number `since`, oldest first."""
        return [event for event in self._events if event["seq"] > since]

    def numbers(self) -> dict[str, int]:
        return asdict(self.counters)

    def reset(self) -> None:
        """Forget lines and events, set the counters to zero; sessions that are open stay counted."""
        self.counters = Counters(open_sessions=self.counters.open_sessions)
        self._lines.clear()
        self._events.clear()
        for stream in self._streams:
            stream.clear()
