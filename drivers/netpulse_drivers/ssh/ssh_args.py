"""How to log in by SSH: the options that a device and a jump host have in common."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal, Self

import paramiko
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from netpulse_drivers.host_name import checked_host
from netpulse_drivers.named_files import NamedFiles, file_name
from netpulse_drivers.ssh.host_key_text import HostKey
from netpulse_drivers.ssh.own_keys import OWN_KEYS, refuse_own_keys

HostKeyPolicy = Literal["accept-new", "known", "off"]

KNOWN_ALGORITHMS: dict[str, tuple[str, ...]] = {
    # paramiko's tables of what it can do; an order of preference is in Transport._preferred_*
    "kex": tuple(paramiko.Transport._kex_info),  # type: ignore[attr-defined]  # noqa: SLF001
    "keys": tuple(name for name in paramiko.Transport._key_info if "-cert-" not in name),  # type: ignore[attr-defined]  # noqa: SLF001
    "pubkeys": tuple(paramiko.Transport._preferred_pubkeys),  # type: ignore[attr-defined]  # noqa: SLF001
    "ciphers": tuple(paramiko.Transport._cipher_info),  # type: ignore[attr-defined]  # noqa: SLF001
    "macs": tuple(paramiko.Transport._mac_info),  # type: ignore[attr-defined]  # noqa: SLF001
}
"""Algorithms that can be asked for, by kind: key exchange, host keys, user keys' signatures, ciphers, MACs."""


CERTIFICATE_SUFFIX = "-cert.pub"
"""What ssh-keygen appends to a key's name for its certificate, and ssh looks for."""


class SSHArgs(BaseModel):
    """Credentials, host key policy and algorithms of one SSH login. All times are seconds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    use_keys: bool = Field(
        default=False,
        description="netmiko's word for a login by the key of the request (pkey, key_file), which needs no such word; "
        "without one it is refused: no key of the broker's user is used.",
    )
    key_file: Annotated[str, file_name("keys", instead="send the key itself as pkey")] | None = Field(
        default=None, description="Private key: the name of one that the operator offers."
    )
    pkey: SecretStr | None = Field(default=None, description="Private key itself, PEM or OpenSSH format.")
    passphrase: SecretStr | None = Field(default=None, description="Opens an encrypted key_file or pkey.")
    certificate: str | None = Field(
        default=None,
        max_length=32_768,
        description="OpenSSH certificate of the key, its text. Without it, key_file's NAME-cert.pub is used if it is "
        "offered.",
    )
    allow_agent: bool = Field(default=False, description="Refused: no SSH agent of the broker's user is asked.")
    keyboard_interactive: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Answers to questions at login: part of the question (any case) and the answer. Hidden questions "
        "that match none get the password.",
    )
    algorithms: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Algorithms to offer, in this order and no others, by kind: kex, keys, pubkeys, ciphers, macs.",
    )
    disabled_algorithms: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Algorithms not to offer, by kind: kex, keys, pubkeys, ciphers, macs, compression.",
    )
    disable_sha2_fix: bool = Field(default=False, description="Sign with ssh-rsa only, for devices that need it.")
    host_key_policy: HostKeyPolicy | None = Field(
        default=None,
        description="accept-new: remember at the first login, refuse a changed key; known: refuse unknown ones; off. "
        "None: the worker's own policy, accept-new unless set otherwise.",
    )
    host_keys: list[HostKey] = Field(
        default_factory=list,
        max_length=16,
        description="Public keys of which the host must show one, each as in a .pub file. They count instead of the "
        "worker's known_hosts file; where the policy is known, beside it.",
    )
    known_hosts: Annotated[str, file_name("known_hosts", instead="send the host's keys as host_keys")] | None = Field(
        default=None, description="known_hosts file: the name of one that the operator offers; None: the worker's own."
    )
    source_address: str | None = Field(default=None, description="Address of the worker to connect from.")
    conn_timeout: float = Field(default=10.0, gt=0, le=600, description="TCP connection.")
    banner_timeout: float = Field(default=15.0, gt=0, le=600, description="The device's SSH banner.")
    auth_timeout: float = Field(default=30.0, gt=0, le=600, description="The answer to the password or key.")

    @field_validator("disabled_algorithms")
    @classmethod
    def _known_kinds(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        kinds = {*KNOWN_ALGORITHMS, "compression"}
        unknown = sorted(set(value) - kinds)
        if unknown:
            raise ValueError(f"unknown kinds {', '.join(unknown)}; known: {', '.join(sorted(kinds))}")
        return value

    @field_validator("algorithms")
    @classmethod
    def _known_algorithms(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for kind, names in value.items():
            if kind not in KNOWN_ALGORITHMS:
                raise ValueError(f"unknown kind {kind}; known: {', '.join(sorted(KNOWN_ALGORITHMS))}")
            unknown = [name for name in names if name not in KNOWN_ALGORITHMS[kind]]
            if unknown or not names:
                raise ValueError(
                    f"{kind}: {', '.join(unknown) or 'an empty list'} cannot be offered; "
                    f"there are {', '.join(KNOWN_ALGORITHMS[kind])}"
                )
        return value

    @field_validator("pkey")
    @classmethod
    def _looks_like_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and "PRIVATE KEY-----" not in value.get_secret_value():
            raise ValueError("is no private key: expected PEM text with a BEGIN ... PRIVATE KEY line")
        return value

    @field_validator("certificate")
    @classmethod
    def _looks_like_a_certificate(cls, value: str | None) -> str | None:
        if value is not None and "-cert-v01@openssh.com" not in value.split(" ", 1)[0]:
            raise ValueError(
                "is no OpenSSH certificate: expected a line like 'ssh-ed25519-cert-v01@openssh.com AAAA...'"
            )
        return value

    @field_validator("source_address")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ipaddress.ip_address(checked_host(value))
            except ValueError:
                raise ValueError("is no IP address") from None
        return value

    @model_validator(mode="after")
    def _no_keys_of_the_brokers_user(self) -> Self:
        refuse_own_keys(self.model_dump(include=set(OWN_KEYS)), has_key=self.proves_by_key)
        return self

    @model_validator(mode="after")
    def _certificate_of_a_key(self) -> Self:
        if self.certificate is not None and self.pkey is None and self.key_file is None:
            raise ValueError("certificate needs its private key: give key_file or pkey")
        return self

    def with_files(self, files: NamedFiles) -> Self:
        """These arguments as a worker uses them: a named key as its text, a named known_hosts file as its path.

        Raises:
            InvalidArguments: a name that is not offered.
        """
        changes: dict[str, Any] = {}
        if self.key_file is not None:
            changes |= {"key_file": None, "pkey": SecretStr(files.text("keys", self.key_file, option="key_file"))}
            beside = f"{self.key_file}{CERTIFICATE_SUFFIX}"
            if self.certificate is None and files.offers("keys", beside):
                changes["certificate"] = files.text("keys", beside, option="the certificate beside key_file")
        if self.known_hosts is not None:
            changes["known_hosts"] = str(files.path("known_hosts", self.known_hosts, option="known_hosts"))
        return self.model_copy(update=changes) if changes else self

    @property
    def proves_by_key(self) -> bool:
        """Whether there is a key to log in with; a key may be shown to any host, a password may not."""
        return bool(self.key_file or self.pkey)
