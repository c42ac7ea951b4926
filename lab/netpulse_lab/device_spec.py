"""What a simulated device is: name, platform, address, accounts, protocols. Read from JSON, checked at once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from .dialogue_file import Dialogue, DialogueError, load_dialogue
from .surroundings import Surroundings

SshProfile = Literal["modern", "old_algorithms"]
AuthMethod = Literal["password", "keyboard-interactive", "publickey"]

_AUTH_METHODS = ("password", "keyboard-interactive", "publickey")
_PROFILES = ("modern", "old_algorithms")


class SpecError(ValueError):
    """A device description is wrong; the text says which field and what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One more account of a device."""

    username: str
    password: str
    privilege: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """One device. `port` 0 lets the system choose; `telnet_port` None means no Telnet."""

    name: str
    platform: str = "ios"
    release: str = ""
    """Release of the operating system, on platform eos: "4.32.2F" tells of commit timers in the newer form."""
    host: str = "127.0.0.1"
    port: int = 0
    telnet_port: int | None = None
    http_port: int | None = None
    """eAPI (platform eos) over HTTP; None: not served."""
    https_port: int | None = None
    """eAPI over TLS with a self-signed certificate; None: not served."""
    https_client_ca: str = ""
    """PEM of an authority: clients must show a certificate that it signed; its common name is the user."""
    username: str = "admin"
    password: str = "admin-password"
    secret: str = "enable-secret"
    """Enable secret; empty: none is set."""
    privilege: int = 1
    """Level that a login lands at: 1 is user mode, 15 is enabled."""
    logins: tuple[Login, ...] = ()
    auth_methods: tuple[AuthMethod, ...] = ("password", "keyboard-interactive")
    authorized_keys: tuple[str, ...] = ()
    """Public keys in OpenSSH format that may log in as any account (method publickey)."""
    ssh_profile: SshProfile = "modern"
    own_host_key: bool = False
    """A host key of its own instead of the one that all devices of the process share."""
    banner: str = ""
    """Shown before login (SSH authentication banner)."""
    motd: str = ""
    """Shown after login, before the first prompt."""
    config: str = ""
    """Configuration lines that are applied on top of the factory configuration at the start."""
    enable_attempts: int = 3
    """Wrong enable secrets in a row after which the device gives up."""
    reload_seconds: float = 0.0
    """How long the device refuses connections after a reload."""
    faults: Mapping[str, Any] = field(default_factory=dict)
    dialogue: Dialogue | None = None
    """What it says, as data, instead of a simulated `platform`: a `Dialogue`, its content, the name of one that comes
    with the lab, or the path of a file."""
    surroundings: Surroundings = field(default_factory=Surroundings)
    """What it sees around itself: neighbours, counters, sensors."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> DeviceSpec:
        """Build one from JSON data.

        Raises:
            SpecError: an unknown field or a wrong value.
        """
        known = [one.name for one in fields(cls)]
        if wrong := sorted(set(values) - set(known)):
            raise SpecError(f"unknown field {wrong[0]!r} in a device; known: {', '.join(known)}")
        if not values.get("name") or not isinstance(values["name"], str):
            raise SpecError("a device needs a 'name'")
        name = values["name"]
        data = dict(values)
        for text in (
            "platform",
            "release",
            "host",
            "username",
            "password",
            "secret",
            "banner",
            "motd",
            "config",
            "https_client_ca",
        ):
            if text in data and not isinstance(data[text], str):
                raise SpecError(f"device {name!r}: {text!r} takes a text, not {data[text]!r}")
        data["surroundings"] = _surroundings(name, data.get("surroundings", {}))
        data["dialogue"] = _dialogue(name, data.get("dialogue"))
        data["logins"] = tuple(_login(name, item) for item in data.get("logins", ()))
        data["auth_methods"] = tuple(data.get("auth_methods", cls.__dataclass_fields__["auth_methods"].default))
        data["authorized_keys"] = tuple(data.get("authorized_keys", ()))
        spec = cls(**data)
        spec.check()
        return spec

    def check(self) -> None:
        """Check the values against each other.

        Raises:
            SpecError: naming the field.
        """
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError as error:
            raise SpecError(f"device {self.name!r}: 'host' takes an IP address, not {self.host!r}") from error
        if not address.is_loopback:
            raise SpecError(f"device {self.name!r}: 'host' must be a loopback address, not {self.host}")
        ports = {name: getattr(self, name) for name in ("port", "telnet_port", "http_port", "https_port")}
        for name, port in ports.items():
            if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536):
                raise SpecError(f"device {self.name!r}: {name!r} takes 0 to 65535, not {port!r}")
        self._check_platform()
        if self.privilege not in range(16):
            raise SpecError(f"device {self.name!r}: 'privilege' takes 0 to 15, not {self.privilege!r}")
        if self.ssh_profile not in _PROFILES:
            raise SpecError(f"device {self.name!r}: 'ssh_profile' takes one of {', '.join(_PROFILES)}")
        if not self.auth_methods or any(method not in _AUTH_METHODS for method in self.auth_methods):
            raise SpecError(f"device {self.name!r}: 'auth_methods' takes some of {', '.join(_AUTH_METHODS)}")
        if "publickey" in self.auth_methods and not self.authorized_keys:
            raise SpecError(f"device {self.name!r}: method publickey needs 'authorized_keys'")
        for account in (Login(username=self.username, password=self.password), *self.logins):
            if any(not text or set(text) & set(" \t\r\n") for text in (account.username, account.password)):
                raise SpecError(f"device {self.name!r}: user names and passwords are texts without blanks")

    def _check_platform(self) -> None:
        if self.release and (self.platform != "eos" or not re.match(r"\d+\.\d+", self.release)):
            raise SpecError(f"device {self.name!r}: 'release' takes platform eos and a release such as 4.32.2F")
        if self.dialogue is not None:
            self._check_dialogue(self.dialogue)
        elif self.platform != "eos" and (self.http_port is not None or self.https_port is not None):
            raise SpecError(f"device {self.name!r}: 'http_port' and 'https_port' (eAPI) take platform eos")

    def _check_dialogue(self, dialogue: Dialogue) -> None:
        for name, given in (("config", self.config), ("motd", self.motd), ("banner", self.banner)):
            if given:
                raise SpecError(f"device {self.name!r}: a dialogue has no {name!r}; write it in the dialogue")
        if self.http_port is not None or self.https_port is not None:
            raise SpecError(f"device {self.name!r}: a dialogue has no eAPI ('http_port', 'https_port')")
        if self.telnet_port is not None and not dialogue.telnet:
            raise SpecError(
                f"device {self.name!r}: its dialogue has no Telnet; name the state to begin in with 'telnet'"
            )


