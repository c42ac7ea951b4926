"""Reading the answer to one command: echo first, then the output, up to a whole prompt at the start of a line.

The reader blocks on the connection and looks only at a bounded tail of what came, so the cost of an answer is linear
in its size. It never types, except to turn the page when a pager asks for it and to give the answers to questions
that the caller announced.

A text in the output that looks exactly like the prompt can end a chunk by chance. Two things tell it from the prompt:
more data is already there, or, on devices that deliver in pieces, more comes within twice the longest pause seen in
this answer. What still slips through arrives later and is noticed before the next command (see ``session``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from netpulse_drivers.bounded_regex import MAX_SEARCHED, BoundedRegex
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.platforms import Platform
from netpulse_drivers.terminal.received import Received, read_until_quiet
from netpulse_drivers.terminal.terminal_text import (
    TextDecoder,
    last_line,
    normal_line_ends,
    without_asynchronous_end,
    without_escapes,
    without_pages,
)

TAIL = 2_048
"""Characters at the end of the answer that are looked at after each read."""

LONGEST_PAUSE = 0.3
"""Seconds that are waited at most to tell a prompt from a text that looks like one."""

SHORTEST_PAUSE = 0.005
"""Seconds of silence behind a pager or a question before it is answered."""

FOREIGN_PROMPT_QUIET = 0.5
"""Seconds of silence after which a prompt of another name is believed, where a command may have led to one."""

WEAK_PROMPT_QUIET = 0.05
"""Seconds of silence behind a prompt of one or two characters."""

UNTERMINATED_QUIET = 5.0
"""Seconds of silence after which the session's own prompt is believed at the end of a line of output: a file without
a line end at its end. A text that quotes the prompt looks the same."""

_NEAR_END = 200

PASTE_MODE_ON = "\x1b[?2004h"
"""readline sends it before its prompt, and only there."""

PASTE_MODE_OFF = "\x1b[?2004l\r"
"""readline sends it between the echo and the output; the carriage return is no empty line of output."""

Ending = Literal["prompt", "expected", "foreign_prompt", "interrupted", "unterminated"]
_State = Literal[Ending, "pager", "question"]


class ReplyTimeout(Exception):
    """No end of the answer in time. ``received`` is what came so far, cleaned."""

    def __init__(self, received: str) -> None:
        super().__init__("no prompt in time")
        self.received = received


@dataclass(slots=True)
class Question:
    """A question that was announced.

    Attributes:
        pattern: searched in the line on which the device waits.
        answer: what is typed, without the line end.
        most: how often it is answered.
        answered: how often it has been.
    """

    pattern: BoundedRegex
    answer: str
    most: int = 1
    answered: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEnd:
    """What ends an answer.

    Attributes:
        prompt: accepts a whole last line as prompt.
        text: the session's own prompt as it was last seen; "" when it is not known yet.
        trail: what the device sends behind it (blanks, a carriage return); None: not known.
        foreign_prompt: accepts one after a silence: a prompt by its form, of another name.
        expect: the client's own pattern, searched in what follows the echo.
        questions: the announced ones, the first that fits is answered.
    """

    prompt: Callable[[str], bool]
    text: str = ""
    trail: str | None = None
    foreign_prompt: Callable[[str], bool] = field(default=lambda _: False)
    expect: BoundedRegex | None = None
    questions: Sequence[Question] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    Attributes:
        echo: the typed text as the device repeated it; "" when no echo was asked for.
        output: what follows the echo's line, prompt included, line ends normal, pagers and escapes gone.
        last_line: the line it ended with: the prompt, unless the client's pattern ended it.
        ended_by: ``prompt``; ``expected``: the client's pattern; ``foreign_prompt``: a prompt of another name;
            ``interrupted``: the prompt, with messages that the device printed by itself behind it;
            ``unterminated``: the prompt, behind output without a line end at its end.
        raw_end: that line as it came, with escape sequences and trailing blanks.
        before_echo: what came before the echo, i.e. was left over from earlier.
        too_large: more came than ``received.LARGEST_ANSWER``: ``output`` is the beginning and the end of it.
    """

    echo: str
    output: str
    last_line: str
    ended_by: Ending
    raw_end: str = ""
    before_echo: str = ""
    too_large: bool = False


