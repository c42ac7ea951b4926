"""What can go wrong on a device, as switches that are set at the start or at run time.

A switch keeps its neutral value until it is set, so a device without faults pays one comparison per response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

Cut = Literal["rst", "close", "hang", "freeze"]
"""rst: TCP reset. close: orderly close. hang: the session says nothing more, the connection lives (SSH keepalives
are answered). freeze: nothing is read or written any more, keepalives included; no FIN is sent."""

CommandAction = Literal["rst", "close", "hang", "freeze", "question", "refuse", "replace"]


class FaultError(ValueError):
    """A fault switch is unknown or has a value that it cannot take."""


@dataclass(slots=True, kw_only=True)
class CommandFault:
    """A fault that a command line triggers."""

    match: str
    """Regular expression, searched in the line as it was typed."""
    action: CommandAction
    """A `Cut`; or question: print `text` and wait for an answer; refuse: print `text` and do nothing;
    replace: print `text` instead of the output."""
    after_bytes: int = 0
    """For a cut: this much of the response is delivered first (the echo of the line always is)."""
    code: int = 1000
    """For refuse, over eAPI: the error code, 1000 to 1005."""
    text: str = ""
    """For question, refuse and replace."""
    times: int | None = None
    """How often it strikes; None: always."""

    def strikes(self, line: str) -> bool:
        """Whether it applies to `line`; counts down `times`."""
        if self.times == 0 or not re.search(self.match, line):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True, kw_only=True)
class Faults:
    """The switches of one device. Times are seconds, sizes are bytes."""

    auth_failures: int = 0
    """Refuse so many right passwords; -1: all of them."""
    auth_delay: float = 0.0
    """Time before a password or key is judged."""
    banner_delay: float = 0.0
    """Time between the accepted TCP connection and the SSH identification string (or the Telnet dialogue)."""
    on_connect: Literal["", "rst", "close", "hang"] = ""
    """What happens instead of the identification string. hang: accept and never speak."""
    on_login: Literal["", "rst", "close", "hang", "freeze"] = ""
    """What happens after the accepted authentication, where the prompt would come."""
    session_limit: int = -1
    """So many sessions at once; -1: no limit."""
    session_limit_at: Literal["connect", "login"] = "login"
    """Where a session too many is closed: before the identification string or right after authentication."""
    latency: float = 0.0
    """Time between a line and its response."""
    jitter: float = 0.0
    """Up to so much is added to `latency`, evenly distributed."""
    chunk_size: int = 0
    """Deliver responses in pieces of this size, which may end inside a UTF-8 sequence; 0: in one piece."""
    chunk_gap: float = 0.001
    """Time between two pieces."""
    cut_after_bytes: int = -1
    """Cut a session when it has put out so many bytes, counted from when the switch was set or the session
    began, whichever was later; -1: never."""
    cut_action: Cut = "rst"
    idle_seconds: float = 0.0
    """Cut a session that has been idle so long; 0: never."""
    idle_action: Cut = "close"
    frozen: bool = False
    """Half-open: all connections are neither read nor written, new ones are accepted and hear nothing.
    What would have been written is kept and goes out when the switch is cleared."""
    commands: list[CommandFault] = field(default_factory=list)
    refuse_config: list[str] = field(default_factory=list)
    """Regular expressions of configuration lines that the device refuses."""
    refuse_config_text: str = "% Configuration rejected by policy"
    deny_commands: list[str] = field(default_factory=list)
    """Regular expressions of commands that the device does not permit over eAPI."""
    http_status: int = 0
    """Answer every eAPI request with this HTTP status; 0: as it should be."""
    http_requests: int = 0
    """Close an eAPI connection after so many requests, having said so; negative: without a word; 0: never."""
    garbage: bool = False
    """Put invalid UTF-8 and control characters into every output."""
    syslog: bool = False
    """Put a syslog line into the middle of every output and one after every prompt."""
    syslog_interval: float = 0.0
    """Write a syslog line to every idle session so often; 0: never."""
    prompt_like_output: bool = False
    """Begin every output with lines that look like a prompt (``router#``, ``a>b>``)."""
    prompt_like_banner: bool = False
    """Greet with a banner that holds lines ending in # and >."""
    tech_support_bytes: int = 200_000
    """Size of ``show tech-support``."""

    @property
    def shape_output(self) -> bool:
        """Whether a response may not simply be written at once."""
        return bool(
            self.latency
            or self.jitter
            or self.chunk_size
            or self.garbage
            or self.syslog
            or self.prompt_like_output
            or self.cut_after_bytes >= 0
        )

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set the switches named in `changes`; none is set when one is wrong.

        Raises:
            FaultError: an unknown switch or a wrong value.
        """
        checked = {name: _checked(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def take_auth_failure(self) -> bool:
        """Whether a right password is refused now; counts down."""
        if self.auth_failures > 0:
            self.auth_failures -= 1
            return True
        return self.auth_failures < 0

    def command_fault(self, line: str) -> CommandFault | None:
        """The first fault that `line` triggers."""
        return next((fault for fault in self.commands if fault.strikes(line)), None)


_CHOICES: dict[str, tuple[str, ...]] = {
    "on_connect": ("", "rst", "close", "hang"),
    "on_login": ("", "rst", "close", "hang", "freeze"),
    "session_limit_at": ("connect", "login"),
    "cut_action": get_args(Cut),
    "idle_action": get_args(Cut),
}
_DEFAULTS = Faults()


def _checked(name: str, value: Any) -> Any:
    known = [one.name for one in fields(Faults)]
    if name not in known:
        raise FaultError(f"unknown fault {name!r}; known: {', '.join(known)}")
    if name == "commands":
        return [_command_fault(item) for item in _list(name, value)]
    if name in ("refuse_config", "deny_commands"):
        return [_regex(name, item) for item in _list(name, value)]
    if name in _CHOICES and value not in _CHOICES[name]:
        raise FaultError(f"fault {name!r} takes one of {', '.join(map(repr, _CHOICES[name]))}, not {value!r}")
    kind = type(getattr(_DEFAULTS, name))
    if kind in (bool, str):
        if type(value) is not kind:
            raise FaultError(f"fault {name!r} takes {_WHAT[kind]}, not {value!r}")
        return value
    if type(value) not in (int, float) or kind(value) != value or value < _least(name, kind):
        raise FaultError(f"fault {name!r} takes {_WHAT[kind]}, not {value!r}")
    return kind(value)


def _least(name: str, kind: type) -> int:
    if name == "http_requests":
        return -1000
    return -1 if kind is int else 0


_WHAT = {bool: "true or false", str: "a text", int: "a whole number from -1", float: "seconds from 0"}


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise FaultError(f"fault {name!r} takes a list, not {value!r}")
    return list(value)


def _regex(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise FaultError(f"fault {name!r} takes regular expressions, not {value!r}")
    try:
        re.compile(value)
    except re.error as error:
        raise FaultError(f"fault {name!r}: {value!r} is no regular expression: {error}") from error
    return value


def _command_fault(value: Any) -> CommandFault:
    if not isinstance(value, Mapping):
        raise FaultError(f"a command fault is an object with 'match' and 'action', not {value!r}")
    known = [one.name for one in fields(CommandFault)]
    if wrong := sorted(set(value) - set(known)):
        raise FaultError(f"unknown key {wrong[0]!r} in a command fault; known: {', '.join(known)}")
    if "match" not in value or value.get("action") not in get_args(CommandAction):
        raise FaultError(
            f"a command fault needs 'match' and an 'action' out of {', '.join(get_args(CommandAction))}; got {value!r}"
        )
    fault = CommandFault(**value)
    _regex("commands", fault.match)
    if not isinstance(fault.after_bytes, int) or fault.after_bytes < 0:
        raise FaultError(f"'after_bytes' takes a whole number from 0, not {fault.after_bytes!r}")
    if fault.code not in range(1000, 1006):
        raise FaultError(f"'code' takes 1000 to 1005, not {fault.code!r}")
    if not isinstance(fault.text, str):
        raise FaultError(f"'text' takes a text, not {fault.text!r}")
    if fault.times is not None and (not isinstance(fault.times, int) or fault.times < 0):
        raise FaultError(f"'times' takes a whole number from 0 or null, not {fault.times!r}")
    return fault
