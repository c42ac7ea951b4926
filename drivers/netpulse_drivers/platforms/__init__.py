"""The platform book: what the driver must know about a platform beyond netmiko, one data file each.

``platform_of`` answers by netmiko's name of the device type. Everything stands in ``data/``; docs/platforms.md is made
from it and CONTRIBUTING.md tells how to add to it.
"""

from netpulse_drivers.platforms.book import PlatformBook, load_platforms, platform_of, variant_of
from netpulse_drivers.platforms.data_file import BookError
from netpulse_drivers.platforms.platform import Answer, Pager, Platform, Refusals

__all__ = [
    "Answer",
    "BookError",
    "Pager",
    "Platform",
    "PlatformBook",
    "Refusals",
    "load_platforms",
    "platform_of",
    "variant_of",
]
