"""Carrying out one exchange on a terminal: type, read, answer questions, find the prompt.

The meaning is that of ``ansible.netcommon``'s ``network_cli`` (``send`` and ``receive``), with three differences that
only show where that one goes wrong. It blocks on the connection instead of polling it; the silence that it waits for
behind a prompt (there ``persistent_buffer_read_timeout``, 0.1 s each time) adapts to how the device delivers; and what
is matched does not depend on where the network happened to cut the stream: the prompt and the questions are looked for
behind the echo of the command, a question only in what came since the last answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import regex

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.interactive import BytesPattern, Exchange, ExchangeError, ExchangeResult, SearchTimeout
from netpulse_drivers.terminal.received import LARGEST_ANSWER, Received, read_until_quiet
from netpulse_drivers.terminal.terminal_text import last_line

WINDOW = 256
"""Bytes at the end of the answer in which the prompt is looked for, extended to the beginning of their first line."""

LONGEST_LINE = 1_024
"""Bytes that the window grows to at most for the sake of that line."""

QUESTION_WINDOW = 16_384
"""Bytes at the end of the answer in which questions are looked for."""

FIRST_QUIET = 0.005
"""Seconds of silence that confirm a prompt which is not the session's own, unless the device has shown to be slower."""

WATCH_INTERVAL = 1.0
"""Seconds between two looks whether anybody still waits for the answer."""

