"""A fixture for devices that are data: `lab/netpulse_lab/dialogues` and files of the same format."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netpulse_lab import LogLine, SimulatedDevice, SimulatorLab


@dataclass(frozen=True, slots=True)
class DialogueDevice:
    """A device that plays a dialogue, and what it saw."""

    device: SimulatedDevice
    lab: SimulatorLab

    @property
    def received(self) -> list[bytes]:
        """Every byte that each of its terminals received, in the order in which they were opened."""
        return self.lab.received(self.device)

    @property
    def log(self) -> list[LogLine]:
        """What was typed, with the state (`mode`) in which it was; `print` it to see the dialogue."""
        return self.lab.log(self.device)

    @property
    def typed(self) -> list[str]:
        """The lines that were typed, bare RETURNs as empty texts, hidden ones left out."""
        return self.lab.commands(self.device)

    @property
    def logins(self) -> int:
        """Accepted logins."""
        return self.lab.counters(self.device).logins

    def netmiko(self, **more: Any) -> dict[str, Any]:
        """Arguments for netmiko, and with them of `connection_args` of a request."""
        return self.device.netmiko(**more)


PlayDialogue = Callable[..., DialogueDevice]
"""Takes a dialogue (name, path or content) and further fields of `netpulse_lab.DeviceSpec`, gives the device."""


@pytest.fixture(scope="session")
def dialogue_lab() -> Iterator[SimulatorLab]:
    """The process in which all devices of `play_dialogue` live."""
    with SimulatorLab() as lab:
        yield lab


@pytest.fixture
def play_dialogue(dialogue_lab: SimulatorLab) -> Iterator[PlayDialogue]:
    """Start a device that plays a dialogue; it goes when the test ends.

    device = play_dialogue("hp_procurve")
    device = play_dialogue({"platform": "cisco_ios", "about": "...", "states": {...}}, telnet_port=0)
    """
    numbers = itertools.count(1)
    started: list[SimulatedDevice] = []

    def play(dialogue: str | Path | Mapping[str, Any], **fields: Any) -> DialogueDevice:
        content = dict(dialogue) if isinstance(dialogue, Mapping) else str(dialogue)
        device = dialogue_lab.add(**{"name": f"dialogue-{next(numbers)}", "dialogue": content, **fields})
        started.append(device)
        return DialogueDevice(device, dialogue_lab)

    yield play
    for device in started:
        dialogue_lab.remove(device)
