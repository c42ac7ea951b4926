"""What the operator decided for a worker's drivers, whatever a request says."""

from __future__ import annotations

from dataclasses import dataclass, field

from netpulse_drivers.named_files import NamedFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Handed to drivers with each call.

    Attributes:
        files: of this worker that requests may name.
    """

    files: NamedFiles = field(default_factory=NamedFiles)
