"""How the host of a device or a jump host may be written."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Annotated

from pydantic import AfterValidator, Field

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def checked_host(value: str) -> str:
    """An address or a name, as it is looked up; brackets around an IPv6 address are left out.

    A host goes into files, messages and names of queues, so nothing else passes: no line break, no blank, nothing
    that a program could take for an option. Each address has one spelling here (no ``0x7f.1``, no ``2130706433``), for
    every device has one queue.

    Raises:
        ValueError
    """
    text = value.strip(" ")
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is not None:
        zone = getattr(address, "scope_id", None)
        if zone is not None and _ZONE.fullmatch(zone) is None:
            raise ValueError("is no address: the zone behind % is the name of an interface")
        return text
    if _NAME.fullmatch(text) is None:
        raise ValueError("is neither an IP address nor a host name")
    try:
        short = socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        return text
    raise ValueError(f"is a short form of an address: write {short}")


def without_control_characters(value: str) -> str:
    """A text that stays one line wherever it is typed or written.

    Raises:
        ValueError
    """
    if _CONTROL.search(value):
        raise ValueError("must not hold control characters or line breaks")
    return value


HostName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(checked_host)]
OneLine = Annotated[str, AfterValidator(without_control_characters)]
