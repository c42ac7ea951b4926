"""Reading the answer to one command: echo first, then the output, up to a whole prompt at the start of a line.

The reader blocks on the connection and looks only at a bounded tail of what came, so the cost of an answer is linear
in its size. It never types, except to turn the page when a pager asks for it and to give the answers to questions
that the caller announced.

A text in the output that looks exactly like the prompt can end a chunk by chance. Two things tell it from the prompt:
more data is already there, or, on devices that deliver in pieces, more comes within twice the longest pause seen in
this answer. What still slips through arrives later and is noticed before the next command (see ``session``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.terminal.bounded_regex import MAX_SEARCHED, BoundedRegex
from netpulse_drivers.terminal.terminal_text import (
    PAGER,
    TextDecoder,
    last_line,
    normal_line_ends,
    squeezed,
    without_asynchronous_end,
    without_escapes,
    without_pager,
)

TAIL = 2_048
"""Characters at the end of the answer that are looked at after each read."""

LARGEST_ANSWER = 32 * 1024 * 1024
"""Characters of an answer that are kept. A larger one is read to its end, so that the session can be used further."""

ECHO_WINDOW = 65_536
"""Characters at the beginning of the answer in which the echo is looked for."""

LONGEST_PAUSE = 0.3
"""Seconds that are waited at most to tell a prompt from a text that looks like one."""

FOREIGN_PROMPT_QUIET = 0.5
"""Seconds of silence after which a prompt of another name (renamed device) is believed."""

PASTE_MODE_OFF = "\x1b[?2004l\r"
"""readline sends it between the echo and the output; the carriage return is no empty line of output."""

Ending = Literal["prompt", "expected", "foreign_prompt", "interrupted"]
_State = Literal["prompt", "expected", "foreign_prompt", "interrupted", "pager", "question"]


class ReplyTimeout(Exception):
    """No end of the answer in time. ``received`` is what came so far, cleaned."""

    def __init__(self, received: str) -> None:
        super().__init__("no prompt in time")
        self.received = received


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEnd:
    """What ends an answer.

    Attributes:
        prompt: accepts a whole last line as prompt.
        foreign_prompt: accepts one after a silence: a prompt by its form, of another name.
        expect: the client's own pattern, searched in what follows the echo.
        questions: announced questions: (pattern for the last line, what to type).
    """

    prompt: Callable[[str], bool]
    foreign_prompt: Callable[[str], bool] = field(default=lambda _: False)
    expect: BoundedRegex | None = None
    questions: Sequence[tuple[BoundedRegex, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    Attributes:
        echo: the typed text as the device repeated it; "" when no echo was asked for.
        output: what follows the echo's line, prompt included, line ends normal, pagers and escapes gone.
        last_line: the line it ended with: the prompt, unless the client's pattern ended it.
        ended_by: ``prompt``; ``expected``: the client's pattern; ``foreign_prompt``: a prompt of another name;
            ``interrupted``: the prompt, with messages that the device printed by itself behind it.
        before_echo: what came before the echo, i.e. was left over from earlier.
        too_large: more came than ``LARGEST_ANSWER``: ``output`` is the beginning and the end of it.
    """

    echo: str
    output: str
    last_line: str
    ended_by: Ending
    before_echo: str = ""
    too_large: bool = False


class ReplyReader:
    """Reads answers from one session.

    Args:
        receive: blocks up to so many seconds for data, b"" when none came; raises when the session is over.
        decoder: of the session: a character may be split between two answers.
        type_text: types into the session, for pagers and announced questions.
        clean: the platform's own way of removing escape sequences, if it has one.
    """

    def __init__(
        self,
        receive: Callable[[float], bytes],
        decoder: TextDecoder,
        type_text: Callable[[str], None],
        *,
        enter: str = "\n",
        clean: Callable[[str], str] | None = None,
        normalise_line_ends: bool = True,
    ) -> None:
        self._receive = receive
        self._decoder = decoder
        self._type = type_text
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
        answer = _Answer(echoes, tail_size=MAX_SEARCHED if end.expect else TAIL)
        pages = asked = 0
        state: _State | None = None
        quiet = 0.0
        while True:
            try:
                data = self._receive(deadline.remaining(at_most=quiet) if state else deadline.remaining())
            except Exception:
                self.received = self._cleaned(answer.text, pages)
                raise
            if data:
                answer.add(self._decoder.decode(data))
                state, quiet = self._state(answer, end, asked)
            elif state is None:
                raise ReplyTimeout(self._cleaned(answer.text, pages))
            elif state == "pager":
                self._type(" ")
                pages += 1
                answer.dealt_with()
                state = None
            elif state == "question":
                number = _asked(last_line(answer.tail), end.questions, asked)
                self._type(end.questions[number][1] + self._enter)
                asked = number + 1
                answer.dealt_with()
                state = None
            else:
                return self._reply(answer, state, pages)

    def _state(  # noqa: PLR0911 - one return a kind of ending
        self, answer: _Answer, end: ReplyEnd, asked: int
    ) -> tuple[_State | None, float]:
        """What the last chunk may mean, and the silence (seconds) that must confirm it."""
        if end.expect is not None and end.expect.search(without_escapes(answer.after_echo())) is not None:
            return "expected", 0.0
        line = last_line(answer.tail)
        if not line:
            rest = without_asynchronous_end(answer.tail)
            interrupted = rest and end.prompt(last_line(rest)) and answer.echoed()
            return ("interrupted", FOREIGN_PROMPT_QUIET) if interrupted else (None, 0.0)
        if end.prompt(line):
            return ("prompt", answer.pause()) if answer.echoed(before_last_line=True) else (None, 0.0)
        if PAGER.fullmatch(line):
            return "pager", max(answer.pause(), 0.005)
        if _asked(line, end.questions, asked) >= 0:
            return "question", max(answer.pause(), 0.005)
        if end.foreign_prompt(line) and answer.echoed(before_last_line=True):
            return "foreign_prompt", FOREIGN_PROMPT_QUIET
        return None, 0.0

    def _reply(self, answer: _Answer, ending: Ending, pages: int) -> Reply:
        text = answer.text
        before = text[: answer.echo_start]
        tail = without_asynchronous_end(answer.tail) if ending == "interrupted" else answer.tail
        output = self._cleaned(_from_next_line(text, answer.echo_end), pages)
        return Reply(
            echo=normal_line_ends(without_escapes(text[answer.echo_start : answer.echo_end])),
            output=without_asynchronous_end(output) if ending == "interrupted" else output,
            last_line=last_line(tail),
            ended_by=ending,
            before_echo=self._cleaned(before, 0) if before.strip() else "",
            too_large=answer.too_large,
        )

    def _cleaned(self, text: str, pages: int) -> str:
        if "\x1b" in text:
            text = text.replace(PASTE_MODE_OFF, "")
            text = without_escapes(self._clean(text) if self._clean else text)
        if pages:
            text = without_pager(text)
        return normal_line_ends(text) if self._normalise else text


