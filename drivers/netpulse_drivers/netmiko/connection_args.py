"""Connection arguments of the netmiko driver: what ConnectHandler takes, checked before anything is dialled."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal, Self

from netmiko.ssh_dispatcher import CLASS_MAPPER
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from netpulse_drivers.base import ConnectionArgs
from netpulse_drivers.strict_keys import refuse_unknown_keys

HostKeyPolicy = Literal["accept-new", "known", "off"]

_REFUSED = {
    "session_log": "is a path on the worker's disk and would hold passwords; job outputs carry the device's text",
    "session_log_record_writes": "belongs to session_log, which is refused",
    "session_log_file_mode": "belongs to session_log, which is refused",
    "sock": "is a Python object and cannot be given in a request; use ssh_config_file for jump hosts",
    "sock_telnet": "is not supported; use ssh_config_file and SSH for jump hosts",
    "serial_settings": "serial ports are not supported",
    "auto_connect": "is the driver's own business",
    "verbose": "prints to the worker's terminal",
    "delay_factor_compat": "is gone in netmiko 5; give read_timeout in driver_args",
    "ssh_strict": 'use host_key_policy: "known"',
    "system_host_keys": "use known_hosts with the file's path",
    "alt_host_keys": "use known_hosts with the file's path",
    "alt_key_file": "use known_hosts with the file's path",
}


class NetmikoConnectionArgs(ConnectionArgs):
    """connection_args of driver ``netmiko``. All times are seconds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    device_type: str = Field(
        description="netmiko's name of the platform, e.g. cisco_ios, arista_eos, cisco_ios_telnet."
    )
    username: str = Field(default="", max_length=255, description="Login name.")
    secret: SecretStr | None = Field(default=None, description="Password of the privileged (enable) mode.")

    use_keys: bool = Field(default=False, description="Try the worker's own ~/.ssh/id_* keys.")
    key_file: str | None = Field(default=None, description="Private key, a path on the worker.")
    pkey: SecretStr | None = Field(default=None, description="Private key itself, PEM or OpenSSH format.")
    passphrase: SecretStr | None = Field(default=None, description="Opens an encrypted key_file or pkey.")
    allow_agent: bool = Field(default=False, description="Ask an SSH agent of the worker.")
    ssh_config_file: str | None = Field(default=None, description="OpenSSH client configuration on the worker.")
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
    known_hosts: str | None = Field(default=None, description="known_hosts file on the worker; None: the worker's own.")

    timeout: float = Field(default=60.0, gt=0, le=600, description="The whole login, to the first prompt.")
    conn_timeout: float = Field(default=10.0, gt=0, le=600, description="TCP connection.")
    banner_timeout: float = Field(default=15.0, gt=0, le=600, description="The device's SSH banner.")
    auth_timeout: float = Field(default=30.0, gt=0, le=600, description="The answer to the password or key.")
    session_timeout: float = Field(default=60.0, gt=0, le=600, description="netmiko's wait for its channel lock.")
    blocking_timeout: float = Field(default=20.0, gt=0, le=600, description="netmiko's limit of one blocking read.")
    read_timeout_override: float | None = Field(
        default=None, gt=0, le=86400, description="Replaces every read_timeout of this session."
    )
    keepalive: float = Field(default=180.0, ge=0, le=86400, description="Idle seconds between keepalives; 0: none.")

    fast_cli: bool = Field(default=True, description="netmiko's shorter delays while logging in.")
    global_delay_factor: float = Field(default=1.0, gt=0, le=30, description="Multiplies netmiko's login delays.")
    global_cmd_verify: bool | None = Field(default=None, description="Overrides cmd_verify of every command.")
    default_enter: str | None = Field(default=None, max_length=4, description="Line end to send; None: netmiko's.")
    response_return: str | None = Field(default=None, max_length=4, description="Line end in outputs; None: newline.")
    encoding: str = Field(default="utf-8", max_length=32, description="Of the device's text.")
    disable_lf_normalization: bool = Field(default=False, description="Leave line ends as the device sent them.")
    allow_auto_change: bool = Field(default=False, description="Let netmiko change terminal settings that persist.")

    @model_validator(mode="before")
    @classmethod
    def _accept_ip_and_refuse_unknown(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        values = dict(values)
        if "ip" in values:  # ConnectHandler's older name of host
            values.setdefault("host", values["ip"])
            del values["ip"]
        refuse_unknown_keys(values, known=cls.model_fields, refused=_REFUSED)
        return values

    @field_validator("device_type")
    @classmethod
    def _known_device_type(cls, value: str) -> str:
        if value.endswith("_serial"):
            raise ValueError("serial ports are not supported")
        if value in {"autodetect", "terminal_server"}:
            raise ValueError(f"'{value}' is no platform; name the device's own type, e.g. cisco_ios")
        if value in CLASS_MAPPER:
            return value
        offered = [name for name in CLASS_MAPPER if not name.endswith("_serial")]
        near = difflib.get_close_matches(value, offered, n=4, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else "; see netmiko's list of device types"
        raise ValueError(f"unknown device_type{hint}")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError("unknown encoding; use e.g. utf-8, latin-1 or gbk") from None
        return value

    @field_validator("disabled_algorithms")
    @classmethod
    def _known_kinds(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        kinds = {"kex", "keys", "pubkeys", "ciphers", "macs", "compression"}
        unknown = sorted(set(value) - kinds)
        if unknown:
            raise ValueError(f"unknown kinds {', '.join(unknown)}; known: {', '.join(sorted(kinds))}")
        return value

    @field_validator("pkey")
    @classmethod
    def _looks_like_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and "PRIVATE KEY-----" not in value.get_secret_value():
            raise ValueError("is no private key: expected PEM text with a BEGIN ... PRIVATE KEY line")
        return value

    @model_validator(mode="after")
    def _some_credential(self) -> Self:
        if self.telnet:
            return self
        if not self.username and not self.ssh_config_file:
            raise ValueError("username is missing")
        if not (self.password or self.key_file or self.pkey or self.use_keys or self.allow_agent):
            raise ValueError("no credential: give password, key_file, pkey, use_keys or allow_agent")
        return self

    @property
    def telnet(self) -> bool:
        return self.device_type.endswith("_telnet")

    @property
    def tcp_port(self) -> int:
        """The port that will be dialled when no ssh_config_file says otherwise."""
        return self.port or (23 if self.telnet else 22)
