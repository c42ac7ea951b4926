"""connection_args and driver_args of the NAPALM driver, checked before anything is dialled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator

from netpulse_drivers.base import ConnectionArgs, OperationArgs
from netpulse_drivers.host_name import OneLine
from netpulse_drivers.named_files import file_name
from netpulse_drivers.napalm.getters import GETTERS, is_getter
from netpulse_drivers.napalm.platforms import NapalmPlatform, Wire, platform_named
from netpulse_drivers.pyeapi.arguments import CaFile, PemCertificates
from netpulse_drivers.ssh.host_key_text import HostKey
from netpulse_drivers.ssh.own_keys import refuse_own_keys
from netpulse_drivers.strict_keys import refuse_unknown_keys

_REFUSED_OPTIONS = {
    "session_log": "is a path on the worker's disk and would hold passwords; job outputs carry the device's text",
    "session_log_file_mode": "belongs to session_log, which is refused",
    "session_log_record_writes": "belongs to session_log, which is refused",
    "sock": "is a Python object and cannot be given in a request",
    "sock_telnet": "is a Python object and cannot be given in a request",
    "serial_settings": "serial ports are not supported",
    "alt_host_keys": "use host_keys in connection_args",
    "alt_key_file": "use host_keys in connection_args",
    "system_host_keys": "use host_keys in connection_args",
    "ssh_strict": 'use host_key_policy: "known" in connection_args',
    "context": "is a Python object; use ca and verify in connection_args",
    "enforce_verification": "is called verify, in connection_args, and it is on unless you turn it off",
    "eos_transport": "is called transport",
    "ssl_verify": "is called verify, in connection_args",
}
_NAMED_FILES: dict[str, TypeAdapter[str]] = {
    "key_file": TypeAdapter(Annotated[str, file_name("keys", instead="send the key itself as pkey")]),
    "ssh_config_file": TypeAdapter(
        Annotated[str, file_name("ssh_configs", instead="say in connection_args what the file says")]
    ),
}
"""Options that name a file of the worker, whatever the platform."""

_PATH_OF_COMMUNITY = re.compile(r"(^|_)(file|filename|path|dir|directory|log|socket|command|cmd)$")
_PLAIN = (str, int, float, bool, type(None))


class NapalmConnectionArgs(ConnectionArgs):
    """connection_args of driver ``napalm``. All times are seconds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    device_type: str = Field(description="Platform as NAPALM or netmiko names it: ios or cisco_ios, eos, junos, ...")
    username: OneLine = Field(min_length=1, max_length=255, description="Login name.")
    password: SecretStr = Field(default=SecretStr(""), description="Login password.")
    secret: SecretStr | None = Field(default=None, description="Password of the privileged mode, where one is set.")
    timeout: float = Field(default=60.0, gt=0, le=3600, description="The login, and each answer of the device.")
    keepalive: float = Field(default=60.0, ge=0, le=86400, description="Idle seconds between keepalives; 0: none.")
    verify: bool = Field(default=True, description="eAPI and NX-API over https: verify the device's certificate.")
    ca: PemCertificates | None = Field(
        default=None, description="Authorities that may sign that certificate, PEM text; a self-signed one itself."
    )
    ca_file: CaFile | None = Field(default=None, description="Instead: the name of a file that the operator offers.")
    host_key_policy: Literal["accept-new", "known", "off"] | None = Field(
        default=None, description="SSH of ios, nxos_ssh and eos over ssh; as for driver netmiko."
    )
    host_keys: list[HostKey] = Field(
        default_factory=list, max_length=16, description="Public keys of which the host must show one; likewise."
    )
    known_hosts: Annotated[str, file_name("known_hosts", instead="send the host's keys as host_keys")] | None = Field(
        default=None, description="known_hosts file: the name of one that the operator offers; None: the worker's own."
    )
    optional_args: dict[str, Any] = Field(
        default_factory=dict, repr=False, description="The platform's own, as NAPALM documents them."
    )

    @model_validator(mode="before")
    @classmethod
    def _aliases_and_unknown_keys(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        values = dict(values)
        for alias, name in (("hostname", "host"), ("ip", "host"), ("driver", "device_type")):
            if alias in values:
                values.setdefault(name, values[alias])
                del values[alias]
        refuse_unknown_keys(
            values,
            known=cls.model_fields,
            refused={"transport": "belongs into optional_args", "key_file": "belongs into optional_args"},
        )
        return values

    @field_validator("device_type")
    @classmethod
    def _known_platform(cls, value: str) -> str:
        name = platform_named(value).name
        return "ios_telnet" if value == "cisco_ios_telnet" else name

    @field_validator("optional_args")
    @classmethod
    def _plain_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, item in value.items():
            if name in _REFUSED_OPTIONS:
                raise ValueError(f"'{name}' {_REFUSED_OPTIONS[name]}")
            whole = item if isinstance(item, list) else item.values() if isinstance(item, dict) else [item]
            if not all(isinstance(part, _PLAIN) for part in whole):
                raise ValueError(f"'{name}' must be a plain value")
            if name in _NAMED_FILES and item is not None:
                try:
                    _NAMED_FILES[name].validate_python(item)
                except ValidationError as error:
                    raise ValueError(f"'{name}' {error.errors(include_url=False)[0]['msg']}") from None
        return value

    @field_validator("optional_args")
    @classmethod
    def _no_keys_of_the_brokers_user(cls, value: dict[str, Any]) -> dict[str, Any]:
        refuse_own_keys(value, has_key=bool(value.get("pkey") or value.get("key_file")))
        return value

    @model_validator(mode="after")
    def _known_transport(self) -> Self:
        transport, allowed = self.optional_args.get("transport"), self.platform.transports
        # NAPALM would import whatever module a transport with dots names.
        if transport is not None and allowed and transport not in allowed:
            raise ValueError(f"optional_args.transport of {self.platform.name} is one of {', '.join(allowed)}")
        self._refuse_other_options()
        if self.ca is not None and self.ca_file is not None:
            raise ValueError("ca and ca_file exclude each other: give one of them")
        if self.device_type == "ios_telnet":
            self.device_type = "ios"
            self.optional_args = {**self.optional_args, "transport": "telnet"}
        return self

    def _refuse_other_options(self) -> None:
        """Drivers hand on to their libraries what they do not know: a path, or a program to run, must not be in it."""
        platform = self.platform
        if platform.options:
            known = (*platform.options, "port", "secret", "transport")
            refuse_unknown_keys(self.optional_args, known=known, refused={})
            return
        for name, item in self.optional_args.items():
            if name in _NAMED_FILES:
                continue
            texts = [part for part in (item if isinstance(item, list) else [item]) if isinstance(part, str)]
            if _PATH_OF_COMMUNITY.search(name) or any(text.startswith(("/", "~", "./", "../")) for text in texts):
                raise ValueError(f"optional_args: '{name}' would be a path on the worker, and those are not taken")

    @property
    def platform(self) -> NapalmPlatform:
        return platform_named("ios" if self.device_type == "ios_telnet" else self.device_type)

    @property
    def transport(self) -> str:
        """The transport in force; "" where the platform offers none."""
        allowed = self.platform.transports
        return str(self.optional_args.get("transport") or (allowed[0] if allowed else ""))

    @property
    def wire(self) -> Wire:
        """How the device is reached."""
        return "cli" if self.platform.name == "eos" and self.transport == "ssh" else self.platform.wire


class NapalmQueryArgs(OperationArgs):
    """driver_args of a query: the getters' own arguments, each for the getters that take it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    commands: list[str] | None = Field(default=None, min_length=1, description="cli: the commands.")
    encoding: Literal["text", "json"] | None = Field(default=None, description="cli and CLI commands; json: eos only.")
    vrf: str | None = Field(default=None, max_length=255, description="get_arp_table, ping, traceroute.")
    group: str | None = Field(default=None, max_length=255, description="get_bgp_config.")
    neighbor: str | None = Field(default=None, max_length=255, description="get_bgp_config.")
    neighbor_address: str | None = Field(default=None, max_length=255, description="get_bgp_neighbors_detail.")
    retrieve: Literal["all", "running", "startup", "candidate"] | None = Field(default=None, description="get_config.")
    full: bool | None = Field(default=None, description="get_config: defaults included.")
    sanitized: bool | None = Field(default=None, description="get_config: without secrets.")
    format: str | None = Field(default=None, max_length=32, description="get_config: text, or what the platform has.")
    interface: str | None = Field(default=None, max_length=255, description="get_lldp_neighbors_detail.")
    name: str | None = Field(default=None, max_length=255, description="get_network_instances.")
    destination: str | None = Field(default=None, max_length=255, description="get_route_to, ping, traceroute.")
    protocol: str | None = Field(default=None, max_length=64, description="get_route_to.")
    longer: bool | None = Field(default=None, description="get_route_to: longer prefixes too.")
    source: str | None = Field(default=None, max_length=255, description="ping, traceroute.")
    source_interface: str | None = Field(default=None, max_length=255, description="ping.")
    ttl: int | None = Field(default=None, ge=1, le=255, description="ping, traceroute.")
    timeout: int | None = Field(default=None, ge=1, le=3600, description="ping, traceroute: seconds a probe.")
    size: int | None = Field(default=None, ge=1, le=65535, description="ping: bytes.")
    count: int | None = Field(default=None, ge=1, le=10000, description="ping.")
    validation_source: list[dict[str, Any]] | None = Field(
        default=None, min_length=1, description="compliance_report: the rules, as NAPALM's validate documents them."
    )
    getter_args: dict[str, Any] | None = Field(
        default=None, description="Arguments of a getter that only a community driver has."
    )

    @field_validator("validation_source")
    @classmethod
    def _getters_only(cls, value: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        # NAPALM calls whatever method a rule names, a commit too.
        for rule in value or []:
            for getter, expected in rule.items():
                if not is_getter(getter) or getter in ("cli", "compliance_report"):
                    raise ValueError(f"a rule names a getter; known: {', '.join(sorted(GETTERS))}")
                if not isinstance(expected, dict):
                    raise ValueError(f"the rule for {getter} must be an object")  # noqa: TRY004 - pydantic's
        return value

    def given(self) -> dict[str, Any]:
        """The getters' arguments that the request sets."""
        values: dict[str, Any] = self.model_dump(exclude_none=True, exclude={"getter_args"})
        return values


class NapalmChangeArgs(OperationArgs):
    """driver_args of a change."""

    replace: bool = Field(default=False, description="The lines are the whole configuration, not an addition to it.")
