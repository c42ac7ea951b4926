"""netmiko's classes with their polling loops replaced by reads that block on the connection.

``event_driven_class`` derives from whatever class netmiko's dispatcher picks for a device type. netmiko keeps what it
knows (login dialogues, terminal settings, prompts, saving); the primitives under it, which in netmiko sleep 10 to 100
milliseconds between looks at the channel, wait for data instead, obey the operation's deadline, and ask the worker's
permission before every write.
"""

# ruff: noqa: ARG002, PLR0917 - the overridden methods have netmiko's signatures; waiting needs fewer of their options

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable
from typing import Any

from netmiko import log
from netmiko.base_connection import BaseConnection
from netmiko.cisco_base_connection import CiscoBaseConnection
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoTimeoutException, ReadTimeout
from netmiko.ssh_dispatcher import CLASS_MAPPER

from netpulse_drivers.bounded_regex import BoundedRegex
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import PasswordExpired
from netpulse_drivers.netmiko.device_types import netmiko_type
from netpulse_drivers.platforms import Platform, platform_of
from netpulse_drivers.ssh.login_text import asks_for_new_password, expired_password
from netpulse_drivers.terminal.byte_stream import ByteStream, StreamClosed
from netpulse_drivers.terminal.reply import Reply, ReplyEnd, ReplyReader, ReplyTimeout
from netpulse_drivers.terminal.terminal_text import TextDecoder, last_line, without_asynchronous_end, without_escapes

PROMPT_AT_LOGIN = re.compile(r"(?:\S[^\n]{0,300})?[>#$%\])][ \t]*")
"""Anything that looks like a prompt, alone on the last line; used until the prompt is known."""

STEP_QUIET = 1.0
"""Seconds of silence behind a prompt after which a terminal setting counts as refused: its own text does not come."""

SILENT_CONSOLE = 1.0
"""Seconds after which a Telnet line that asks nothing gets a RETURN; consoles and terminal servers wait for one."""

MOST_RETURNS = 4
"""RETURNs that such a line gets."""

FIRST_PROMPT = 1.0
"""Seconds that a device gets to show a prompt by itself after the login, before RETURN asks for one."""

LOGIN_QUIET = 0.2
"""Seconds of silence after which netmiko's login steps believe that the device has finished."""


