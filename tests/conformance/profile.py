"""A driver of this project, and the lab in which the conformance suite tries it.

To have another driver tried, write an entry that brings up something real to talk to, and add it to ``TRIED``; nothing
in the tests changes. A driver's author needs neither: ``netpulse driver test`` runs the suite against his own device.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from netpulse_drivers.conformance import Device, Profile


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A driver and where to try it.

    Attributes:
        name: of the test.
        lab: brings up what all targets share, once for the whole run.
        target: brings up a fresh device in that lab.
        profile: what to ask of it.
    """

    name: str
    lab: Callable[[], AbstractContextManager[Any]]
    target: Callable[[Any], AbstractContextManager[Device]]
    profile: Profile
