"""How a terminal shows its prompt and what is typed behind it: as it is, drawn with cursor movements, or scrolled."""

from __future__ import annotations

_LAST_LINE = 24
_SCROLL_STEP = 20
"""Columns by which a line moves to the left when it has reached the right edge."""


class PlainEcho:
    """Each character as it was typed."""

    def prompt(self, text: str) -> bytes:
        """The prompt as it goes out."""
        return text.encode()

    def character(self, character: str) -> bytes:
        """What shows that `character` was typed."""
        return character.encode()

    def rub_out(self) -> bytes:
        """What shows that the last character was taken back."""
        return b"\b \b"

    def line_end(self) -> bytes:
        """What shows that RETURN was typed."""
        return b"\r\n"


class NoEcho(PlainEcho):
    """Nothing of what is typed, not even RETURN."""

    def character(self, character: str) -> bytes:
        return b""

    def rub_out(self) -> bytes:
        return b""

    def line_end(self) -> bytes:
        return b""


class CursorEcho(PlainEcho):
    """A VT100 that is drawn: the prompt stands on the last line, each character is put at its column.

    ProCurve and Aruba switches write so, whatever terminal the client asked for.
    """

    def __init__(self) -> None:
        self._column = 1

    def prompt(self, text: str) -> bytes:
        *above, last = text.split("\n")
        head = "".join(f"{line}\r\n" for line in above)
        self._column = len(last) + 1
        if not last:
            return head.encode()
        line, here = f"\x1b[{_LAST_LINE};1H", f"\x1b[{_LAST_LINE};{self._column}H"
        drawn = f"\x1b[1;{_LAST_LINE}r{line}\x1b[2K{line}\x1b[?25h{line}{last}{line}{here}\x1b[?25h{here}"
        return (head + drawn).encode()

    def character(self, character: str) -> bytes:
        here, self._column = f"\x1b[{_LAST_LINE};{self._column}H", self._column + 1
        return f"{here}{character}{here}\x1b[?25h\x1b[{_LAST_LINE};{self._column}H".encode()

    def rub_out(self) -> bytes:
        self._column -= 1
        here = f"\x1b[{_LAST_LINE};{self._column}H"
        return f"{here} {here}".encode()

    def line_end(self) -> bytes:
        line = f"\x1b[{_LAST_LINE};1H"
        return f"\x1b[1;0H\x1b[1M{line}\x1b[1L{line}{line}\x1b[2K".encode()


class ScrollEcho(PlainEcho):
    """A line that reaches the right edge moves to the left and goes on there, as on IOS and ASA."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._room = width - 1
        self._typed = ""
        self._shown = 0
        """Columns behind the prompt that hold something."""

    def prompt(self, text: str) -> bytes:
        self._room = max(self._width - 1 - len(text.rpartition("\n")[2]), _SCROLL_STEP + 2)
        self._typed, self._shown = "", 0
        return text.encode()

    def character(self, character: str) -> bytes:
        self._typed += character
        if self._shown < self._room:
            self._shown += 1
            return character.encode()
        back = "\b" * self._shown
        self._shown -= _SCROLL_STEP
        tail = self._typed[-(self._shown - 1) :]
        blank = self._room - self._shown
        return f"{back}${tail}{' ' * blank}{chr(8) * blank}".encode()

    def rub_out(self) -> bytes:
        self._typed, self._shown = self._typed[:-1], max(self._shown - 1, 0)
        return b"\b \b"


def echo_of(kind: str, width: int) -> PlainEcho:
    """The echo of that name; `width` is the terminal's, in columns."""
    match kind:
        case "cursor":
            return CursorEcho()
        case "scroll":
            return ScrollEcho(width)
        case "none":
            return NoEcho()
    return PlainEcho()