class EventDriven(BaseConnection):
    """Mixed in before netmiko's class.

    Attributes:
        stream: the session's bytes.
        guard: called before every write; raises when this worker may not write any more.
        deadline: of the operation under way.
        wrote: whether the operation under way has written anything.
        transcript: what the device sent during login, for error messages.
        logging_in: whether a question for a new password ends it.
    """

    stream: ByteStream | None = None
    guard: Callable[[], None] = staticmethod(lambda: None)
    deadline: Deadline = Deadline.never()
    wrote: bool = False
    dial: Callable[[EventDriven, int, int], None] | None = None
    logging_in = False
    _may_be_refused = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.decoder = TextDecoder(self.encoding)
        self.transcript = ""
        self._held_back = ""

    @functools.cached_property
    def platform(self) -> Platform:
        """What is known about the device type."""
        return platform_of(self.device_type)

    # -- bytes ------------------------------------------------------------------------------------------------------

    def attach(self, stream: ByteStream) -> None:
        """Use this stream from now on."""
        self.stream = stream

    def live_stream(self) -> ByteStream:
        """The stream.

        Raises:
            StreamClosed: there is none (any more).
        """
        if self.stream is None:
            raise StreamClosed("not connected")
        return self.stream

    def receive(self, timeout: float) -> bytes:
        """Bytes as they come; b"" when none came within ``timeout`` seconds."""
        return self.live_stream().receive(timeout)

    def write_channel(self, out_data: str) -> None:
        """Write, after asking the guard. Nothing is logged: passwords pass through here."""
        stream = self.live_stream()
        self.guard()
        if not self.wrote:
            reason = stream.ended()
            if reason:
                raise StreamClosed(reason)
        data = out_data.encode(self.encoding, errors="surrogateescape" if self.encoding == "utf-8" else "strict")
        self.wrote = True
        self._at_rest = False
        stream.send(data, self.deadline.remaining(at_most=60.0))

    def _take(self, data: bytes) -> str:
        """Received bytes as netmiko's methods want them: decoded, line ends normal, escapes gone."""
        text = self._held_back + self.decoder.decode(data)
        self._held_back = ""
        if not self.disable_lf_normalization:
            if text.endswith("\r"):  # the newline that belongs to it may be in the next chunk
                text, self._held_back = text[:-1], "\r"
            text = self.normalize_linefeeds(text)
        if self.ansi_escape_codes:
            text = self.strip_ansi_escape_codes(text)
        self.transcript = (self.transcript + text)[-8192:]
        if self.logging_in and asks_for_new_password(self.transcript):
            raise password_expired(self.host, self.transcript)
        return text

    def pending(self) -> str:
        """What has arrived without being asked for. Does not wait.

        Raises:
            StreamClosed: the session is over and nothing is left to read.
        """
        text, self._read_buffer = self._read_buffer + self._held_back, ""
        self._held_back = ""
        while data := self.receive(0.0):
            text += self.decoder.decode(data)
        return text

    # -- netmiko's primitives ---------------------------------------------------------------------------------------

    def read_channel(self) -> str:
        text, self._read_buffer = self._read_buffer, ""
        while data := self.receive(0.0):
            text += self._take(data)
        return text

    def read_until_pattern(
        self, pattern: str = "", read_timeout: float = 10.0, re_flags: int = 0, max_loops: int | None = None
    ) -> str:
        """netmiko's contract: returns up to and including the match, keeps the rest for the next read."""
        compiled = re.compile(pattern, re_flags)
        limit = self.read_timeout_override or read_timeout
        deadline = self.deadline.sooner(limit) if limit else self.deadline
        output = ""
        self._read_buffer, fresh = "", self._read_buffer
        while True:
            output += fresh
            found = compiled.search(output)
            if found:
                self._read_buffer = output[found.end() :]
                return output[: found.end()]
            given_up = STEP_QUIET if self._may_be_refused and self._at_prompt(output) else math.inf
            data = self.receive(deadline.remaining(at_most=given_up))
            if not data:
                # Stays readable: a caller that gives up on this pattern may look for another.
                self._read_buffer = output
                raise ReadTimeout(f"Pattern not detected: {pattern!r} in output.")
            fresh = self._take(data)

    def read_channel_timing(
        self,
        last_read: float = 2.0,
        read_timeout: float = 120.0,
        delay_factor: float | None = None,
        max_loops: int | None = None,
    ) -> str:
        """Until the device is silent. A line that looks like a prompt shortens the silence that is waited for."""
        limit = self.read_timeout_override or read_timeout
        deadline = self.deadline.sooner(limit) if limit else self.deadline
        output, self._read_buffer = self._read_buffer, ""
        while True:
            quiet = min(LOGIN_QUIET, last_read) if self._at_prompt(output) else last_read
            data = self.receive(deadline.remaining(at_most=quiet if output else deadline.remaining()))
            if data:
                output += self._take(data)
            elif not output or deadline.passed:
                raise ReadTimeout("the device sent nothing" if not output else "the device did not stop sending")
            else:
                return output

    def _at_prompt(self, text: str) -> bool:
        tail = text[-1024:]
        line = last_line(without_asynchronous_end(tail, self.platform.logs) or tail)
        if self.base_prompt and self.base_prompt not in line:
            return False
        return bool(line) and PROMPT_AT_LOGIN.fullmatch(line) is not None

    def read_prompt_line(self, timeout: float = 2.0, *, seen: str = "") -> str:
        """Read on until the last line looks like a prompt and nothing follows, or ``timeout`` seconds are over.

        Args:
            timeout: seconds.
            seen: what has been read just before; the prompt may stand in it already.

        netmiko's login steps stop at the echo of their command; reading on to the prompt keeps the next step from
        taking that prompt for its own. Nothing depends on it: a device that prints no prompt here costs the timeout.
        """
        deadline = self.deadline.sooner(timeout)
        output, self._read_buffer = self._read_buffer, ""
        while data := self.receive(0.0 if self._at_prompt(seen + output) else deadline.remaining()):
            output += self._take(data)
        return output

    def clear_buffer(self, backoff: bool = True, backoff_max: float = 3.0, delay_factor: float | None = None) -> str:
        """What is there now. netmiko waits for more to come; the login steps below leave nothing under way."""
        return without_escapes(self.read_channel())

    def find_prompt(self, delay_factor: float = 1.0, pattern: str | None = None) -> str:
        """The prompt, whole, by one RETURN."""
        self.clear_buffer()
        self.write_channel(self.RETURN)
        prompt = ""
        if pattern:
            prompt = self.read_until_pattern(pattern=pattern)
            self._read_buffer = prompt + self._read_buffer
            prompt = self.read_prompt_line()
        while not prompt.strip():
            prompt += self.read_channel_timing(last_read=LOGIN_QUIET, read_timeout=10.0)
        prompt = last_line((without_asynchronous_end(prompt, self.platform.logs) or prompt).rstrip())
        if not prompt:
            raise ValueError("Unable to find prompt")
        return prompt.strip()

    def _test_channel_read(self, count: int = 40, pattern: str = "") -> str:
        if pattern and self._at_rest and re.search(pattern, last_line(self.transcript)):
            return last_line(self.transcript)  # IOS-XR looks for the prompt that its last step has read already
        if pattern:
            return self._to_prompt(self.read_until_pattern(pattern=pattern, read_timeout=20))
        for _ in range(3):
            try:
                return self.read_channel_timing(last_read=LOGIN_QUIET, read_timeout=5.0)
            except ReadTimeout:
                self.write_channel(self.RETURN)
        raise NetmikoTimeoutException("Timed out waiting for data")

    def set_terminal_width(self, *args: Any, **kwargs: Any) -> str:
        return self._terminal_setting(super().set_terminal_width, *args, **kwargs)

    def disable_paging(self, *args: Any, **kwargs: Any) -> str:
        return self._terminal_setting(super().disable_paging, *args, **kwargs)

    def _terminal_setting(self, method: Callable[..., str], *args: Any, **kwargs: Any) -> str:
        """A setting that the user may not be allowed to make: the session works without it."""
        self._may_be_refused = True
        try:
            output = method(*args, **kwargs)
        except ReadTimeout:
            output, self._read_buffer = self._read_buffer, ""
            if not self._at_prompt(output):
                raise
        finally:
            self._may_be_refused = False
        return self._to_prompt(output) if output else output

    _at_rest = False

    def _to_prompt(self, output: str) -> str:
        """Read on to the prompt; until something is typed the device is known to say nothing more."""
        output += self.read_prompt_line(seen=output)
        self._at_rest = self._at_prompt(output)
        return output

    def _try_session_preparation(self, force_data: bool = True) -> None:
        """As netmiko, but waiting for the first prompt instead of a tenth of a second, and without a farewell.

        What is typed before the device's command line runs is echoed by its terminal and again by the command line.
        """
        if not self._at_prompt(self.transcript):
            self._read_buffer = self.read_prompt_line(FIRST_PROMPT)
        if force_data and not self._quiet_login and not self._at_prompt(self._read_buffer):
            self.write_channel(self.RETURN)
        self.session_preparation()

    _quiet_login = False

    def establish_connection(self, width: int = 511, height: int = 1000) -> None:
        """Dial as told (SSH or Telnet), then let the platform's class handle what comes before the first prompt."""
        if self.dial is None:
            raise TypeError("set dial before connecting")
        self.dial(self, self._terminal_width or width, height)
        if self.protocol == "telnet":
            self.telnet_login()
        else:
            self.special_login_handler()

    _terminal_width: int | None = None

    # -- commands ---------------------------------------------------------------------------------------------------

    def reader(self) -> ReplyReader:
        """A reader of answers on this session."""
        return ReplyReader(
            self.receive,
            self.decoder,
            self.write_channel,
            platform=self.platform,
            enter=self.RETURN,
            clean=self.strip_ansi_escape_codes if self.ansi_escape_codes else None,
            normalise_line_ends=not self.disable_lf_normalization,
        )

    def exchange(self, typed: str, *, verify: bool, end: ReplyEnd, deadline: Deadline) -> Reply:
        """Type and read the answer.

        Args:
            typed: without the final line end, which is added; may hold several lines.
            verify: whether the echo must come first.
            end: what ends the answer.
            deadline: for the answer.

        Raises:
            ReplyTimeout, StreamClosed, OSError: see ``ReplyReader`` and ``ByteStream``.
        """
        reader = self.reader()
        self.write_channel(typed.replace("\n", self.RETURN) + self.RETURN)
        try:
            return reader.read(typed.split("\n") if verify else (), end, deadline)
        except StreamClosed:
            self.transcript = reader.received
            raise

    def send_command(  # type: ignore[override]  # the options that only polling has need no names
        self, command_string: str, expect_string: str | None = None, **kwargs: Any
    ) -> Any:
        """For netmiko's own methods (save_config, commit): an exchange instead of a polling loop."""
        read_timeout = self.read_timeout_override or kwargs.get("read_timeout", 10.0)
        self._read_buffer = ""
        stem = self.base_prompt

        def is_prompt(line: str) -> bool:
            return expect_string is None and stem in line and PROMPT_AT_LOGIN.fullmatch(line) is not None

        end = ReplyEnd(
            prompt=is_prompt, expect=BoundedRegex(expect_string, name="expect_string") if expect_string else None
        )
        verify = kwargs.get("cmd_verify", True) if self.global_cmd_verify is None else self.global_cmd_verify
        command = command_string.rstrip()
        try:
            reply = self.exchange(command, verify=verify, end=end, deadline=self.deadline.sooner(read_timeout))
        except ReplyTimeout as error:
            self.transcript = error.received
            raise ReadTimeout(f"Pattern not detected after {command!r}") from error
        return self._sanitize_output(
            f"{reply.echo}{self.RESPONSE_RETURN}{reply.output}" if reply.echo else reply.output,
            strip_command=kwargs.get("strip_command", True),
            command_string=command,
            strip_prompt=kwargs.get("strip_prompt", True),
        )

    # -- the end ----------------------------------------------------------------------------------------------------

    def disconnect(self) -> None:
        """Close. Unlike netmiko's, it types nothing: nobody knows what a session that is given up would answer."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.close()
        if self.protocol == "ssh":
            client = getattr(self, "remote_conn_pre", None)
            if client is not None:
                client.close()
        elif self.remote_conn is not None:
            self.remote_conn.close()
        self.remote_conn = None
        self.remote_conn_pre = None
        log.removeFilter(self._secrets_filter)


class TelnetDialogue(EventDriven):
    """The usual Telnet login, each credential typed once.

    netmiko's loop types user name and password again whenever it sees a login prompt, which locks accounts.
    """

    def telnet_login(
        self,
        pri_prompt_terminator: str = r"#\s*$",
        alt_prompt_terminator: str = r">\s*$",
        username_pattern: str = r"(?:user ?name|user|login|account)\s?:\s*$",
        pwd_pattern: str = r"(?:password|passcode)\s?:\s*$",  # noqa: S107 - the question, not a password
        delay_factor: float = 1.0,
        max_loops: int = 20,
    ) -> str:
        """Answer the login prompts; the output up to the first command prompt.

        Raises:
            NetmikoAuthenticationException: the device asked again, or hung up after the password.
        """
        # a line of a banner that ends like a prompt has a line end behind it, in the same piece or in the next one
        ends = rf"(?i:(?P<user>{username_pattern})|(?P<password>{pwd_pattern}))|(?P<prompt>[>#$%\]][ \t]*\Z)"
        failed = NetmikoAuthenticationException(f"Login failed: {self.host}")
        typed: set[str] = set()
        returns = 0
        output = ""
        while True:
            waits = returns < MOST_RETURNS and not typed
            try:
                output += self.read_until_pattern(ends, read_timeout=SILENT_CONSOLE * 2**returns if waits else 30.0)
            except StreamClosed as error:
                if "password" in typed:
                    raise failed from error
                raise
            except ReadTimeout:
                if not waits:
                    raise
                returns += 1
                setup = re.search(r"initial configuration dialog\?[^\n]*\Z", self._read_buffer)
                self.write_channel(("no" if setup else "") + self.TELNET_RETURN)
                continue
            kind = next(k for k, v in (re.search(ends, output) or _unmatched()).groupdict().items() if v)
            if kind == "prompt":
                more = self.receive(self.deadline.remaining(at_most=LOGIN_QUIET))
                if not more:
                    return output
                self._read_buffer, output = output + self._take(more), ""
                continue
            if kind in typed:
                raise failed
            typed.add(kind)
            self.write_channel((self.username if kind == "user" else self.password or "") + "\r")
            output = ""


def password_expired(host: str, text: str) -> PasswordExpired:
    """The error for a login that wants a new password; ``text`` is what the device sent."""
    said = expired_password(text) or text.strip().rpartition("\n")[2]
    return PasswordExpired(
        f"{host} wants the password to be changed first, and no new one is typed: {said}; "
        "change it on the device, then give the new one",
        device_output=text.strip(),
    )


def _unmatched() -> re.Match[str]:
    raise AssertionError("read_until_pattern returned without a match")


@functools.cache
def event_driven_class(device_type: str) -> type[EventDriven]:
    """netmiko's class for the device type, event-driven.

    Raises:
        KeyError: nobody knows the type.
    """
    base: Any = CLASS_MAPPER[netmiko_type(device_type)]
    width = inspect.signature(base.establish_connection).parameters.get("width")
    preparation = inspect.signature(base._try_session_preparation).parameters["force_data"].default  # noqa: SLF001
    # A platform with a Telnet dialogue of its own keeps it.
    plain = base.telnet_login in {BaseConnection.telnet_login, CiscoBaseConnection.telnet_login}
    mixins: tuple[type, ...] = (TelnetDialogue, EventDriven) if plain else (EventDriven,)
    return type(
        f"EventDriven{base.__name__}",
        (*mixins, base),
        {
            "__module__": __name__,
            "_terminal_width": width.default if width is not None else None,
            "_quiet_login": not preparation,
        },
    )