def _dialogue(device: str, value: Any) -> Dialogue | None:
    if value is None or isinstance(value, Dialogue):
        return value
    try:
        return load_dialogue(value)
    except DialogueError as error:
        raise SpecError(f"device {device!r}: {error}") from error


def _surroundings(device: str, value: Any) -> Surroundings:
    try:
        return Surroundings.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SpecError(f"device {device!r}: 'surroundings' is wrong at {place!r}: {first['msg']}") from None


def _login(device: str, value: Any) -> Login:
    if not isinstance(value, Mapping) or not set(value) <= {"username", "password", "privilege"}:
        raise SpecError(f"device {device!r}: a login is an object with username, password, privilege; got {value!r}")
    try:
        return Login(**value)
    except TypeError as error:
        raise SpecError(f"device {device!r}: a login needs username and password") from error


def fleet(
    count: int,
    *,
    platforms: Sequence[str] = ("ios",),
    dialogues: Sequence[str] = (),
    first_address: str = "127.0.0.1",
    own_addresses: bool = False,
    port: int = 0,
    **common: Any,
) -> list[DeviceSpec]:
    """Many alike devices, named after platform and number: ios-001, eos-002, ...

    Args:
        count: how many.
        platforms: used in turn.
        dialogues: names or files of dialogues, used in turn instead of platforms.
        first_address: address of the first device, and of all of them unless `own_addresses`.
        own_addresses: every device gets the address after the one before.
        port: SSH port of each; 0 lets the system choose. Other than 0 needs `own_addresses`.
        common: further fields of `DeviceSpec`.

    Raises:
        SpecError: a wrong count or field, or one address and port for many devices.
    """
    if count < 1:
        raise SpecError(f"'count' takes a whole number from 1, not {count!r}")
    if port and not own_addresses and count > 1:
        raise SpecError("several devices on one address need port 0, or own addresses")
    start = ipaddress.ip_address(first_address)
    kinds = [
        *({"dialogue": one} for one in dialogues),
        *({"platform": one} for one in platforms if not dialogues),
    ]
    return [
        DeviceSpec.from_mapping(
            {
                "name": f"{Path(next(iter(kinds[number % len(kinds)].values()))).stem}-{number + 1:03}",
                **kinds[number % len(kinds)],
                "host": str(start + number) if own_addresses else first_address,
                "port": port,
                **common,
            }
        )
        for number in range(count)
    ]
