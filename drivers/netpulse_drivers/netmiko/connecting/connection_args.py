"""Connection arguments of the netmiko driver: what ConnectHandler takes, checked before anything is dialled."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Self

from netmiko.ssh_dispatcher import CLASS_MAPPER
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from netpulse_drivers.base import ConnectionArgs
from netpulse_drivers.host_name import OneLine
from netpulse_drivers.jump.jump_host import MAX_HOPS, JumpHost, hops_of
from netpulse_drivers.named_files import NamedFiles, file_name
from netpulse_drivers.netmiko.device_types import AUTODETECT, NOT_DEVICES, known_types
from netpulse_drivers.platforms import BookError, platform_of
from netpulse_drivers.ssh.ssh_args import SSHArgs
from netpulse_drivers.strict_keys import refuse_unknown_keys

_REFUSED = {
    "session_log": "is a path on the worker's disk and would hold passwords; job outputs carry the device's text",
    "session_log_record_writes": "belongs to session_log, which is refused",
    "session_log_file_mode": "belongs to session_log, which is refused",
    "sock": "is a Python object and cannot be given in a request; use proxy_jump for jump hosts",
    "sock_telnet": "is a Python object and cannot be given in a request; use proxy_jump",
    "serial_settings": "serial ports are not supported",
    "auto_connect": "is the driver's own business",
    "verbose": "prints to the worker's terminal",
    "delay_factor_compat": "is gone in netmiko 5; give read_timeout in driver_args",
    "ssh_strict": 'use host_key_policy: "known"',
    "system_host_keys": "use host_keys with the host's keys, or known_hosts with the name of an offered file",
    "alt_host_keys": "use host_keys with the host's keys, or known_hosts with the name of an offered file",
    "alt_key_file": "use host_keys with the host's keys, or known_hosts with the name of an offered file",
}


def _refuse_unusable_file(device_type: str) -> None:
    """The broker's log names the file and the place in it; a request gets neither."""
    try:
        platform_of(device_type)
    except BookError as error:
        raise ValueError(
            f"the operator's data file for '{device_type}' cannot be used; the broker's log says why"
        ) from error


class NetmikoConnectionArgs(SSHArgs, ConnectionArgs):
    """connection_args of driver ``netmiko``. All times are seconds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    device_type: str = Field(
        description="netmiko's name of the platform, e.g. cisco_ios, arista_eos, cisco_ios_telnet; autodetect: "
        "found out at the first login (over SSH), and kept with the device."
    )
    username: OneLine = Field(default="", max_length=255, description="Login name.")
    secret: SecretStr | None = Field(default=None, description="Password of the privileged (enable) mode.")

    proxy_jump: list[JumpHost] = Field(
        default_factory=list,
        max_length=MAX_HOPS,
        description='Jump hosts, nearest first: "user@host:port" (with commas), an object with host, port, username, '
        "password or key and the other options of a login, or a list of these.",
    )
    ssh_config_file: Annotated[str, file_name("ssh_configs", instead="name jump hosts in proxy_jump")] | None = Field(
        default=None,
        description="OpenSSH client configuration (ProxyJump, ProxyCommand, HostName, ...): the name of one that the "
        "operator offers.",
    )

    timeout: float = Field(default=60.0, gt=0, le=600, description="The whole login, to the first prompt.")
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
        if value == AUTODETECT:
            return value
        if value in NOT_DEVICES:
            raise ValueError(f"'{value}' is no platform; name the device's own type, e.g. cisco_ios")
        if value in CLASS_MAPPER or value in known_types():
            _refuse_unusable_file(value)
            return value
        near = difflib.get_close_matches(value, known_types(), n=4, cutoff=0.5)
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

    @field_validator("proxy_jump", mode="before")
    @classmethod
    def _any_way_to_write_it(cls, value: Any) -> Any:
        return [] if value is None else hops_of(value)

    @model_validator(mode="after")
    def _some_credential(self) -> Self:
        if self.telnet:
            return self
        if not self.username and not self.ssh_config_file:
            raise ValueError("username is missing")
        if not (self.password or self.proves_by_key or self.keyboard_interactive):
            raise ValueError("no credential: give password, pkey, key_file or keyboard_interactive")
        return self

    @model_validator(mode="after")
    def _one_way_out(self) -> Self:
        if self.proxy_jump and self.source_address:
            raise ValueError("source_address: with proxy_jump it belongs to the first jump host, write it there")
        return self

    def with_files(self, files: NamedFiles) -> Self:
        """As ``SSHArgs.with_files``, the jump hosts and ssh_config_file included."""
        changes: dict[str, Any] = {"proxy_jump": [hop.with_files(files) for hop in self.proxy_jump]}
        if self.ssh_config_file is not None:
            path = files.path("ssh_configs", self.ssh_config_file, option="ssh_config_file")
            changes["ssh_config_file"] = str(path)
        return super().with_files(files).model_copy(update=changes)

    def of_type(self, device_type: str) -> Self:
        """The same for a device of this type."""
        return self.model_copy(update={"device_type": device_type})

    @property
    def reached_at(self) -> str:
        """Where the device is reached, jump hosts included, in words that name no user."""
        hops = "".join(f" through {hop.host}:{hop.port or 22}" for hop in self.proxy_jump)
        return f"{self.host}:{self.tcp_port}{hops}{' by ' + self.ssh_config_file if self.ssh_config_file else ''}"

    @property
    def telnet(self) -> bool:
        return self.device_type.endswith("_telnet")

    def hops(self) -> tuple[JumpHost, ...]:
        """The jump hosts with their credentials, nearest first.

        Raises:
            InvalidArguments: one has none.
        """
        return tuple(hop.completed(self, self.username) for hop in self.proxy_jump)

    @property
    def tcp_port(self) -> int:
        """The port that will be dialled when no ssh_config_file says otherwise."""
        return self.port or (23 if self.telnet else 22)
