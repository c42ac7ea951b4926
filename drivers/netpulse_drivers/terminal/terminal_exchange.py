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

WINDOW = 256
"""Bytes at the end of the answer in which the prompt is looked for, extended to the beginning of their first line."""

LONGEST_LINE = 1_024
"""Bytes that the window grows to at most for the sake of that line."""

QUESTION_WINDOW = 16_384
"""Bytes at the end of the answer in which questions are looked for."""

ECHO_WINDOW = 65_536
"""Bytes at the beginning of the answer in which the echo is looked for."""

MAX_RESPONSE = 32 * 1024 * 1024
"""Bytes of one answer."""

FIRST_QUIET = 0.005
"""Seconds of silence that confirm a prompt which is not the session's own, unless the device has shown to be slower."""

WATCH_INTERVAL = 1.0
"""Seconds between two looks whether anybody still waits for the answer."""

_ESCAPES = regex.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()*+][0-9A-Za-z]|[@-Z\\^_=>78])")


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
        self._raw = bytearray()
        self._fresh_from = 0
        self._echo_end: int | None = 0 if not (exchange.command or b"").strip() else None
        self._chunks = 0
        self._last_chunk = 0.0
        self._longest_pause = 0.0
        self._false_ends = 0
        self._began = time.monotonic()
        self._matched: bytes | None = None
        self._window = b""
        self._matched_question: bytes | None = None

    @property
    def received(self) -> bytes:
        """Everything that has come so far, untouched."""
        return bytes(self._raw)

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
        try:
            # From here on: the permission to write may have taken its time.
            return self._read(already, Deadline.after(exchange.timeout))
        except SearchTimeout as error:
            return self._failed(error.code, error.message)

    def _read(self, already: bytes, deadline: Deadline) -> ExchangeEnd:
        quiet: float | None = None
        if already:
            quiet = self._take(already)
        while True:
            wait = deadline.remaining(at_most=WATCH_INTERVAL) if quiet is None else deadline.remaining(at_most=quiet)
            data = self._receive(wait)
            if data:
                if quiet is not None:
                    self._false_ends += 1
                quiet = self._take(data)
                if quiet is not None and quiet < 0:
                    return self._wrong_answer()
                if len(self._raw) > MAX_RESPONSE:
                    return self._failed("response_too_large", f"the answer is larger than {MAX_RESPONSE} bytes")
            elif quiet is not None:
                return self._complete()
            elif deadline.passed:
                return self._timed_out()
            else:
                self._watch()

    # -- what came --------------------------------------------------------------------------------------------------

    def _take(self, data: bytes) -> float | None:
        """Look at what came. Seconds of silence that would end the answer here; None: it goes on; -1: wrong answer."""
        now = time.monotonic()
        self._chunks += 1
        if self._chunks > 2:  # the first pauses are the device thinking, not its pace
            self._longest_pause = max(self._longest_pause, now - self._last_chunk)
        self._last_chunk = now
        self._raw += data
        if self._echo_end is None:
            self._find_echo()
        if self._asked():
            return None
        if self._asked_again():
            return -1.0
        return self._quiet() if self._at_prompt() else None

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
            self._fresh_from = len(self._raw)
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
        start = max(self._fresh_from, len(self._raw) - QUESTION_WINDOW)
        echo = bytes(self._raw[start : max(self._echo_end or 0, start)])
        return self._stripped(bytes(self._raw[start:])), len(self._stripped(echo))

    def _at_prompt(self) -> bool:
        start = max(len(self._raw) - WINDOW, 0)
        if start:
            lowest = max(start - LONGEST_LINE, 0)
            line_end = self._raw.rfind(b"\n", lowest, start)
            start = line_end if line_end >= 0 else lowest
        window = self._stripped(bytes(self._raw[max(start, self._fresh_from, self._echo_end or 0) :]))
        for expression in self._stdout:
            found = expression.search(window)
            if found is not None:
                self._matched, self._window = found.group(), window
                return True
        return False

    def _quiet(self) -> float:
        """How long the silence behind this prompt must be, to believe that it is the last."""
        settle = self._exchange.settle
        pace = 2 * self._longest_pause if self._chunks > 3 else 0.0
        if self._echo_end is None:
            return settle  # it may be the prompt of something before
        shortest = 0.0 if self._own_prompt(last_line(self._window)) and not self._false_ends else FIRST_QUIET
        return min(max(shortest, pace) * float(4 ** min(self._false_ends, 8)), settle)

    def _find_echo(self) -> None:
        """Where the echo of the command ends; wrapped, scrolled and redrawn ones are found too."""
        command = (self._exchange.command or b"").strip()
        head = bytes(self._raw[:ECHO_WINDOW])
        at = head.find(command)
        if at >= 0:
            self._echo_end = at + len(command)
            return
        wanted = _squeezed(command)
        if len(wanted) > 200:  # devices scroll long lines sideways; the end of the command is always shown
            wanted = wanted[-30:]
        seen, position = b"", 0
        for line in head.splitlines(keepends=True):
            seen += _squeezed(line)
            position += len(line)
            if wanted in seen:
                self._echo_end = position
                return

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
        response = self._stripped(bytes(self._raw))
        error = None
        if any(expression.search(response) is not None for expression in self._stderr):
            error = ExchangeError(code="stderr_match", message="the device answered with an error", response=response)
        return self._end(self._result(response=response, error=error), ended=True)

    def _wrong_answer(self) -> ExchangeEnd:
        asked = (self._matched_question or b"").decode("utf-8", "replace").strip()
        return self._failed("prompt_retry", f"for the question {asked!r} the answer is not valid: it was asked again")

    def _timed_out(self) -> ExchangeEnd:
        line = last_line(bytes(self._raw)).decode("utf-8", "replace")[-200:]
        shown = f"; the device's last line is {line!r}" if line else "; the device sent nothing"
        return self._failed("command_timeout", f"no prompt within {self._exchange.timeout:g} s{shown}")

    def _failed(self, code: str, message: str) -> ExchangeEnd:
        self._matched = None
        error = ExchangeError(code=code, message=message, response=bytes(self._raw))
        return self._end(self._result(response=bytes(self._raw), error=error), ended=False)

    def _end(self, result: ExchangeResult, *, ended: bool) -> ExchangeEnd:
        tail = bytes(self._raw[-LONGEST_LINE:])
        line = last_line(tail if not ended else self._stripped(tail))
        behind_echo = self._echo_end is not None or ended
        return ExchangeEnd(
            result=result, last_line=line, at_prompt=behind_echo and bool(line) and self._own_prompt(line), ended=ended
        )


def last_line(text: bytes) -> bytes:
    text = _ESCAPES.sub(b"", text)
    line = text[max(text.rfind(b"\n"), text.rfind(b"\r")) + 1 :].rstrip(b" \t\x08\x00\x07")
    return line[line.rfind(b"\x08") + 1 :]


def _squeezed(text: bytes) -> bytes:
    return _ESCAPES.sub(b"", text).translate(None, b" \t\r\n\x08\x00")
