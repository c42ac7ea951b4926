"""The optional interactive capability of a driver: a caller leads the dialogue with the device, exchange by exchange.

The broker holds the session open for one caller at a time (an *interactive session*) and hands over the exchanges. An
exchange is what Ansible's ``network_cli`` calls ``send()``: a command, the questions it may ask with their answers,
the expressions that tell the prompt and an error, and two times. Everything that crosses this border is bytes: what the
device sent comes back as it was sent, and the caller decides on its encoding.

A driver offers the capability by having the methods of ``InteractiveDriver``; others simply lack them.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

import regex
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from netpulse_drivers.errors import DriverError, InvalidArguments

MAX_PATTERN = 4_096
"""Bytes of one regular expression."""

MAX_PATTERNS = 256
"""Regular expressions of one kind in an exchange; the longest list of a vendor's terminal plug-in has about 40."""

MAX_COMMAND = 1_048_576
"""Bytes of a command; banners and certificates are typed as one."""

MAX_ANSWER = 65_536
"""Bytes of one answer to a question."""

MAX_SEARCH_SECONDS = 5.0
"""Seconds that all searches of one expression in one exchange may take together."""

FileProtocol = Literal["scp", "sftp"]

_FLAGS = {re.IGNORECASE: regex.I, re.MULTILINE: regex.M, re.DOTALL: regex.S, re.VERBOSE: regex.X, re.ASCII: 0}


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None


def to_base64(value: bytes) -> str:
    """Bytes as they stand in JSON."""
    return base64.b64encode(value).decode("ascii")


Base64Bytes = Annotated[
    bytes,
    BeforeValidator(_decoded, json_schema_input_type=str),
    PlainSerializer(to_base64, return_type=str, when_used="json"),
]
"""Bytes, in JSON as base64 (RFC 4648, section 4)."""

_PatternSource = Annotated[Base64Bytes, Field(max_length=MAX_PATTERN)]
_Answer = Annotated[Base64Bytes, Field(max_length=MAX_ANSWER)]
PatternPair = tuple[_PatternSource, int]
"""A bytes expression and its flags, as ``re`` numbers them."""

_Patterns = Annotated[list[PatternPair], Field(max_length=MAX_PATTERNS)]


class SearchTimeout(DriverError):
    """An expression of the caller's took too long to search; the exchange was given up."""

    code = "regex_timeout"
    session_usable = False


class BytesPattern:
    """A caller's expression. Its searches in one exchange share a budget of time, so it can cost nobody else anything.

    Args:
        source: as for ``re`` (a bytes pattern).
        flags: IGNORECASE, MULTILINE, DOTALL, VERBOSE and ASCII, as ``re`` numbers them.

    Raises:
        InvalidArguments: no valid expression, or a flag that bytes patterns do not have.
    """

    def __init__(self, source: bytes, flags: int = 0) -> None:
        self.source = source
        self._compiled = _compiled(source, flags)
        self._left = MAX_SEARCH_SECONDS

    def search(self, data: bytes, start: int = 0) -> regex.Match[bytes] | None:
        """The first match from ``start`` on.

        Raises:
            SearchTimeout
        """
        began = time.monotonic()
        try:
            return self._compiled.search(data, start, timeout=max(self._left, 0.001))
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self._left -= time.monotonic() - began

    def removed_from(self, data: bytes) -> bytes:
        """The bytes without what matches.

        Raises:
            SearchTimeout
        """
        began = time.monotonic()
        try:
            return self._compiled.sub(b"", data, timeout=max(self._left, 0.001))
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self._left -= time.monotonic() - began

    def _too_slow(self) -> SearchTimeout:
        shown = self.source[:80].decode("utf-8", "replace")
        return SearchTimeout(f"the regular expression {shown!r} takes too long to search; avoid nested repetition")


@functools.lru_cache(maxsize=1024)
def _compiled(source: bytes, flags: int) -> regex.Pattern[bytes]:
    """Compiled once for all exchanges: the same hundred expressions come with each of them."""
    wanted = regex.V0
    for known, ours in _FLAGS.items():
        if flags & known:
            wanted |= ours
            flags &= ~known
    if flags:
        raise InvalidArguments(
            f"regular expression flags {flags} are not possible here: use re.I, re.M, re.S, re.X or re.A"
        )
    try:
        return regex.compile(source, wanted)
    except (regex.error, OverflowError, RecursionError) as error:
        shown = source[:80].decode("utf-8", "replace")
        raise InvalidArguments(f"{shown!r} is no valid regular expression: {error}") from None


