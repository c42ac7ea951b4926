"""What the settings say to drivers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from netpulse_broker.settings import Settings
from netpulse_drivers import DeviceNetworks, NamedFiles, Site


def site_of(settings: Settings) -> Site:
    """For the workers of this machine."""
    files, devices = settings.files, settings.devices
    return Site(
        files=NamedFiles(
            keys=files.keys,
            certificates=files.certificates,
            ssh_configs=files.ssh_configs,
            known_hosts=files.known_hosts,
        ),
        networks=DeviceNetworks(
            denied=tuple(devices.denied_networks),
            allowed=tuple(devices.allowed_networks),
            services=tuple(_own_services(settings)),
            jump_names=tuple(devices.jump_names),
        ),
    )


def _own_services(settings: Settings) -> Iterator[tuple[str, int]]:
    """Host and port of what the broker itself listens on or uses, as far as these settings tell."""
    if settings.controller.port:
        yield settings.controller.host, settings.controller.port
    url = urlsplit(settings.require_redis_url())
    standard = 26379 if url.scheme.endswith("+sentinel") else 6379
    for address in url.netloc.rpartition("@")[2].split(","):
        one = urlsplit(f"//{address}")
        if one.hostname:
            yield one.hostname, one.port or standard
