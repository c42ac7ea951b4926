"""The prompt of a session, read into its parts: what names the device, where on it the session stands, and in which
mode and at which privilege.

A line counts as the session's own prompt when it names the same device in
the same context, whatever mode, privilege, counter or mark it shows.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from functools import cached_property

from netpulse_drivers.platforms import Platform, platform_of

STEM_LENGTH = 16
"""Characters of the name that all modes show: IOS shortens the name in configuration mode."""

_CAUTIOUS = re.compile(
    r"[>#$%]|[\w.\-@:/~\[\]<>()]{1,120}(?: \([^()\n]{1,60}\))? ?[>#$%]|\[[\w.\-]+@[\w.\-]+ [^\s\]]{1,100}\][#$]"
)
"""A prompt by its form on platforms whose own expression would match almost any line."""

_TIME = re.compile(r"(?<!\d)\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?![\d:])")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptParts:
    """What a prompt says.

    Attributes:
        host: what names the device, with the user's name where the platform shows it.
        context: virtual system, VRF, logical system, shell, directory: where on the device the session stands.
        mode: "" in exec mode, as far as the platform's expression tells.
        end: the sign at the end; it tells the privilege.
        view: whether the mode's name stands behind the host's in ``host`` (VRP, Comware).
        told: whether the platform's own expression says so; else the form that most prompts have.
    """

    host: str = ""
    context: str = ""
    mode: str = ""
    end: str = ""
    view: bool = False
    told: bool = False


@dataclass(frozen=True)
class Prompt:
    """A verified prompt.

    Attributes:
        text: the whole line, without trailing blanks.
        platform: whose expression tells the parts apart.
        login: the prompt that the login showed, None for that one itself.
        volatile: numbers in it change from one to the next: it counts, or it shows the time.
        trail: what the device sends behind it (blanks, a carriage return); None: not known.
    """

    text: str
    platform: Platform
    login: Prompt | None = field(default=None, compare=False, repr=False)
    volatile: bool = field(default=False, compare=False)
    trail: str | None = field(default=None, compare=False)

    @cached_property
    def parts(self) -> PromptParts:
        return self._read(self.text)

    @cached_property
    def stem(self) -> str:
        """The beginning that the prompts of all modes share; "" when there is none to rely on."""
        return re.split(r"[\s:~#$>()\[\]]", self.parts.host.lstrip("~*([<"), maxsplit=1)[0][:STEM_LENGTH]

    @cached_property
    def in_config(self) -> bool:
        """Whether it is a configuration mode's prompt, as far as the platform's expression can tell."""
        if self.parts.told:
            return bool(self.parts.mode)
        # Parentheses may belong to the name: only what the login did not show is a mode.
        return self.login is not None and self.parts.mode != self.login.parts.mode

    @cached_property
    def privileged(self) -> bool:
        """Whether it shows raised privilege. True where the platform has no such difference."""
        if not self.platform.privileged or self.in_config:
            return True
        return self.text.endswith(self.platform.privileged)

    @property
    def weak(self) -> bool:
        """Whether a line of output may easily look like it."""
        return len(self.text) < 3

    def accepts(self, line: str) -> bool:
        """Whether the line is this prompt, or this device's prompt in another mode."""
        if line == self.text:
            return True
        if not line or line[-1].isalnum():
            return False
        other = self._read(line)
        return self._names_the_same(other, line) or (self.login is not None and self.login.accepts(line))

    def same_place(self, other: Prompt) -> bool:
        """Whether both stand at the same device, context, mode and privilege; counters and marks do not count."""
        if self.text == other.text:
            return True
        mine, theirs = self.parts, other.parts
        return (
            bool(mine.host)
            and mine.host == theirs.host
            and mine.context == theirs.context
            and mine.mode == theirs.mode
            and mine.end == theirs.end
        )

    def ends(self, line: str) -> bool:
        """Whether the line ends with this very prompt: output without a line end at its end stands before it."""
        return len(self.text) >= 3 and line.endswith(self.text)

    def resembles(self, line: str) -> bool:
        """Whether the line has the form of this platform's prompts, whatever the name: another device's."""
        if self.platform.telling and self.platform.expression.fullmatch(line) is not None:
            return True
        return _CAUTIOUS.fullmatch(line) is not None

    def moved_to(self, line: str) -> Prompt:
        """The prompt after the device showed this line as its prompt."""
        if line == self.text:
            return self
        login = self.login or self
        return login if line == login.text else replace(login, text=line, login=login, trail=None)

    def as_login(self) -> Prompt:
        """This prompt as the one that the session returns to."""
        return self if self.login is None else replace(self, login=None)

    def followed_by(self, trail: str) -> Prompt:
        """This prompt, with what the device sends behind it."""
        return self if trail == self.trail else replace(self, trail=trail)

    # -- reading ----------------------------------------------------------------------------------------------------

    def _read(self, line: str) -> PromptParts:
        return _parts(_DIGITS.sub("0", line) if self.volatile else line, self.platform)

    def _names_the_same(self, other: PromptParts, line: str) -> bool:
        mine = self.parts
        if not mine.host or (mine.told and not other.told):
            return False
        if other.context != mine.context and not self.platform.context_moves:
            return False
        if other.host == mine.host:
            return True
        if other.view and other.host.startswith(f"{mine.host}-"):
            return True  # VRP and Comware put the view's name behind the device's: [HW-GigabitEthernet0/0/1]
        shorter = min(len(other.host), len(mine.host))
        if shorter < STEM_LENGTH or not (other.mode or mine.mode):
            return False
        return other.host[:shorter] == mine.host[:shorter] and line.isprintable()


@functools.lru_cache(maxsize=512)
def _parts(line: str, platform: Platform) -> PromptParts:
    found = platform.expression.fullmatch(line)
    told = found is not None and platform.telling
    if found is None:
        found = platform_of("generic").expression.fullmatch(
            line
        )  # a name that the platform's expression does not foresee
    if found is None:
        return PromptParts()
    groups = found.groupdict(default="")
    host, mode = groups.get("host", ""), groups.get("mode", "")
    view = not host and bool(mode)
    return PromptParts(
        host=(mode if view else host).strip(),
        context=groups.get("context", "").strip(),
        mode=mode.strip(),
        end=groups.get("end", "").strip(),
        view=view,
        told=told,
    )


def counts(first: str, second: str) -> bool:
    """Whether two prompts that the device showed one after the other differ in numbers only, or show the time."""
    if _TIME.search(first):
        return True
    return first != second and _DIGITS.sub("0", first) == _DIGITS.sub("0", second)
