"""Simulated network devices over SSH and Telnet, hundreds in one process; see `client` for how to use them."""

from __future__ import annotations

from .client import LabError, LogLine, SimulatedDevice, SimulatorLab
from .device_spec import DeviceSpec, Login
from .dialogue_file import Dialogue, DialogueError, load_dialogue, shipped_dialogues
from .journal import Counters

__all__ = [
    "Counters",
    "DeviceSpec",
    "Dialogue",
    "DialogueError",
    "LabError",
    "LogLine",
    "Login",
    "SimulatedDevice",
    "SimulatorLab",
    "load_dialogue",
    "shipped_dialogues",
]
