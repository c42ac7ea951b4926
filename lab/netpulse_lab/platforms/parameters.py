"""Parameter types that several platforms share."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netpulse_lab.grammar import Parameter

_INTERFACE = re.compile(r"([a-z-]+)\s*(\d[\d/.:]*)$")
_VLANS = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*$")


def word(text: str) -> str | None:
    return text


def path(text: str) -> str | None:
    """Anything with a file system in front of it."""
    return text if ":" in text else None


def ipv4(text: str) -> str | None:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None


def mask(text: str) -> str | None:
    try:
        ipaddress.IPv4Network(f"0.0.0.0/{text}")
    except ValueError:
        return None
    return text if "." in text else None


def prefix(text: str) -> str | None:
    """IPv4 address and length; host bits may be set."""
    try:
        return str(ipaddress.IPv4Interface(text)) if "/" in text else None
    except ValueError:
        return None


def network(text: str) -> str | None:
    """An IPv4 address, or a network with its length."""
    return prefix(text) if "/" in text else ipv4(text)


def ipv6(text: str) -> str | None:
    try:
        return str(ipaddress.IPv6Address(text)).upper()
    except ValueError:
        return None


def ipv6_prefix(text: str) -> str | None:
    try:
        return str(ipaddress.IPv6Interface(text)).upper() if "/" in text else None
    except ValueError:
        return None


def vlans(text: str) -> str | None:
    """One VLAN or a list such as 10,20-22."""
    if not _VLANS.match(text):
        return None
    numbers = [int(part) for part in re.split("[,-]", text)]
    return text if all(1 <= number <= 4094 for number in numbers) else None


def expand_vlans(text: str) -> list[int]:
    """The numbers of a list such as 10,20-22."""
    result: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        result += range(int(first), int(last or first) + 1)
    return result


def compact_vlans(numbers: Sequence[int]) -> str:
    """The list that stands for `numbers`: 10,20-22."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


@dataclass(frozen=True, slots=True)
class InterfaceNames:
    """The interface types of a platform, in the order of its configuration, with the ports that really exist."""

    types: tuple[str, ...]
    physical: tuple[str, ...]

    def parse(self, text: str) -> str | None:
        """Full name of ``gi0/1`` and the like."""
        found = _INTERFACE.match(text.lower())
        if not found:
            return None
        fitting = [one for one in self.types if one.lower().startswith(found[1])]
        if not fitting:
            return None
        # The first type of an ambiguous prefix is the usual one ("p" alone is nobody's intent).
        return f"{fitting[0]}{found[2]}"

    def order(self, name: str) -> tuple[object, ...]:
        """Sorts by type, then by number."""
        found = re.match(r"([A-Za-z-]+)([\d/.:]+)$", name)
        assert found, f"{name!r} came through parse()"
        return (self.types.index(found[1]), tuple(int(part) for part in re.split("[/.:]", found[2])))

    def is_physical(self, name: str) -> bool:
        return name in self.physical

    def exists_by_nature(self, name: str) -> bool | None:
        """True: a port. False: a port that this device does not have. None: made by configuration."""
        if name in self.physical:
            return True
        kind = re.sub(r"[\d/.:]+$", "", name)
        if "." in name and name.partition(".")[0] in self.physical:
            return None
        return False if any(re.sub(r"[\d/.:]+$", "", port) == kind for port in self.physical) else None


PARAMETERS: Mapping[str, Parameter] = {
    "word": word,
    "ipv4": ipv4,
    "mask": mask,
    "prefix": prefix,
    "network": network,
    "ipv6": ipv6,
    "ipv6prefix": ipv6_prefix,
    "vlans": vlans,
}

EOS_PARAMETERS: Mapping[str, Parameter] = {
    "ipv6": lambda text: (ipv6(text) or "").lower() or None,
    "ipv6prefix": lambda text: (ipv6_prefix(text) or "").lower() or None,
}
"""EOS prints IPv6 addresses in lower case, IOS in upper case."""