_BYTES = "latin-1"
"""The answer is kept as text of one character a byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEnd:
    """How an exchange ended.

    Attributes:
        result: for the caller; ``lease_open`` is not decided here.
        last_line: the line that stands behind the answer, without escapes and trailing blanks.
        at_prompt: whether that line is a prompt of the session, verified.
        ended: whether the answer was complete; False after a time-out, a wrong answer or a broken search.
    """

    result: ExchangeResult
    last_line: bytes
    at_prompt: bool
    ended: bool


class TerminalExchange:
    """One exchange.

    Args:
        receive: blocks up to so many seconds for data, b"" when none came; raises when the session is over.
        write: types; raises when that is not allowed (any more).
        own_prompt: whether a whole line is the prompt of this session.
        watch: called at least once in ``WATCH_INTERVAL`` while waiting; raises to give up.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        receive: Callable[[float], bytes],
        write: Callable[[bytes], None],
        own_prompt: Callable[[bytes], bool],
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self._exchange = exchange
        self._receive = receive
        self._write = write
        self._own_prompt = own_prompt
        self._watch = watch
        self._stdout = [BytesPattern(*pair) for pair in exchange.stdout_re]
        self._stderr = [BytesPattern(*pair) for pair in exchange.stderr_re]
        self._ansi = [BytesPattern(*pair) for pair in exchange.ansi_re]
        questions = [BytesPattern(source, regex.IGNORECASE.value) for source in exchange.prompt]
        answers = exchange.answer or [b""]
        self._questions = [
            (question, answers[place] if place < len(answers) else answers[0])
            for place, question in enumerate(questions)
        ]
        self._answered: list[BytesPattern] = []
        self._handled = not questions
        self._came = Received([(exchange.command or b"").decode(_BYTES)], tail_size=QUESTION_WINDOW)
        self._could_end = False
        self._false_ends = 0
        self._began = time.monotonic()
        self._matched: bytes | None = None
        self._window = b""
        self._matched_question: bytes | None = None

    @property
    def received(self) -> bytes:
        """Everything that has come so far, untouched; of a too large answer its beginning and its end."""
        return self._came.text.encode(_BYTES)

    def run(self, *, already: bytes = b"") -> ExchangeEnd:
        """Carry it out.

        Args:
            already: what came before and belongs to this answer.

        Raises:
            Whatever ``receive``, ``write`` and ``watch`` raise.
        """
        exchange = self._exchange
        self._began = time.monotonic()
        if exchange.command is not None:
            self._write(exchange.command + b"\r")
            if exchange.sendonly:
                return ExchangeEnd(result=self._result(), last_line=b"", at_prompt=False, ended=True)
        if already:
            self._came.add(already.decode(_BYTES))
        try:
            ended = read_until_quiet(
                self._came,
                receive=self._next,
                look=self._look,
                deadline=Deadline.after(exchange.timeout),  # now: the permission to write may have taken its time
                watch=self._watch,
                watch_interval=WATCH_INTERVAL,
            )
            return self._complete() if ended else self._timed_out()
        except _GivenUp as given_up:
            return self._failed(given_up.code, given_up.message)
        except SearchTimeout as error:
            return self._failed(error.code, error.message)

    # -- what came --------------------------------------------------------------------------------------------------

    def _next(self, timeout: float) -> str | None:
        data = self._receive(timeout)
        return data.decode(_BYTES) if data else None

    def _look(self) -> float | None:
        """Seconds of silence that would end the answer here; None: it goes on.

        Raises:
            _GivenUp: a wrong answer, or too large a one.
        """
        self._false_ends += self._could_end
        self._could_end = False
        if self._came.too_large:
            raise _GivenUp("response_too_large", f"the answer is larger than {LARGEST_ANSWER} bytes")
        self._came.echoed()
        if self._asked():
            return None
        if self._asked_again():
            asked = (self._matched_question or b"").decode("utf-8", "replace").strip()
            raise _GivenUp("prompt_retry", f"for the question {asked!r} the answer is not valid: it was asked again")
        self._could_end = self._at_prompt()
        return self._quiet() if self._could_end else None

    def _asked(self) -> bool:
        """Answer a question that stands there."""
        if self._handled:
            return False
        text, offset = self._since_answer()
        for place, (question, answer) in enumerate(self._questions):
            found = question.search(text)
            if found is not None and found.end() <= offset:
                found = question.search(text, offset)
            if found is None:
                continue
            self._matched_question = found.group()
            self._came.dealt_with()
            self._answered.append(question)
            if self._exchange.check_all:
                del self._questions[place]
            self._handled = not self._exchange.check_all or not self._questions
            self._write(answer + b"\r" if self._exchange.newline else answer)
            return True
        return False

    def _asked_again(self) -> bool:
        """Whether a question that was answered is asked again: the answer was wrong."""
        if not self._exchange.prompt_retry_check or not self._answered:
            return False
        text, _ = self._since_answer()
        return any(question.search(text) is not None for question in self._answered)

    def _since_answer(self) -> tuple[bytes, int]:
        """What came since the last answer (or the start), and how much of it is echo."""
        tail, echo = self._came.tail, self._came.tail[: self._came.echo_in_tail()]
        return self._stripped(tail.encode(_BYTES)), len(self._stripped(echo.encode(_BYTES)))

    def _at_prompt(self) -> bool:
        tail = self._came.tail
        start = max(len(tail) - WINDOW, 0)
        if start:
            lowest = max(start - LONGEST_LINE, 0)
            line_end = tail.rfind("\n", lowest, start)
            start = line_end if line_end >= 0 else lowest
        window = self._stripped(tail[max(start, self._came.echo_in_tail()) :].encode(_BYTES))
        for expression in self._stdout:
            found = expression.search(window)
            if found is not None:
                self._matched, self._window = found.group(), window
                return True
        return False

    def _quiet(self) -> float:
        """How long the silence behind this prompt must be, to believe that it is the last."""
        settle = max(self._exchange.settle, self._exchange.quiet)
        if not self._came.echoed():
            return settle  # it may be the prompt of something before
        pace = 2 * self._came.longest_pause if self._came.reads > 3 else 0.0
        own = self._own_prompt(_last_line(self._window)) and not self._false_ends
        adapted = min(max(0.0 if own else FIRST_QUIET, pace) * float(4 ** min(self._false_ends, 8)), settle)
        return max(adapted, self._exchange.quiet)

    def _stripped(self, data: bytes) -> bytes:
        for expression in self._ansi:
            data = expression.removed_from(data)
        return data

    # -- the end ----------------------------------------------------------------------------------------------------

    def _result(self, *, response: bytes = b"", error: ExchangeError | None = None) -> ExchangeResult:
        return ExchangeResult(
            seq=self._exchange.seq,
            response=response,
            window=self._window,
            matched_prompt=self._matched,
            matched_cmd_prompt=self._matched_question,
            error=error,
            elapsed=round(time.monotonic() - self._began, 6),
        )

    def _complete(self) -> ExchangeEnd:
        response = self._stripped(self.received)
        error = None
        if any(expression.search(response) is not None for expression in self._stderr):
            error = ExchangeError(code="stderr_match", message="the device answered with an error", response=response)
        return self._end(self._result(response=response, error=error), ended=True)

    def _timed_out(self) -> ExchangeEnd:
        line = _last_line(self.received[-LONGEST_LINE:]).decode("utf-8", "replace")[-200:]
        shown = f"; the device's last line is {line!r}" if line else "; the device sent nothing"
        return self._failed("command_timeout", f"no prompt within {self._exchange.timeout:g} s{shown}")

    def _failed(self, code: str, message: str) -> ExchangeEnd:
        self._matched = None
        response = self.received
        error = ExchangeError(code=code, message=message, response=response)
        return self._end(self._result(response=response, error=error), ended=False)

    def _end(self, result: ExchangeResult, *, ended: bool) -> ExchangeEnd:
        tail = self.received[-LONGEST_LINE:]
        line = _last_line(self._stripped(tail) if ended else tail)
        behind_echo = self._came.echoed() or ended
        return ExchangeEnd(
            result=result, last_line=line, at_prompt=behind_echo and bool(line) and self._own_prompt(line), ended=ended
        )


class _GivenUp(Exception):
    """The exchange cannot end with its answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _last_line(text: bytes) -> bytes:
    return last_line(text.decode(_BYTES)).encode(_BYTES)