class Exchange(BaseModel):
    """One command (or just reading) and what the answer may look like.

    Attributes:
        seq: 1, 2, 3, ... within the interactive session; each is carried out once.
        command: typed with a carriage return behind it; None: only read.
        sendonly: type and read nothing.
        prompt: questions that the command may ask: expressions, case-insensitive.
        answer: what to type when one is asked: the one at the same place, else the first.
        newline: whether a carriage return follows an answer.
        prompt_retry_check: the question that was answered and comes again means that the answer was wrong.
        check_all: all questions will be asked; each takes its answer with it.
        stdout_re: the prompt; searched at the end of what came.
        stderr_re: what makes the answer an error; searched in the whole answer, once the prompt has come.
        ansi_re: what is taken out of the answer.
        timeout: seconds until the prompt must have come.
        settle: longest silence (seconds) that is waited for behind a prompt that may not be the last. The wait adapts
            to how the device delivers; it is next to nothing when the session's own prompt ended the answer. 0: none.
        quiet: shortest silence (seconds) that is waited for behind any prompt, the session's own included.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False, frozen=True)

    seq: int = Field(ge=1, le=2**53)
    command: Annotated[Base64Bytes, Field(max_length=MAX_COMMAND)] | None = Field(default=None, repr=False)
    sendonly: bool = False
    prompt: list[_PatternSource] = Field(default_factory=list, max_length=MAX_PATTERNS, repr=False)
    answer: list[_Answer] = Field(default_factory=list, max_length=MAX_PATTERNS, repr=False)
    newline: bool = True
    prompt_retry_check: bool = False
    check_all: bool = False
    stdout_re: _Patterns = Field(default_factory=list, repr=False)
    stderr_re: _Patterns = Field(default_factory=list, repr=False)
    ansi_re: _Patterns = Field(default_factory=list, repr=False)
    timeout: float = Field(default=30.0, gt=0, le=3600)
    settle: float = Field(default=0.1, ge=0, le=60)
    quiet: float = Field(default=0.0, ge=0, le=60)

    @model_validator(mode="after")
    def _fits_together(self) -> Exchange:
        if self.sendonly and self.command is None:
            raise ValueError("sendonly needs a command")
        if not self.sendonly and not self.stdout_re:
            raise ValueError("stdout_re is empty: nothing would end the answer")
        if self.check_all and len(self.prompt) != len(self.answer):
            raise ValueError(
                f"check_all needs as many answers as prompts: {len(self.prompt)} prompts, {len(self.answer)} answers"
            )
        return self

    def check_patterns(self) -> None:
        """Compile all expressions.

        Raises:
            InvalidArguments: naming the first that is not valid.
        """
        for source in self.prompt:
            _compiled(source, re.IGNORECASE.value)
        for source, flags in (*self.stdout_re, *self.stderr_re, *self.ansi_re):
            _compiled(source, flags)


class ExchangeError(BaseModel):
    """Why an exchange ended without its answer, or with one that means an error.

    Attributes:
        code: ``stderr_match``, ``prompt_retry``, ``command_timeout``, ``regex_timeout``, ``response_too_large``,
            ``session_lost``, ``session_suspect``, ...
        message: one line for people.
        response: what the device had sent.
    """

    code: str
    phase: str = "execute"
    message: str
    response: Base64Bytes = b""


class ExchangeResult(BaseModel):
    """What came of an exchange.

    Attributes:
        response: everything that came, without what ``ansi_re`` matches; echo and prompt included.
        window: the end of it, in which the prompt was found.
        matched_prompt: the prompt as ``stdout_re`` matched it.
        matched_cmd_prompt: the last question that was answered, as ``prompt`` matched it.
        error: None when the prompt came and nothing matched ``stderr_re``.
        lease_open: whether the session can be used further.
        elapsed: seconds from the write to the end.
    """

    seq: int
    response: Base64Bytes = b""
    window: Base64Bytes = b""
    matched_prompt: Base64Bytes | None = None
    matched_cmd_prompt: Base64Bytes | None = None
    error: ExchangeError | None = None
    lease_open: bool = True
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A session at the start of an interactive session, its mode and privilege those of the login.

    Attributes:
        prompt: the last bytes that came: the verified prompt.
        privilege: 15 or 1 where the prompt shows it, else None.
    """

    prompt: bytes
    privilege: int | None


@runtime_checkable
class InteractiveDriver(Protocol):
    """The methods of a driver that can be leased. ``driver.call`` holds the deadline and the write guard."""

    def open_interactive(self, session: Any) -> Opening:
        """Verify the prompt; leave configuration mode and raised privilege if an earlier job left them behind.

        Raises:
            SessionStale: the kept session is dead or not at its prompt; nothing but a RETURN was typed.
            DriverError
        """

    def exchange(self, session: Any, exchange: Exchange, *, watch: Callable[[], None]) -> ExchangeResult:
        """Carry one out. What goes wrong at the device stands in the result's ``error``.

        Args:
            watch: call it at least once a second while waiting; it raises when the exchange is to be given up.
        """

    def normalise(self, session: Any) -> None:
        """End of the dialogue: out of configuration mode (a candidate is thrown away, never committed), back to the
        privilege of the login.

        Raises:
            DriverError: with ``session_usable`` False when that did not succeed; the session must be closed then.
        """

    def send_file(
        self, session: Any, path: str, chunks: Iterable[bytes], *, size: int | None, protocol: FileProtocol
    ) -> int:
        """Copy a stream to a file on the device, over the session's own connection; bytes written.

        Args:
            size: of the stream; ``scp`` must know it beforehand.

        Raises:
            UnsupportedOperation, FileCopyFailed, SessionLost
        """

    def fetch_file(self, session: Any, path: str, *, protocol: FileProtocol) -> Iterator[bytes]:
        """A file of the device as a stream of chunks of at most 64 KiB.

        Raises (while being read):
            UnsupportedOperation, FileCopyFailed, SessionLost
        """


class FileCopyFailed(DriverError):
    """The device refused the file or broke the copy off; ``device_output`` has its words. The session goes on."""

    code = "file_copy_failed"
