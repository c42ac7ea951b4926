"""How a response gets out when it may not simply be written: late, in pieces, dirty, or cut off."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from .faults import Cut, Faults

GARBAGE = b"\xff\xfe\x00\x07\xc3\x28\x1b[7m\x80"
"""No valid UTF-8 anywhere: a NUL, a bell, a broken two-byte sequence, half an escape sequence, a lone continuation."""
PROMPT_LIKE = b"router#\r\nlab>enable>\r\nconfig(line)#\r\n"


@dataclass(frozen=True, slots=True)
class CutPoint:
    """Cut the session after so many bytes of a response."""

    after_bytes: int
    action: Cut


def dress(body: bytes, prompt: bytes, faults: Faults, syslog: bytes) -> bytes:
    """The response with what the switches add to it; the prompt itself stays whole."""
    if faults.prompt_like_output and body:
        body = PROMPT_LIKE + body
    if faults.syslog:
        middle = body.find(b"\n", len(body) // 2) + 1
        body = body[:middle] + syslog + b"\r\n" + body[middle:]
        prompt = prompt + b"\r\n" + syslog + b"\r\n" if prompt else prompt
    if faults.garbage and body:
        middle = len(body) // 2
        body = body[:middle] + GARBAGE + body[middle:]
    return body + prompt


class Delivery:
    """One response on its way. Calls `done` when all is written; never after `cancel` or a cut."""

    def __init__(
        self,
        data: bytes,
        *,
        faults: Faults,
        point: CutPoint | None,
        write: Callable[[bytes], None],
        cut: Callable[[Cut], None],
        done: Callable[[], None],
    ) -> None:
        self._rest = memoryview(data if point is None else data[: point.after_bytes])
        self._point = point
        self._size = faults.chunk_size
        self._gap = faults.chunk_gap
        self._write = write
        self._cut = cut
        self._done = done
        self._timer: asyncio.TimerHandle | None = None
        self._delay = faults.latency + (random.uniform(0, faults.jitter) if faults.jitter else 0.0)

    def start(self) -> None:
        if self._delay > 0:
            self._timer = asyncio.get_running_loop().call_later(self._delay, self._step)
        else:
            self._step()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _step(self) -> None:
        size = self._size or len(self._rest)
        piece, self._rest = self._rest[:size], self._rest[size:]
        if piece:
            self._write(bytes(piece))
        if self._rest:
            self._timer = asyncio.get_running_loop().call_later(self._gap, self._step)
        elif self._point is not None:
            self._cut(self._point.action)
        else:
            self._done()
