"""How to reach a device of the lab."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device as a client sees it. `password` is empty where only a key opens the door."""

    name: str
    host: str
    port: int
    username: str
    password: str = field(default="", repr=False)
    device_type: str
    key_file: str | None = None
    """Private key that the device accepts; an OpenSSH certificate lies beside it as `<key_file>-cert.pub`."""

    def netmiko(self) -> dict[str, str | int | bool]:
        """Arguments for `netmiko.ConnectHandler`: the key when there is no password, else the password."""
        arguments: dict[str, str | int | bool] = {
            "device_type": self.device_type,
            "host": self.host,
            "port": self.port,
            "username": self.username,
        }
        if self.password:
            arguments["password"] = self.password
        elif self.key_file is not None:
            arguments["use_keys"] = True
            arguments["key_file"] = self.key_file
        return arguments

    def connection_args(self) -> dict[str, str | int | bool]:
        """The same for a broker, which takes no path: the key, and its certificate, as texts."""
        arguments = self.netmiko()
        path = arguments.pop("key_file", None)
        if path is not None:
            del arguments["use_keys"]
            arguments |= self.key()
        return arguments

    def key(self) -> dict[str, str | int | bool]:
        """The private key and its certificate as texts."""
        assert self.key_file is not None
        certificate = Path(f"{self.key_file}-cert.pub")
        found: dict[str, str | int | bool] = {"pkey": Path(self.key_file).read_text()}
        return found | ({"certificate": certificate.read_text()} if certificate.is_file() else {})
