"""What has come in answer to something that was typed: its bounded tail, its echo, and the pace at which it comes.

The one account of an answer for both readers: ``ReplyReader`` (text, for the driver's own commands) and
``TerminalExchange`` (bytes, for a caller's dialogue, which it reads as Latin-1: a character a byte).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.terminal.terminal_text import on_screen, squeezed

LARGEST_ANSWER = 32 * 1024 * 1024
"""Characters of an answer that are kept."""

ECHO_WINDOW = 65_536
"""Characters at the beginning of the answer in which the echo is looked for."""


class Received:
    """What has come so far.

    Args:
        echoes: the lines whose echo must come first, in order; none: anything may come.
        tail_size: characters at the end that are looked at.

    Attributes:
        length: characters that have come.
        tail: the last of them, since something was last typed.
        echo_start: where the echo begins, once it has been found.
        reads: chunks that have come.
        longest_pause: seconds between two chunks, the first two left out: the device was thinking.
    """

    def __init__(self, echoes: Sequence[str], *, tail_size: int) -> None:
        self._chunks: list[str] = []
        self._tail_size = tail_size
        self._echoes = [echo for echo in (line.strip() for line in echoes) if echo]
        self._echo_end: int | None = None if self._echoes else 0
        self._last_read = 0.0
        self.length = 0
        self.tail = ""
        self.echo_start = 0
        self.reads = 0
        self.longest_pause = 0.0

    def add(self, text: str) -> None:
        """Take up a chunk. Of an answer that is too large only the beginning and the tail are kept."""
        now = time.monotonic()
        self.reads += 1
        if self.reads > 2:
            self.longest_pause = max(self.longest_pause, now - self._last_read)
        self._last_read = now
        self.length += len(text)
        if not self.too_large:
            self._chunks.append(text)
        elif len(self._chunks) > 1 or len(self._chunks[0]) > ECHO_WINDOW:
            self._chunks = ["".join(self._chunks)[:ECHO_WINDOW]]  # the echo is in it; the rest goes by
        self.tail = (self.tail + text)[-self._tail_size :]

    def dealt_with(self) -> None:
        """Forget the tail: the question that stands there has been answered."""
        self.tail = ""

    @property
    def too_large(self) -> bool:
        return self.length > LARGEST_ANSWER

    @property
    def text(self) -> str:
        """All of it; what is too large without its middle."""
        if self.too_large:
            return self._chunks[0] + self.tail
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        return self._chunks[0] if self._chunks else ""

    # -- the echo ---------------------------------------------------------------------------------------------------

    @property
    def echo_end(self) -> int:
        """Where the echo ends; 0 as long as it has not been found."""
        return self._echo_end or 0

    def echoed(self, *, before_last_line: bool = False) -> bool:
        """Whether the echo has come, and (optionally) ended before the current line began."""
        if self._echo_end is None:
            self._find_echo()
        if self._echo_end is None:
            return False
        if not before_last_line or not self._echoes:
            return True
        line_start = max(self.tail.rfind("\n"), self.tail.rfind("\r")) + 1
        return self.length - len(self.tail) + line_start > self._echo_end

    def echo_in_tail(self) -> int:
        """Characters at the beginning of the tail that belong to the echo."""
        return max(0, self.echo_end - (self.length - len(self.tail)))

    def _find_echo(self) -> None:
        head = self.text[:ECHO_WINDOW]
        end = 0
        for number, echo in enumerate(self._echoes):
            start = head.find(echo, end)
            # A refusal may quote the line whose echo was drawn before it.
            drawn = -1 if start == end else _end_of_redrawn(echo, head[:start] if start > end else head, end)
            if drawn >= 0:
                start, found = end, drawn
            elif start >= 0:
                found = start + len(echo)
            else:
                return
            if number == 0:
                self.echo_start = start
            end = found
        self._echo_end = end


_SCROLLED = 40
"""Characters of a command from which on a terminal of 80 columns may move its line sideways."""


def _end_of_redrawn(echo: str, head: str, start: int) -> int:
    """Where an echo ends that the device wrapped, redrew or moved sideways; -1: it has not come.

    Blanks and movements do not count. Of a line that moved sideways the terminal has shown the beginning first, and
    shows the end when it is complete.
    """
    wanted = squeezed(echo)
    seen, position = "", start
    for whole_line in head[start:].splitlines(keepends=True):
        line = whole_line.rstrip("\r\n")
        seen += squeezed(line)
        sideways = len(wanted) > _SCROLLED and wanted[:8] in seen
        if wanted in seen or (sideways and squeezed(on_screen(line)).endswith(wanted[-12:])):
            return position + len(line)
        position += len(whole_line)
    return -1


def read_until_quiet(
    received: Received,
    *,
    receive: Callable[[float], str | None],
    look: Callable[[], float | None],
    deadline: Deadline,
    watch: Callable[[], None] = lambda: None,
    watch_interval: float = math.inf,
) -> bool:
    """Read until a silence confirms what ``look`` takes for the end.

    Args:
        received: what stands in its tail already may be the end as well.
        receive: blocks up to so many seconds; None when nothing came.
        look: called after each chunk; seconds of silence that would end the answer there, None: it goes on.
        deadline: for all of it.
        watch: called at least once in ``watch_interval`` while nothing comes; raises to give up.
        watch_interval: seconds.

    Returns:
        Whether the end was confirmed; False: the deadline passed.
    """
    quiet = look() if received.tail else None
    while True:
        data = receive(deadline.remaining(at_most=watch_interval if quiet is None else quiet))
        if data is not None:
            received.add(data)
            quiet = look()
        elif quiet is not None:
            return True
        elif deadline.passed or watch_interval == math.inf:
            return False
        else:
            watch()
