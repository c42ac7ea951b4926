"""What single values of settings have to look like, and what is wrong with one that does not.

Everything here raises ValueError, which pydantic turns into a problem of the setting that holds the value; no message
holds a secret or a part of one.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

_REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")

# A name becomes part of Redis keys (separated by ":") and of lease tokens (separated by "|").
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# 32 bytes in URL-safe base64, with or without padding.
_MASTER_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")
# A host name or an IPv4 address, or an IPv6 address in brackets; then a port.
_ADDRESS = re.compile(r"(\[[^\[\]]+\]|[^\[\]:,\s]+)(:[0-9]{1,5})?")
_API_KEY = re.compile(r"[!-~]{8,256}")


def _valid_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("write letters, digits, '.', '_' and '-', at most 128, beginning with a letter or digit")
    return name


def _absolute(path: Path) -> Path:
    try:
        path = path.expanduser()
    except RuntimeError:
        raise ValueError("there is no such user, or no home directory: write the path without '~'") from None
    return Path(os.path.abspath(path))  # noqa: PTH100  # symbolic links stay as the operator wrote them


Name = Annotated[str, AfterValidator(_valid_name)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _valid_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"write networks like 10.0.0.0/8 or fd00::/8: {error}") from None


Network = Annotated[str, AfterValidator(_valid_network)]

DENIED_NETWORKS = (
    "0.0.0.0/8",  # "this host" (RFC 1122)
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local, and cloud metadata
    "100.100.100.200/32",  # cloud metadata (Alibaba)
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "fe80::/10",
    "fd00:ec2::254/128",  # cloud metadata (AWS)
    "ff00::/8",
)
"""Where no webhook goes, and no device is, unless a setting allows it."""


def split_list(text: str) -> list[str]:
    """A list as a variable holds it: in JSON, or separated by commas. Raises ValueError."""
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError('is no list: write ["a", "b"], or a, b') from None
    return [str(part) for part in found]


def split_master_keys(text: str) -> tuple[str, ...]:
    """The keys in ``text``, separated by commas: the first one seals, all of them open.

    Raises ValueError, whose message never holds a part of a key.
    """
    keys = tuple(part.strip() for part in text.split(","))
    for number, key in enumerate(keys, start=1):
        if _MASTER_KEY.fullmatch(key) is None:
            raise ValueError(
                f"key {number} of {len(keys)} is not 32 bytes in URL-safe base64 (43 characters); "
                "`netpulse secret` prints a good one"
            )
    if len(set(keys)) != len(keys):
        raise ValueError("the same key stands there twice")
    return keys


def check_redis_url(text: str) -> None:
    """Raises ValueError that says how to write what is missing or wrong in the URL; never with a part of it."""
    scheme = text.partition("://")[0]
    if "://" not in text or scheme not in _REDIS_SCHEMES:
        raise ValueError("write redis://host:port/db (rediss:// for TLS, unix:///path for a socket)")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("is no URL") from None  # its text may hold the password
    if scheme == "unix":
        if not parts.path:
            raise ValueError("a unix:// URL needs the path of the socket: unix:///run/redis/redis.sock?db=0")
        return
    addresses = parts.netloc.rpartition("@")[2]
    if not addresses:
        raise ValueError(f"the host is missing: write {scheme}://host:port/db")
    database, each, form = parts.path.strip("/"), [addresses], f"{scheme}://host:port/db"
    if scheme.endswith("+sentinel"):
        form = f"{scheme}://host:port,host:port/service/db"
        service, _, database = database.partition("/")
        if not service:
            raise ValueError(f"the service is missing: write {form}")
        each = addresses.split(",")
    if any(_ADDRESS.fullmatch(address) is None for address in each):
        raise ValueError(f"write {form}; a '/', '?' or '#' in the password is written as %2F, %3F or %23")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError("the database behind the last '/' is a number")


def check_api_key(text: str) -> None:
    """Raises ValueError unless the key can be sent in a header and is long enough to be one."""
    if _API_KEY.fullmatch(text) is None:
        raise ValueError("write 8 to 256 printable ASCII characters without spaces, or leave it away altogether")