class ReplyReader:
    """Reads answers from one session.

    Args:
        receive: blocks up to so many seconds for data, b"" when none came; raises when the session is over.
        decoder: of the session: a character may be split between two answers.
        type_text: types into the session, for pagers and announced questions.
        platform: whose pagers and log lines come.
        clean: the platform's own way of removing escape sequences, if it has one.
    """

    def __init__(
        self,
        receive: Callable[[float], bytes],
        decoder: TextDecoder,
        type_text: Callable[[str], None],
        *,
        platform: Platform,
        enter: str = "\n",
        clean: Callable[[str], str] | None = None,
        normalise_line_ends: bool = True,
    ) -> None:
        self._receive = receive
        self._decoder = decoder
        self._type = type_text
        self._platform = platform
        self._enter = enter
        self._clean = clean
        self._normalise = normalise_line_ends
        self.received = ""

    def read(self, echoes: Sequence[str], end: ReplyEnd, deadline: Deadline) -> Reply:
        """The answer to what was just typed.

        Args:
            echoes: the lines whose echo must come first, in order; none: anything may come.
            end: what ends the answer.
            deadline: for the whole answer.

        Raises:
            ReplyTimeout: the end did not come; nothing was typed but pages turned and questions answered.
            StreamClosed: the session ended; ``received`` of this reader holds what came.
        """
        reading = _Reading(Received(echoes, tail_size=MAX_SEARCHED if end.expect else TAIL), end, self._platform)
        received = reading.received
        while True:
            try:
                ended = read_until_quiet(received, receive=self._next, look=reading.look, deadline=deadline)
            except Exception:
                self.received = self._cleaned(without_pages(received.text, reading.pages))
                raise
            if not ended:
                raise ReplyTimeout(self._cleaned(without_pages(received.text, reading.pages)))
            if reading.state == "pager":
                key = reading.turn_page()
                self._type(self._enter if key == "\r" else key)
            elif reading.state == "question":
                self._type(reading.answer() + self._enter)
            else:
                return self._reply(received, reading.state, reading.pages, end.text)
            received.dealt_with()

    def _next(self, timeout: float) -> str | None:
        data = self._receive(timeout)
        return self._decoder.decode(data) if data else None

    def _reply(self, received: Received, ending: Ending, pages: list[tuple[int, int]], prompt: str) -> Reply:
        text = received.text
        if pages and not received.too_large:
            text = without_pages(text, pages)
        if ending != "expected":
            text = text.rstrip("\r")  # behind the prompt of some
        before = text[: received.echo_start]
        tail, output = received.tail, self._cleaned(_from_next_line(text, received.echo_end))
        if ending == "interrupted":
            logs = self._platform.logs
            tail, output = without_asynchronous_end(tail, logs, prompt), without_asynchronous_end(output, logs, prompt)
        return Reply(
            echo=normal_line_ends(without_escapes(text[received.echo_start : received.echo_end])),
            output=output,
            last_line=last_line(tail),
            ended_by=ending,
            raw_end=received.tail[received.tail.rfind("\n") + 1 :],
            before_echo=self._cleaned(before) if before.strip() else "",
            too_large=received.too_large,
        )

    def _cleaned(self, text: str) -> str:
        if "\x1b" in text:
            text = text.replace(PASTE_MODE_OFF, "")
            text = without_escapes(self._clean(text) if self._clean else text)
        return normal_line_ends(text) if self._normalise else text


