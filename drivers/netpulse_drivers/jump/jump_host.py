"""A jump host as a request names it."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import Field, SecretStr

from netpulse_drivers.errors import InvalidArguments
from netpulse_drivers.host_name import HostName, OneLine
from netpulse_drivers.ssh.ssh_args import SSHArgs

MAX_HOPS = 4

_HOP = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@\s,]+)@)?(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[\w.\-]+))(?::(?P<port>\d{1,5}))?/?"
)

_INHERITED = ("key_file", "pkey", "passphrase", "certificate")


class JumpHost(SSHArgs):
    """One host to go through, with its own credentials."""

    host: HostName = Field(description="Address or name.")
    port: int = Field(default=22, ge=1, le=65535)
    username: OneLine = Field(default="", max_length=255, description="Login name; none: the device's.")
    password: SecretStr | None = Field(default=None, description="Login password. Never taken from the device's.")

    @property
    def where(self) -> str:
        """For messages."""
        user = f"{self.username}@" if self.username else ""
        return f"jump host {user}{self.host} port {self.port}"

    def completed(self, device: SSHArgs, username: str) -> JumpHost:
        """With the device's login name and keys where it has none of its own.

        A key can be shown to any host. A password is given only to the host that it was named for.

        Raises:
            InvalidArguments: no credential.
        """
        changes: dict[str, Any] = {} if self.username else {"username": username}
        if self.password is None and not self.proves_by_key and not self.keyboard_interactive:
            changes |= {name: getattr(device, name) for name in _INHERITED}
        hop = self.model_copy(update=changes)
        if not hop.username:
            raise InvalidArguments(f"{hop.where} has no username")
        if hop.password is None and not hop.proves_by_key and not hop.keyboard_interactive:
            raise InvalidArguments(
                f"{hop.where} has no credential: the device's password is not shown to other hosts; write proxy_jump "
                'as an object: {"host": ..., "username": ..., "password": ...}'
            )
        return hop

    @classmethod
    def of_text(cls, text: str) -> Self:
        """From ``user@host:port``; user and port may be left out, IPv6 addresses stand in brackets.

        Raises:
            ValueError
        """
        found = _HOP.fullmatch(text.strip())
        if found is None:
            raise ValueError("proxy_jump: write user@host:port, several of them with commas; IPv6 as [::1]:22")
        if ":" in (found["user"] or ""):
            raise ValueError("proxy_jump: no password in the text; write an object with host, username and password")
        values: dict[str, Any] = {"host": found["v6"] or found["host"], "username": found["user"] or ""}
        if found["port"]:
            values["port"] = int(found["port"])
        return cls(**values)


class ReadyJumpHost(JumpHost):
    """A jump host as the jump process takes it: complete, and checked.

    Attributes:
        known_hosts: the path of the file.
        addresses: what to connect to in its ``host``'s place, in order.
    """

    known_hosts: str | None = None
    addresses: list[str] = Field(min_length=1)


def hops_of_text(text: str) -> list[JumpHost]:
    """Several hops with commas, nearest first, as ssh -J has them.

    Raises:
        ValueError
    """
    return [JumpHost.of_text(part) for part in text.split(",")]


def hops_of(value: Any) -> Any:
    """What a request may say (text, object, or a list of both) as a list of JumpHost or of what validates as one.

    Raises:
        ValueError
    """
    if isinstance(value, str):
        return hops_of_text(value)
    if isinstance(value, list | tuple):
        return [hop for item in value for hop in hops_of(item)]
    return [value]
