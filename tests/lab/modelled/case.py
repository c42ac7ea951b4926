"""One question to a device, and how its answer follows from the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.lab.modelled.network import ModelledDevice


@dataclass(frozen=True, kw_only=True)
class Case:
    """A getter with arguments.

    Attributes:
        expected: the answer, from the model alone.
    """

    getter: str
    args: dict[str, Any] = field(default_factory=dict)
    expected: Callable[[ModelledDevice], Any]

    @property
    def name(self) -> str:
        """The getter and its arguments, for a test's name."""
        return "-".join([self.getter, *map(str, self.args.values())])


def written(mac: str) -> str:
    """A MAC address as NAPALM writes it."""
    digits = mac.replace(":", "").replace(".", "").upper()
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def probes(device: ModelledDevice) -> dict[int, Any]:
    """The modelled hops as NAPALM's traceroute gives them."""
    return {
        number: {
            "probes": {
                probe: {"rtt": rtt, "ip_address": hop.address, "host_name": hop.address}
                for probe, rtt in enumerate(hop.rtt, start=1)
            }
        }
        for number, hop in enumerate(device.surroundings.hops, start=1)
    }
