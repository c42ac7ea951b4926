"""From bytes to readable text: decoding, escape sequences, line ends, what pagers leave behind."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

ESCAPE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # control sequence, ECMA-48 section 5.4
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system command: shells set the window title with it
    r"|[()*+][0-9A-Za-z]"  # character set
    r"|[@-Z\\^_=>78]"  # two-character sequences
    r")"
)

# How devices wipe a pager's question: backspaces or carriage returns over it, blanks, and back; or erasing sequences.
# What follows belongs to the next line of output, its indentation included.
_WIPED = re.compile(
    r"(?:\x08(?:[\x08 ]*\x08)?| *\r +\r| *\r(?!\r*\n)|\x1b\[\d*[KJDG]|\x1b\[\d*(?:;\d+)*m| +(?=\x1b\[\d*D)|\x00)*"
)


_LINE_END = re.compile(r"\r+\n|\n\r(?!\n)")


class TextDecoder:
    """Bytes to text across chunk borders: a character split between two reads comes out whole.

    Bytes that are no text in this encoding become U+FFFD, visibly, instead of vanishing. Sequences that put the cursor
    on a new line (NEL; insert line, with which ProCurve ends lines) become line ends.
    """

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._begun = ""

    def decode(self, data: bytes) -> str:
        """Text of this chunk; NUL bytes, which terminals use as padding, are dropped."""
        text = self._decoder.decode(data)
        if self._begun:
            text, self._begun = self._begun + text, ""
        if "\x1b" in text:
            begun = _BEGUN.search(text, max(len(text) - 16, 0))
            if begun:
                text, self._begun = text[: begun.start()], begun.group()
            text = _NEW_LINE.sub("\r\n", text)
        return text.replace("\x00", "") if "\x00" in text else text


_NEW_LINE = re.compile(r"\x1b(?:E|\[\d*L)")
_BEGUN = re.compile(r"\x1b(?:\[[0-?]{0,12})?\Z")


def without_escapes(text: str) -> str:
    """Without ANSI escape sequences and bells."""
    if "\x1b" in text:
        text = ESCAPE.sub("", text)
    return text.replace("\x07", "") if "\x07" in text else text


def normal_line_ends(text: str) -> str:
    """Every line end as a newline; a lone carriage return ends a line too, as netmiko has it."""
    if "\r" not in text:
        return text
    return _LINE_END.sub("\n", text).replace("\r", "\n")


def last_line(tail: str) -> str:
    """What stands on the terminal's current line, without trailing blanks."""
    line = tail[tail.rfind("\n") + 1 :]
    if "\x1b" in line or "\x08" in line:
        line = on_screen(line)
    line = line.rstrip(" \t\r\x00\x07")
    return line[line.rfind("\r") + 1 :]


_SCREEN = re.compile(
    r"\x1b\[(?P<values>[0-9;]*)(?P<kind>[A-HJKLMPX@fG])"
    rf"|(?P<other>{ESCAPE.pattern}|[\x07\x00])"
    r"|(?P<back>\r|\x08)"
    r"|(?P<text>[^\x1b\r\x08\x07\x00]+|\x1b)"
)


def on_screen(text: str) -> str:
    """What a terminal shows of the line that these characters and movements leave it on.

    What is printed after a carriage return or a backspace begins the line anew; after other movements it overwrites.
    """
    shown: list[str] = []
    column, row, anew = 0, "", False
    for found in _SCREEN.finditer(text):
        if found["text"]:
            printed = found["text"]
            if anew and printed.strip():
                shown, column = [], 0
            anew = anew and not printed.strip()
            shown += " " * (column - len(shown))
            shown[column : column + len(printed)] = printed
            column += len(printed)
        elif found["back"]:
            column = 0 if found["back"] == "\r" else max(column - 1, 0)
            anew = True
        elif found["kind"]:
            shown, column, row = _moved(shown, column, row, found["kind"], found["values"].split(";"))
            anew = False
    return "".join(shown)


def _moved(shown: list[str], column: int, row: str, kind: str, values: list[str]) -> tuple[list[str], int, str]:
    """The line, the column and the row after a control sequence (ECMA-48, section 8.3)."""
    first = values[0]
    count = int(first or 1) or 1
    if kind in "Hf":
        to = values[1] if len(values) > 1 else ""
        column = max(int(to or 1) - 1, 0)
        return (shown if row in {"", first} else []), column, first
    if kind in "ABEFLM":
        return [], 0 if kind in "EFL" else column, row
    if kind in "CDG":
        column = {"C": column + count, "D": max(column - count, 0), "G": count - 1}[kind]
    elif kind in "KJ":
        shown = [] if first == "2" else [" "] * column + shown[column:] if first == "1" else shown[:column]
    elif kind == "P":
        shown = shown[:column] + shown[column + count :]
    elif kind == "@":
        shown = shown[:column] + [" "] * count + shown[column:]
    elif kind == "X":
        shown = shown[:column] + [" "] * count + shown[column + count :]
    return shown, column, row


def without_asynchronous_end(tail: str, logs: re.Pattern[str], prompt: str = "") -> str:
    """The text before the messages that the device printed by itself at the end; "" when there are none.

    Args:
        tail: the end of what came.
        logs: how such messages begin, see ``Platform.logs``.
        prompt: the first message may stand on its line.
    """
    lines = normal_line_ends(without_escapes(tail)).split("\n")
    messages = 0
    while lines:
        line = lines[-1]
        behind = line[len(prompt) :].lstrip() if prompt and line.startswith(prompt) else ""
        if behind and logs.match(behind):
            lines[-1] = prompt
            messages += 1
            break
        if line.strip() and (line.rstrip() == prompt or not logs.match(line.lstrip())):
            break
        messages += bool(lines.pop().strip())
    return "\n".join(lines) if messages else ""


def only_asynchronous(text: str, logs: re.Pattern[str]) -> bool:
    """Whether every line of it is one that the device prints by itself; ``logs``: see ``Platform.logs``."""
    lines = normal_line_ends(without_escapes(text)).split("\n")
    return all(not line.strip() or logs.match(line.lstrip()) for line in lines)


def without_pages(text: str, pages: Sequence[tuple[int, int]]) -> str:
    """Without the pager questions that were answered, and without what devices send to wipe them off the screen.

    Args:
        text: as it came.
        pages: where each question began and ended.
    """
    kept, at = [], 0
    for start, end in pages:
        if end <= at or end > len(text):
            continue
        kept.append(text[at : max(start, at)])
        at = _wiped(text, end)
    return "".join(kept) + text[at:]


def _wiped(text: str, position: int) -> int:
    found = _WIPED.match(text, position)
    end = found.end() if found else position
    if end == position:  # it stays on the screen, and its line ends
        end += len(_LINE_END_AT.match(text, end).group())  # type: ignore[union-attr]  # it matches nothing as well
    return end


_LINE_END_AT = re.compile(r"(?:\r*\n)?")


def squeezed(text: str) -> str:
    """Only the characters that matter when an echo is compared: no blanks, line ends, backspaces, escapes."""
    return re.sub(r"[\s\x08\x00]+", "", without_escapes(text))
