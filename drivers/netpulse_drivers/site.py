"""What the operator decided for a worker's drivers, whatever a request says."""

from __future__ import annotations

from dataclasses import dataclass, field

from netpulse_drivers.named_files import NamedFiles
from netpulse_drivers.networks import DeviceNetworks


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Handed to drivers with each call.

    Attributes:
        files: of this worker that requests may name.
        networks: where devices may be. A driver dials what ``networks.addresses`` answers, and nothing else; the worker
            holds what a driver's ``connect`` looks up by itself to the same rules.
    """

    files: NamedFiles = field(default_factory=NamedFiles)
    networks: DeviceNetworks = field(default_factory=DeviceNetworks)
