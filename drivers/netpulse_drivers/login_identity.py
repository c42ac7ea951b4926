"""Who logs in where with what: the part of connection arguments that a device, or its AAA server, judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from netpulse_drivers.errors import AuthenticationFailed, LoginMethodUnavailable, PasswordExpired

CREDENTIALS = (
    "username",
    "password",
    "pkey",
    "key_file",
    "passphrase",
    "certificate",
    "keyboard_interactive",
    "use_keys",
    "allow_agent",
)
"""Options of a login that say who logs in, and prove it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginIdentity:
    """One of the logins that ``connect`` makes.

    Attributes:
        place: whose answer it is, e.g. ``192.0.2.1:22``; behind a jump host with that host.
        proof: user name and what proves him, without empty values. Equal ones are one credential, whatever the driver.
        jump_host: the name that errors give to this jump host (``details``); "" for the device itself.
    """

    place: str
    proof: Mapping[str, Any] = field(repr=False)
    jump_host: str = ""

    def refused_by(self, error: BaseException) -> bool:
        """Whether the error says that this login was refused: the credential was judged, and is not the right one.

        A device that cannot be reached, does not answer, has no room, wants the password changed or takes no login of
        this kind has refused no credential.
        """
        if not isinstance(error, AuthenticationFailed) or isinstance(error, PasswordExpired | LoginMethodUnavailable):
            return False
        at_hosts = (part for part in error.details if part.get("phase") == "auth")
        named = {str(part["jump_host"]) for part in at_hosts if "jump_host" in part}
        return self.jump_host in named if named else not self.jump_host


def place_of(host: str, port: Any) -> str:
    """A device as suspensions name it."""
    return f"{host}:{port}" if port else host


def proof_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is not empty among credentials, in plain text and ready for JSON."""
    return {name: plain(value) for name, value in values.items() if plain(value) not in (None, "", False, {}, [])}


def secret_fields(arguments: BaseModel) -> dict[str, Any]:
    """The values of a model whose type says that they are secret."""
    return {name: value for name, value in dict(arguments).items() if isinstance(value, SecretStr | SecretBytes)}


def plain(value: Any) -> Any:
    """Secrets in it as text."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().hex()
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
