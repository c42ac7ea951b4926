"""From bytes to readable text: decoding, escape sequences, line ends, pagers."""

from __future__ import annotations

import codecs
import re

ESCAPE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # control sequence, ECMA-48 section 5.4
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system command: shells set the window title with it
    r"|[()*+][0-9A-Za-z]"  # character set
    r"|[@-Z\\^_=>78]"  # two-character sequences
    r")"
)

PAGER = re.compile(
    r"[ \t]*(?:"
    r"<?-{1,5} ?\(?(?:more|MORE|More)(?: \d{1,3}%)?\)? ?-{0,5}>?[^\n\w#>$%]{0,4}"
    r"|-{2,5} ?(?:more|MORE|More) ?-{2,5}, next page: [^\n]{0,80}"  # ProCurve
    r"|lines \d+-\d+(?:/\d+)?(?: \(END\))?"
    r"|\(more\)"
    r"|Press any key to continue[^\n]{0,60}"
    r"|--- Type space to continue[^\n]{0,60}"
    r")[ \t]*",
)
"""A pager's question, alone on the last line: --More--, <--- More --->, ---- More ----, ---(more 40%)---, (more) ..."""

# How devices wipe it: backspaces over it, blanks, backspaces; or the same with carriage returns. What follows the
# second run belongs to the next line of output, its indentation included.
_ERASED = re.compile(PAGER.pattern + r"(?:\x08+ *\x08*|\r +\r|\r)?")

ASYNCHRONOUS = re.compile(
    r"(?:"
    r"[^%\n]{0,120}%[A-Z][A-Z0-9_\-]*-\d-[A-Z0-9_]+\b"  # Cisco, Arista, Ruijie: %FACILITY-SEVERITY-MNEMONIC
    r"|\d{4}[/-]\d\d[/-]\d\d[ T][\d:.]+\S* (?:[A-Z]+|[\w\-\[\]]+): "  # FRRouting, EOS
    r"|(?:#|%)?[A-Z][a-z]{2} +\d+ [\d:.]+[^\n]{0,60} %{1,2}\d*[A-Z][\w/]*"  # Huawei, Comware
    r"|[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d(?:\.\d+)? \S+ [\w./\-]+(?:\[\d+\])?: "  # RFC 3164
    r"|\*{3} ?|Message from |Broadcast [Mm]essage"
    r")"
)
"""The start of a line that a device prints by itself, whatever the session is doing."""

_LINE_END = re.compile(r"\r+\n|\n\r(?!\n)")


class TextDecoder:
    """Bytes to text across chunk borders: a character split between two reads comes out whole.

    Bytes that are no text in this encoding become U+FFFD, visibly, instead of vanishing.
    """

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")

    def decode(self, data: bytes) -> str:
        """Text of this chunk; NUL bytes, which terminals use as padding, are dropped."""
        text = self._decoder.decode(data)
        return text.replace("\x00", "") if "\x00" in text else text


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
    tail = without_escapes(tail)
    line = tail[max(tail.rfind("\n"), tail.rfind("\r")) + 1 :].rstrip(" \t\x08\x00")
    return line[line.rfind("\x08") + 1 :]  # what was wiped off the line before (a pager's question) counts no more


def without_asynchronous_end(tail: str) -> str:
    """The text before the messages that the device printed by itself at the end; "" when there are none."""
    lines = normal_line_ends(without_escapes(tail)).split("\n")
    messages = 0
    while lines and (not lines[-1].strip() or ASYNCHRONOUS.match(lines[-1].lstrip())):
        messages += bool(lines.pop().strip())
    return "\n".join(lines) if messages else ""


def only_asynchronous(text: str) -> bool:
    """Whether every line of it is one that devices print by themselves."""
    lines = normal_line_ends(without_escapes(text)).split("\n")
    return all(not line.strip() or ASYNCHRONOUS.match(line.lstrip()) for line in lines)


def without_pager(text: str) -> str:
    """Without the pager questions that were answered, and without what devices send to wipe them off the screen."""
    return _ERASED.sub(_keep_unless_alone, text)


def _keep_unless_alone(found: re.Match[str]) -> str:
    before = found.string[found.start() - 1 : found.start()] if found.start() else "\n"
    return "" if before in "\n\r" else found.group()


def squeezed(text: str) -> str:
    """Only the characters that matter when an echo is compared: no blanks, line ends, backspaces, escapes."""
    return re.sub(r"[\s\x08\x00]+", "", without_escapes(text))