class _Reading:
    """What is made of one answer while it comes."""

    def __init__(self, received: Received, end: ReplyEnd, platform: Platform) -> None:
        self.received = received
        self._platform = platform
        self.state: _State = "prompt"
        self.pages: list[tuple[int, int]] = []
        self._end = end

    def look(self) -> float | None:  # noqa: PLR0911 - one return a kind of ending
        """Seconds of silence that would confirm ``state``; None: the answer goes on."""
        received, end = self.received, self._end
        if end.expect is not None and received.echoed():
            behind_echo = received.tail[received.echo_in_tail() :]
            if end.expect.search(without_escapes(behind_echo)) is not None:
                return self._may_be("expected", 0.0)
        line = last_line(received.tail)
        pace = min(2 * received.longest_pause, LONGEST_PAUSE)
        if line and end.prompt(line):
            if not received.echoed(before_last_line=True):
                return None
            return self._may_be("prompt", max(pace, self._doubt(line)))
        if line and self._question(line) is not None and received.echoed(before_last_line=True):
            return self._may_be("question", max(pace, SHORTEST_PAUSE))
        if line and self._platform.pager_key(line):
            return self._may_be("pager", max(pace, SHORTEST_PAUSE))
        own = bool(end.text)
        if own and len(end.text) > 2 and line.endswith(end.text):
            return self._unterminated(pace)
        if not line or (own and line.startswith(end.text)) or self._platform.logs.match(line.lstrip()):
            rest = without_asynchronous_end(received.tail, self._platform.logs, end.text)
            interrupted = rest and end.prompt(last_line(rest)) and received.echoed()
            return self._may_be("interrupted", FOREIGN_PROMPT_QUIET) if interrupted else None
        if end.foreign_prompt(line) and received.echoed(before_last_line=True):
            return self._may_be("foreign_prompt", FOREIGN_PROMPT_QUIET)
        return None

    def _doubt(self, line: str) -> float:
        """Seconds of silence that a line takes which may be output: a short one, or without what follows the prompt."""
        end = self._end
        if line != end.text:
            return LONGEST_PAUSE if self.received.tail.endswith("\r") else 0.0
        if end.trail and not without_escapes(self.received.tail[-_NEAR_END:]).endswith(end.trail):
            return LONGEST_PAUSE
        if "\r" not in (end.trail or "") and self.received.tail.endswith("\r"):
            return LONGEST_PAUSE  # the line feed may be in the next chunk
        return WEAK_PROMPT_QUIET if len(line) < 3 else 0.0

    def _unterminated(self, pace: float) -> float | None:
        tail = self.received.tail
        shown = without_escapes(tail)
        whole = (shown if self._end.trail is not None else shown.rstrip()).endswith(
            self._end.text + (self._end.trail or "")
        )
        if not whole or not self.received.echoed(before_last_line=True):
            return None
        proven = PASTE_MODE_ON in tail[tail.rfind("\n") + 1 :]
        return self._may_be("unterminated", max(pace, SHORTEST_PAUSE) if proven else UNTERMINATED_QUIET)

    def turn_page(self) -> str:
        """The key that the pager on the last line takes; its question is no part of the output."""
        tail, length = self.received.tail, self.received.length
        start = length - len(tail) + tail.rfind("\n") + 1
        self.pages.append((start, length))
        return self._platform.pager_key(last_line(tail))

    def answer(self) -> str:
        """The answer to the question that stands there."""
        question = self._question(last_line(self.received.tail))
        assert question is not None  # noqa: S101 - the state says that one stands there
        question.answered += 1
        return question.answer

    def _may_be(self, state: _State, quiet: float) -> float:
        self.state = state
        return quiet

    def _question(self, line: str) -> Question | None:
        """The announced question that this line asks."""
        return next((one for one in self._end.questions if one.answered < one.most and one.pattern.search(line)), None)


def _from_next_line(text: str, position: int) -> str:
    """The text behind the line that ``position`` stands in; the text itself for position 0."""
    if position == 0 or text[position - 1] == "\n":
        return text[position:]
    if text[position - 1] == "\r":  # the line feed that belongs to it may have come later
        return text[position:].removeprefix("\n")
    ends = [found for found in (text.find("\n", position), text.find("\r", position)) if found >= 0]
    if not ends:
        return ""
    return text[min(ends) :].lstrip("\r").removeprefix("\n")
