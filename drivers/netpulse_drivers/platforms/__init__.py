"""The platform book: what the driver must know about a platform beyond netmiko, one data file each.

``platform_of`` answers by netmiko's name of the device type. What came with the driver stands in ``data/``;
docs/platforms.md is made from it, docs/bring-a-platform.md says what a file holds.
"""

from netpulse_drivers.platforms.book import PlatformBook, variant_of
from netpulse_drivers.platforms.data_file import BookError
from netpulse_drivers.platforms.platform import Answer, Pager, Platform, Refusals
from netpulse_drivers.platforms.process_book import book, load_platforms, platform_of

__all__ = [
    "Answer",
    "BookError",
    "Pager",
    "Platform",
    "PlatformBook",
    "Refusals",
    "book",
    "load_platforms",
    "platform_of",
    "variant_of",
]
