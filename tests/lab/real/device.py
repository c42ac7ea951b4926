"""How to reach a device of the lab."""

from __future__ import annotations

from dataclasses import dataclass, field


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
