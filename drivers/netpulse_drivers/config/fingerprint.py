"""Whether two readings of a running configuration show the same configuration."""

from __future__ import annotations

import hashlib
import re

_VOLATILE = re.compile(
    r"""
      [!#]                                            # comments; devices put times and sizes into theirs
    | Building\ configuration
    | Current\ configuration\s*:
    | ntp\ clock-period\s                             # IOS writes its drift into the configuration
    | file\ prompt\ quiet\s*$                         # NAPALM sets it on IOS while it works
    | (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\ \w{3}\ +\d+\ \d\d:\d\d:\d\d   # IOS-XR begins its answers with the time
    """,
    re.VERBOSE,
)


def fingerprint(configuration: str) -> str:
    """SHA-256 (hexadecimal) of the lines that mean something, in their order.

    Lines that change although nobody changes the configuration are left out: comments, times, sizes. Another one that
    does would make two equal configurations look different, never the other way round.
    """
    digest = hashlib.sha256()
    for line in configuration.splitlines():
        kept = line.rstrip()
        if kept and _VOLATILE.match(kept) is None:
            digest.update(kept.encode() + b"\n")
    return digest.hexdigest()
