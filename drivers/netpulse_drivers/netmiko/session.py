"""A logged-in session and its state between operations.

Invariant: between operations the session stands at a verified prompt outside configuration mode, or it is marked
unusable and will be closed. Nothing is ever typed to find out where it stands: RETURN at "Proceed with reload?
[confirm]" reloads a router.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence

import paramiko
from netmiko.exceptions import NetmikoTimeoutException
from pydantic import BaseModel

from netpulse_drivers.base import Call
from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import CommandTimeout, OutputTooLarge, SessionLost, SessionStale
from netpulse_drivers.netmiko.announced_questions import AnnouncedQuestions
from netpulse_drivers.netmiko.event_driven import PROMPT_AT_LOGIN, EventDriven
from netpulse_drivers.platforms import Answer, Platform, variant_of
from netpulse_drivers.results import Output
from netpulse_drivers.terminal.byte_stream import StreamClosed
from netpulse_drivers.terminal.prompt import Prompt, counts
from netpulse_drivers.terminal.received import LARGEST_ANSWER
from netpulse_drivers.terminal.reply import Question, Reply, ReplyEnd, ReplyTimeout
from netpulse_drivers.terminal.terminal_text import last_line, normal_line_ends, only_asynchronous, without_escapes

RECOVERY = 0.5
"""Seconds that are waited for a prompt when something unexpected stands in the channel before an operation."""


class NetmikoSession:
    """One session of one device.

    Attributes:
        connection: netmiko's object, event-driven.
        platform: the platform's data.
        prompt: the prompt as last verified.
        login_prompt: the prompt with the privilege that the login gave; sessions return to it.
        unusable_reason: why the session must be closed; "" while it may be used.
        answers_keepalive: whether the device has ever answered an SSH keepalive.
        at_prompt: whether the last that the device printed in answer to us was a verified prompt.
        interrupted: whether it has printed messages of its own behind that prompt since.
        wandered: whether a command of the job may have led away without another prompt telling so.
        renamed: whether a line of the job has given the device another name.
        in_context: whether the mode that the prompt shows is, or lies in, another context.
        proven_at: when it last printed a verified prompt (monotonic seconds).
        notes: what was odd (late output, messages between commands), latest last.
        progress: what the operation under way has completed; errors carry it.
    """

    def __init__(self, connection: EventDriven, platform: Platform) -> None:
        self.connection = connection
        self.platform = platform
        self.prompt = Prompt("", platform)
        self.login_prompt = self.prompt
        self.unusable_reason = ""
        self.answers_keepalive = False
        self.at_prompt = False
        self.interrupted = False
        self.wandered = False
        self.renamed = False
        self.in_context = False
        self.proven_at = 0.0
        self.notes: deque[str] = deque(maxlen=20)
        self.progress: list[Output] = []
        self._question_of: BaseModel | None = None
        self._asking = ""
        self._announced = AnnouncedQuestions(())

    # -- login ------------------------------------------------------------------------------------------------------

    def learn_prompt(self) -> None:
        """Find out the whole prompt by RETURN and see it come again by another. Right after login only.

        Raises:
            ReplyTimeout: the prompt did not come (again).
        """
        connection = self.connection
        connection.pending()
        base = connection.base_prompt

        def first(line: str) -> bool:
            return base in line and PROMPT_AT_LOGIN.fullmatch(line) is not None

        deadline = connection.deadline.sooner(10.0)
        reply = connection.exchange("", verify=False, end=ReplyEnd(prompt=first), deadline=deadline)
        self.platform = variant_of(self.platform, reply.last_line)
        shown = Prompt(reply.last_line, self.platform)

        def second(line: str) -> bool:
            return shown.accepts(line) or counts(shown.text, line)

        reply = connection.exchange("", verify=False, end=ReplyEnd(prompt=second), deadline=deadline)
        volatile = counts(shown.text, reply.last_line)
        self.prompt = self.login_prompt = Prompt(reply.last_line, self.platform, volatile=volatile, trail=_trail(reply))
        self.at_prompt = True
        self.proven_at = time.monotonic()

    # -- operations -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def operation(self, call: Call) -> Iterator[None]:
        """Everything that is typed happens inside one: its deadline and guard hold, its failures are translated.

        Raises:
            SessionStale: dead before anything was written. SessionLost: dead afterwards.
            CommandTimeout: no prompt in time; the session may not be used any more.
            Anything that ``call.before_write`` raises.
        """
        connection = self.connection
        connection.guard, connection.deadline, connection.wrote = call.before_write, call.deadline, False
        self.progress, self._asking = [], ""
        if not self._announced.are(call.answers):
            self._announced = AnnouncedQuestions(call.answers)
        stood_at_prompt = self.at_prompt
        try:
            if call.deadline.passed:
                raise CommandTimeout(
                    "the time for this operation was over before anything was sent", session_usable=True
                )
            self._check_ready(call)
            yield
            self._question_of = None if self.at_prompt else call.args
        except (StreamClosed, paramiko.SSHException, OSError) as error:
            raise self._broken(error) from error
        except (ReplyTimeout, NetmikoTimeoutException) as error:
            raise self.timed_out(getattr(error, "received", None) or connection.transcript) from error
        finally:
            if not connection.wrote:
                self.at_prompt = stood_at_prompt
            if not self.at_prompt and self._question_of is None and connection.wrote:
                self.unusable_reason = self.unusable_reason or "an operation ended without a verified prompt"
            self.rest()

    def rest(self) -> None:
        """Between operations: nothing may be typed."""
        self.connection.guard, self.connection.deadline = _forbidden, Deadline.never()

    def _check_ready(self, call: Call) -> None:
        """See that the session can take a command, without writing.

        Raises:
            SessionStale: it cannot; nothing was written.
        """
        if self.unusable_reason:
            raise SessionStale(f"kept session is dead: {self.unusable_reason}")
        left_over = self.connection.pending()
        if self._question_of is not None and self._question_of is call.args:
            return  # the same job goes on with a dialogue that its own expect_string stopped
        if not left_over.strip() and self.at_prompt:
            return
        self._resync(left_over)

    def _resync(self, left_over: str) -> None:
        """Something came between operations, or the last one left a question. Read only."""
        text = left_over
        deadline = self.connection.deadline.sooner(RECOVERY)
        while not self.prompt.accepts(last_line(text)):
            if self.at_prompt and only_asynchronous(text, self.platform.logs):
                self.notes.append(f"messages between commands: {_shown(text)}")
                self.interrupted = True
                return
            data = self.connection.receive(deadline.remaining())
            if not data:
                self.unusable_reason = "unexpected output between commands"
                raise SessionStale(
                    f"kept session is not at its prompt: {self.unusable_reason}", device_output=_shown(text)
                )
            text += self.connection.decoder.decode(data)
        self.arrived_at(last_line(text))
        self.notes.append(f"late output: {_shown(text)}")

    def read_deadline(self, read_timeout: float | None, default: float) -> Deadline:
        """When the prompt must be back: the request's or the platform's limit, within the operation's."""
        override = self.connection.read_timeout_override
        return self.connection.deadline.sooner(override or read_timeout or default)

    def ask(
        self,
        typed: str,
        *,
        deadline: Deadline,
        verify: bool = True,
        expect: BoundedRegex | None = None,
        questions: Sequence[Answer] = (),
        also: BoundedRegex | None = None,
        any_name: bool = False,
        announced: bool = True,
    ) -> Reply:
        """Type one command (or several lines) and read up to the prompt.

        Args:
            typed: without the final line end.
            deadline: for the answer.
            verify: wait for the echo.
            expect: the client's own end of the output.
            questions: that this command is known to ask, with their answers; they go before announced ones.
            also: a pattern that makes the last line count as the prompt.
            any_name: whether the device may come back under another name at once (it is being renamed).
            announced: whether the request's own answers may be typed. Not where the driver leaves something by itself:
                a "yes" that was meant for a line would commit what is being thrown away.

        Raises:
            OutputTooLarge: the answer has ended, and nothing of it is kept.
            ReplyTimeout, StreamClosed, OSError: the caller's ``operation`` translates them.
        """
        if self.unusable_reason:
            raise StreamClosed(self.unusable_reason)
        prompt = self.prompt
        moves = not self.at_prompt or self.platform.moves.match(typed) is not None
        renames = any_name or self.platform.renames.match(typed) is not None

        def ends(line: str) -> bool:
            if prompt.accepts(line) or (any_name and prompt.resembles(line)):
                return True
            return also is not None and also.search(line) is not None

        end = ReplyEnd(
            prompt=ends,
            text=prompt.text,
            trail=prompt.trail,
            foreign_prompt=prompt.resembles if moves or renames else _no_prompt,
            expect=expect,
            questions=[*map(_platforms, questions), *(self._announced.of_command() if announced else ())],
        )
        self.at_prompt = False
        self._asking = typed
        reply = self.connection.exchange(typed, verify=verify, end=end, deadline=deadline)
        self._asking = ""
        if reply.before_echo.strip(" \n" + prompt.text):
            self.notes.append(f"output before the echo: {_shown(reply.before_echo)}")
        if self.platform.mode_line:
            self.connection.transcript = reply.output[-4096:]  # where mode_after looks
        self._conclude(reply, renames=renames)
        self.note_context(typed)
        self.note_hop(typed, reply.output, before=prompt)
        if reply.too_large:
            raise OutputTooLarge(
                f"the device answered with more than {LARGEST_ANSWER // 2**20} Mi characters; narrow the command",
                outputs=self.progress,
                session_usable=self.at_prompt and not self.unusable_reason,
            )
        return reply

    def note_hop(self, typed: str, output: str, *, before: Prompt) -> None:
        """After an answer that ended at a prompt of this name: another device may have it too, and stand there now.

        Args:
            typed: the line or lines.
            output: what came.
            before: the prompt at which it was typed.
        """
        if not self.at_prompt or (self.prompt is not before and not (before.in_config and not self.prompt.in_config)):
            return
        left_mode = before.in_config and not self.prompt.in_config
        for line in re.split(r"[\r\n]+", typed):
            if self.platform.leads_away.match(line) and (not before.in_config or left_mode or _FROM_MODE.match(line)):
                self.wandered = True
        if _CONNECTED.search(output) is not None:  # whatever the command was called
            self.wandered = True

    def _conclude(self, reply: Reply, *, renames: bool) -> None:
        """Where the session stands after an answer."""
        prompt, line = self.prompt, reply.last_line
        if reply.ended_by == "unterminated":
            line = prompt.text
        own = prompt.accepts(line)
        foreign = reply.ended_by == "foreign_prompt" or (renames and reply.ended_by == "prompt")
        if not own and not (foreign and prompt.resembles(line)):
            return  # the client's own end of the answer: a question that stays open
        self.arrived_at(line)
        if self.prompt is not prompt and self.prompt.trail is None and reply.ended_by == "prompt":
            self.prompt = self.prompt.followed_by(_trail(reply))
        self.interrupted = reply.ended_by == "interrupted"
        self.renamed = self.renamed or (renames and not own)

    def note_context(self, typed: str) -> None:
        """Notice that the answer to this led into another context."""
        if self.prompt.in_config and any(map(self.platform.enters_context.match, typed.split("\n"))):
            self.in_context = True

    def arrived_at(self, line: str) -> None:
        """The device showed this line as its prompt: the session is at a verified prompt."""
        self.at_prompt = True
        self.interrupted = False
        self.proven_at = time.monotonic()
        if line == self.prompt.text:
            return
        renamed = not self.prompt.accepts(line)
        self.prompt = self.prompt.moved_to(line)
        self.in_context = self.in_context and self.prompt is not self.login_prompt
        if renamed:
            # netmiko's methods (saving, committing) look for this
            self.connection.base_prompt = self.prompt.stem or line[:-1]

    def timed_out(self, received: str) -> CommandTimeout:
        """The error for an answer without an end; the session will be closed."""
        self.unusable_reason = "a command timed out"
        last = last_line(received)
        ending = f"; the device's last line is {last!r}" if last else ""
        if last and self.prompt.resembles(last) and not self.prompt.accepts(last):
            ending += f", which is not this session's prompt {self.prompt.text!r}"
        unfinished = [Output(self._asking, received, failed=True, complete=False)] if self._asking else []
        return CommandTimeout(
            f"no prompt came back in time{ending}; nothing further was typed and the session is closed",
            device_output=received,
            outputs=[*self.progress, *unfinished],
        )

    def _broken(self, error: BaseException) -> SessionLost | SessionStale:
        text = " ".join(str(error).split()) or type(error).__name__
        self.unusable_reason = self.unusable_reason or text
        if not self.connection.wrote:
            return SessionStale(f"kept session is dead: {text}")
        return SessionLost(
            f"session broke after something had been typed: {text}",
            device_output=self.connection.transcript,
            outputs=self.progress,
        )

    # -- the end ----------------------------------------------------------------------------------------------------

    def is_alive(self) -> bool:
        """From what is known locally."""
        if self.unusable_reason or self.connection.stream is None:
            return False
        return not self.connection.stream.ended()

    def abort(self) -> None:
        """Cut the connection from another thread; see ``BaseDriver.abort``."""
        self.unusable_reason = self.unusable_reason or "broken off"
        stream = self.connection.stream
        if stream is not None:
            stream.abort()

    def close(self) -> None:
        """Close; types nothing, never raises for a dead session."""
        self.unusable_reason = self.unusable_reason or "closed"
        self.connection.disconnect()


_FROM_MODE = re.compile(r"\s*(?:do|run)\s", re.IGNORECASE)
"""What lets a command of exec mode be typed in configuration mode."""

_CONNECTED = re.compile(
    r"^(?:Trying \S+.{0,80}?\.\.\. ?Open\b|\[Resuming connection |Connected to \S+\.$)", re.MULTILINE
)
"""What IOS and its like, and telnet(1), say when they have reached another host."""


def _trail(reply: Reply) -> str:
    return without_escapes(reply.raw_end).rpartition(reply.last_line)[2]


def _no_prompt(_line: str) -> bool:
    return False


def _platforms(answer: Answer) -> Question:
    return Question(BoundedRegex(answer.question, name="question"), answer.answer)


def _forbidden() -> None:
    raise AssertionError("a write outside an operation")


def _shown(text: str) -> str:
    return normal_line_ends(without_escapes(text)).strip()[-2000:]