class _Answer:
    """What has come so far, its bounded tail, where the echo stands, and the pace at which it comes."""

    def __init__(self, echoes: Sequence[str], *, tail_size: int) -> None:
        self._chunks: list[str] = []
        self._length = 0
        self._tail_size = tail_size
        self._echoes = [echo for echo in (line.strip() for line in echoes) if echo]
        self._echo_end: int | None = None if self._echoes else 0
        self._reads = 0
        self._last_read = 0.0
        self._longest_pause = 0.0
        self.tail = ""
        self.echo_start = 0

    @property
    def too_large(self) -> bool:
        return self._length > LARGEST_ANSWER

    @property
    def text(self) -> str:
        if self.too_large:
            return self._chunks[0] + self.tail
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        return self._chunks[0] if self._chunks else ""

    def add(self, text: str) -> None:
        now = time.monotonic()
        self._reads += 1
        if self._reads > 2:  # the pause before the second chunk is the device thinking, not its pace
            self._longest_pause = max(self._longest_pause, now - self._last_read)
        self._last_read = now
        self._length += len(text)
        if not self.too_large:
            self._chunks.append(text)
        elif len(self._chunks) > 1 or len(self._chunks[0]) > ECHO_WINDOW:
            self._chunks = ["".join(self._chunks)[:ECHO_WINDOW]]  # the echo is in it; the rest goes by
        self.tail = (self.tail + text)[-self._tail_size :]

    def dealt_with(self) -> None:
        """Forget the tail: the question that stands there has been answered."""
        self.tail = ""

    @property
    def echo_end(self) -> int:
        return self._echo_end or 0

    def pause(self) -> float:
        """Seconds of silence that tell a prompt from a look-alike at this answer's pace."""
        return min(2 * self._longest_pause, LONGEST_PAUSE)

    def echoed(self, *, before_last_line: bool = False) -> bool:
        """Whether the echo has come, and (optionally) ended before the current line began."""
        if self._echo_end is None:
            self._find_echo()
        if self._echo_end is None:
            return False
        if not before_last_line or not self._echoes:
            return True
        line_start = max(self.tail.rfind("\n"), self.tail.rfind("\r")) + 1
        return self._length - len(self.tail) + line_start > self._echo_end

    def after_echo(self) -> str:
        """The tail, without what belongs to the echo."""
        if not self.echoed():
            return ""
        assert self._echo_end is not None  # noqa: S101 - echoed() has just set it
        return self.tail[max(0, self._echo_end - (self._length - len(self.tail))) :]

    def _find_echo(self) -> None:
        head = self.text[:ECHO_WINDOW]
        end = 0
        for number, echo in enumerate(self._echoes):
            start = head.find(echo, end)
            if start < 0:
                self._find_redrawn_echo(head)
                return
            if number == 0:
                self.echo_start = start
            end = start + len(echo)
        self._echo_end = end

    def _find_redrawn_echo(self, head: str) -> None:
        """An echo that the device wrapped, scrolled or redrew: compare what is left without blanks and movements."""
        lines = head.splitlines(keepends=True)
        wanted = squeezed("".join(self._echoes))
        if len(wanted) > 200:  # devices scroll long lines sideways; the end of the command is always shown
            wanted = wanted[-30:]
        seen, position = "", 0
        for line in lines:
            seen += squeezed(line)
            position += len(line)
            if wanted in seen:
                self.echo_start, self._echo_end = 0, position
                return


def _asked(line: str, questions: Sequence[tuple[BoundedRegex, str]], first: int) -> int:
    """Number of the announced question that this line asks, from ``first`` on; -1: none."""
    return next((n for n in range(first, len(questions)) if questions[n][0].search(line)), -1)


def _from_next_line(text: str, position: int) -> str:
    """The text behind the line that ``position`` stands in; the text itself for position 0."""
    if position == 0 or text[position - 1 : position] in "\r\n":
        return text[position:]
    ends = [found for found in (text.find("\n", position), text.find("\r", position)) if found >= 0]
    if not ends:
        return ""
    return text[min(ends) :].lstrip("\r").removeprefix("\n")
