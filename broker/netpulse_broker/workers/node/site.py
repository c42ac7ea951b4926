"""What the settings say to drivers."""

from __future__ import annotations

from netpulse_broker.settings import Settings
from netpulse_drivers import NamedFiles, Site


def site_of(settings: Settings) -> Site:
    """For the workers of this machine."""
    files = settings.files
    return Site(
        files=NamedFiles(
            keys=files.keys,
            certificates=files.certificates,
            ssh_configs=files.ssh_configs,
            known_hosts=files.known_hosts,
        )
    )
