"""The prompt of a session: the whole line as learnt, and what other lines count as a prompt of the same device."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from netpulse_drivers.terminal.platforms import WIDE, Platform

STEM_LENGTH = 16
"""Characters of the name that all modes show: IOS shortens the name in configuration mode."""

_CAUTIOUS = re.compile(r"[\w.\-@:/~\[\]<>()]{1,120}[>#$]")
"""A prompt by its form on platforms whose own expression would match almost any line."""


@dataclass(frozen=True)
class Prompt:
    """A verified prompt.

    Attributes:
        text: the whole line, without trailing blanks.
        platform: whose expression tells modes apart.
    """

    text: str
    platform: Platform

    @cached_property
    def stem(self) -> str:
        """The beginning that the prompts of all modes share; "" when there is none to rely on."""
        return _stem(self.text, self.platform)[:STEM_LENGTH]

    @cached_property
    def in_config(self) -> bool:
        """Whether it is a configuration mode's prompt, as far as the platform's expression can tell."""
        found = self.platform.expression.fullmatch(self.text)
        return found is not None and "mode" in found.groupdict() and found["mode"] is not None

    @cached_property
    def privileged(self) -> bool:
        """Whether it shows raised privilege. True where the platform has no such difference."""
        if not self.platform.privileged or self.in_config:
            return True
        return self.text.endswith(self.platform.privileged)

    def accepts(self, line: str) -> bool:
        """Whether the line is this prompt, or this device's prompt in another mode."""
        if line == self.text:
            return True
        stem = self.stem
        if not stem or self.platform.expression.fullmatch(line) is None:
            return False
        other = _stem(line, self.platform)
        if other == stem or (other.startswith(f"{stem}-") and Prompt(line, self.platform).in_config):
            return True  # VRP and Comware put the view's name behind the device's: [HW-GigabitEthernet0/0/1]
        return len(stem) == STEM_LENGTH and other.startswith(stem)

    def ends(self, line: str) -> bool:
        """Whether the line ends with this very prompt: output without a line end at its end stands before it."""
        return len(self.text) >= 3 and line.endswith(self.text)

    def resembles(self, line: str) -> bool:
        """Whether the line has the form of this platform's prompts, whatever the name (a renamed device)."""
        if self.platform.prompt in WIDE:
            return _CAUTIOUS.fullmatch(line) is not None
        return self.platform.expression.fullmatch(line) is not None

    def moved_to(self, line: str) -> Prompt:
        """The prompt after the device showed this line as its prompt."""
        return self if line == self.text else Prompt(line, self.platform)


def _stem(line: str, platform: Platform) -> str:
    found = platform.expression.fullmatch(line)
    if found is None:
        return ""
    groups = found.groupdict()
    name = groups.get("host") or groups.get("mode") or ""
    return re.split(r"[\s:~#$>()\[\]]", name.lstrip("~*([<"), maxsplit=1)[0]
