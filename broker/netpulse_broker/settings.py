"""What can be set, in which unit, with which default; read from a TOML file and the environment by ``load_settings``.

Precedence, highest first: command line, environment (``NETPULSE_<SECTION>__<KEY>``), file (``[section]`` ``key``),
default. A ``Settings`` object is immutable and is handed to whoever needs it; nothing reads the environment on its own,
so ``Settings(...)`` in a test means exactly what it says.

A secret has no default. ``None`` means "not set", and what needs it says so: see ``require_redis_url``,
``require_master_keys`` and ``require_api_key``.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from netpulse_broker.setting_values import (
    DENIED_NETWORKS,
    AbsolutePath,
    Name,
    Network,
    Seconds,
    check_api_key,
    check_redis_url,
    split_list,
    split_master_keys,
)
from netpulse_drivers.errors import NetPulseError, Phase

ENV_PREFIX = "NETPULSE_"
ENV_DELIMITER = "__"


class SettingsError(NetPulseError):
    """A setting is missing, unknown or wrong. The message names the variable and the file key, never a secret."""

    code: ClassVar[str] = "invalid_settings"
    phase: ClassVar[Phase] = "validate"


def variable_name(*path: str) -> str:
    """The environment variable of a setting: ``("redis", "url")`` -> ``NETPULSE_REDIS__URL``."""
    return ENV_PREFIX + ENV_DELIMITER.join(path).upper()


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).lstrip(".-_") or "localhost"


def default_state_dir() -> Path:
    """``/var/lib/netpulse`` for root, else ``netpulse`` under ``$XDG_STATE_HOME`` (``~/.local/state``)."""
    if os.geteuid() == 0:
        return Path("/var/lib/netpulse")
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "netpulse"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class RedisSettings(_Section):
    """The Redis or Valkey server that all roles share."""

    url: SecretStr | None = Field(
        None,
        description="Where Redis or Valkey is: `redis://[user:password@]host:port/db`, `rediss://` for TLS, "
        "`unix://[user:password@]/path?db=0`, `redis+sentinel://[user:password@]host:port,host:port/service/db`. "
        "`netpulse up` starts a private server when it is not set; the roles alone need it.",
    )
    socket_timeout: Seconds = Field(
        5.0,
        description="How long an answer of Redis may take, in seconds, beyond the time a blocking command asks for.",
    )
    connect_timeout: Seconds = Field(2.0, description="How long connecting to Redis may take, in seconds.")
    loading_timeout: Seconds = Field(
        30.0,
        description="How long a request waits, in seconds, while Redis loads its data after a restart, "
        "before it is a 503.",
    )
    max_clock_skew: Seconds = Field(
        300.0,
        description="How far a machine's clock may be from that of Redis' machine, in seconds. Deadlines go by Redis' "
        "time on all machines; a node that is further off takes no devices, a controller is not ready.",
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_redis_url(url.get_secret_value())
        return url


class SecuritySettings(_Section):
    """Secrets. None of them has a default; `netpulse up` creates its own on the first start."""

    master_key: SecretStr | None = Field(
        None,
        description="Seals jobs and results in Redis: 32 random bytes in URL-safe base64 (`netpulse secret` prints "
        "one), or several separated by commas: the first one seals, all of them open. The same on every machine.",
    )
    api_key: SecretStr | None = Field(
        None,
        description="The key that REST callers send in `X-API-KEY` or as bearer token: 8 or more printable ASCII "
        "characters. `NETPULSE_API_KEY` sets it too.",
    )
    api_key_in_query: bool = Field(
        False, description="Also take the key from the query string and a cookie. Both end up in logs; for old clients."
    )

    @field_validator("master_key")
    @classmethod
    def _check_master_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            split_master_keys(value.get_secret_value())
        return value

    @field_validator("api_key")
    @classmethod
    def _check_api_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_api_key(value.get_secret_value())
        return value


class ControllerSettings(_Section):
    """The REST API."""

    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on; `0.0.0.0` or `::` for all.")
    port: int = Field(9000, ge=0, le=65535, description="The TCP port to listen on; 0 takes a free one.")
    name: Name | None = Field(
        None, description="This controller's name among the controllers. Default: host name, process id, random part."
    )
    max_body: int = Field(5 * 1024 * 1024, ge=1024, description="The largest request body in bytes; more is a 413.")
    max_requests: int = Field(
        4096, ge=1, description="Requests in hand at the same time, those that wait for jobs included; more is a 429."
    )
    max_connections: int = Field(
        8192,
        ge=16,
        le=1_000_000,
        description="Connections open at the same time, as far as descriptors allow; a new one closes the one that has "
        "been idle for longest, or is refused.",
    )
    max_connections_per_address: int = Field(
        1024,
        ge=1,
        description="Connections of one address (of one /64 of IPv6); more are a 429. Not for trusted proxies.",
    )
    max_headers: int = Field(
        65_536, ge=1024, le=1024 * 1024, description="Bytes of a request's first line and headers; more is a 431."
    )
    header_timeout: Seconds = Field(10.0, description="Seconds for a request's headers to come; then a 408.")
    body_timeout: Seconds = Field(30.0, description="Seconds for each 64 KiB of a request's body to come; then a 408.")
    trusted_proxies: Annotated[list[Network], NoDecode] = Field(
        default_factory=list,
        description="Networks of the balancers and proxies in front of the controller: a caller's address is what "
        "their `X-Forwarded-For` says. A JSON list, or separated by commas.",
    )
    tls_cert: AbsolutePath | None = Field(None, description="PEM file with the certificate chain; turns TLS on.")
    tls_key: AbsolutePath | None = Field(None, description="PEM file with the certificate's private key.")
    docs: bool = Field(True, description="Serve the interactive API documentation at `/docs`.")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return split_list(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: set both or neither")
        return self


class NodeSettings(_Section):
    """The node worker, which owns the pinned workers of one machine."""

    name: Name = Field(
        default_factory=_host_name,
        description="This node's name; no two running nodes may share one.",
        json_schema_extra={"default_text": "the host name"},
    )
    capacity: int = Field(256, ge=1, le=100_000, description="How many devices the node serves at most.")
    make_room_after: float = Field(
        60.0,
        ge=0,
        le=30 * 86400,
        allow_inf_nan=False,
        description="When the node is full, devices that have been idle for this many seconds make room for new ones, "
        "the longest idle first; asked again, they log in anew. 0: never, new devices are refused.",
    )
    lease_ttl: Seconds = Field(
        10.0, description="After how many seconds without a sign of life other nodes take over this node's devices."
    )
    lease_renew: Seconds = Field(
        2.0, description="How often the node renews its lease, in seconds; at most a third of `lease_ttl`."
    )
    max_logins: int = Field(
        32,
        ge=1,
        le=10_000,
        description="Logins to devices under way at the same time on this node; others wait for their turn within "
        "their job's time. It spreads the logins after a failover or a restart.",
    )

    @model_validator(mode="after")
    def _check_lease(self) -> Self:
        if self.lease_renew > self.lease_ttl / 3:
            raise ValueError("lease_renew must be at most a third of lease_ttl, so that one lost renewal is no loss")
        return self


class WorkerSettings(_Section):
    """A pinned worker: one per device."""

    max_sessions: int = Field(
        2, ge=1, le=64, description="Sessions kept per device; the one idle for longest makes room for another login."
    )
    idle_limit: Seconds = Field(3600.0, description="Seconds after which an unused session is closed.")
    age_limit: Seconds = Field(86400.0, description="Seconds after which a session is closed once it is idle.")
    logins_per_minute: float = Field(
        0.0,
        ge=0,
        le=6000,
        allow_inf_nan=False,
        description="Logins to one device a minute in the long run, by all workers of all nodes together; more wait "
        "within their job's time. 0: no limit.",
    )
    login_burst: int = Field(
        5, ge=1, le=1000, description="Logins to one device that may come at once under `logins_per_minute`."
    )


class LoginSettings(_Section):
    """Refused logins: a wrong password is not tried at hundreds of devices, which would lock its account."""

    protect: bool = Field(True, description="Suspend credentials that devices refuse; see docs/login-protection.md.")
    first_suspension: Seconds = Field(
        120.0, description="Seconds for which a refused credential is not tried again; doubled with each refusal."
    )
    longest_suspension: float = Field(
        3600.0, gt=0, le=86400, allow_inf_nan=False, description="The longest of these times, in seconds."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.longest_suspension < self.first_suspension:
            raise ValueError("longest_suspension must not be shorter than first_suspension")
        return self


class FifoSettings(_Section):
    """The FIFO pool, for work that needs neither a session nor the device's order."""

    name: Name = Field(
        default_factory=lambda: f"{_host_name()}-fifo",
        description="This pool's name; it differs from every node's name.",
        json_schema_extra={"default_text": "the host name with `-fifo`"},
    )
    processes: int = Field(4, ge=1, le=256, description="How many jobs the pool runs at the same time.")


class JobSettings(_Section):
    """Time limits of jobs, where the request names none."""

    ttl: int = Field(300, ge=1, le=3600, description="Seconds a job may wait in its queue before it fails.")
    bulk_ttl: int = Field(600, ge=1, le=3600, description="The same for the jobs of a bulk request, in seconds.")
    timeout: Seconds = Field(60.0, description="Seconds a job may run.")
    max_timeout: Seconds = Field(3600.0, description="The longest running time that a request may ask for, in seconds.")
    max_output: int = Field(
        8 * 1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="Bytes of all outputs of a job together; with more it ends as `output_too_large`, keeping so much.",
    )
    result_ttl: int = Field(3600, ge=1, le=30 * 86400, description="Seconds an ended job and its result are kept.")

    @model_validator(mode="after")
    def _check_timeouts(self) -> Self:
        if self.timeout > self.max_timeout:
            raise ValueError("timeout must not be larger than max_timeout")
        return self


class DriverSettings(_Section):
    """Drivers and the host keys of devices."""

    plugin_dirs: Annotated[list[AbsolutePath], NoDecode] = Field(
        default_factory=list,
        description="Directories whose packages are loaded as drivers. A list in the file; in the variable "
        "separated by `:`, as in PATH.",
    )
    known_hosts: AbsolutePath | None = Field(
        None, description="The file of known SSH host keys. Default: `known_hosts` in the state directory."
    )
    host_key_policy: Literal["accept-new", "known", "off"] = Field(
        "accept-new",
        description="`accept-new`: an unknown host key is recorded, a changed one refused. `known`: only known host "
        "keys. `off`: host keys are not looked at; for labs.",
    )

    platform_dirs: Annotated[list[AbsolutePath], NoDecode] = Field(
        default_factory=list,
        description="Directories with data files of platforms for driver netmiko, one for each device type, such as "
        "`acme_os.toml`. They go before those that come with the driver. Written as `plugin_dirs`.",
    )

    @field_validator("plugin_dirs", "platform_dirs", mode="before")
    @classmethod
    def _split_path(cls, value: Any) -> Any:
        return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


class DeviceSettings(_Section):
    """Where devices may be, jump hosts included; checked on the addresses that a worker dials."""

    allowed_networks: Annotated[list[Network], NoDecode] = Field(
        default_factory=list,
        description='Exceptions from `denied_networks`, e.g. `["127.0.0.0/8", "::1/128"]` for a lab on this machine. A '
        "list in the file; in the variable a JSON list, or separated by commas.",
    )
    denied_networks: Annotated[list[Network], NoDecode] = Field(
        default_factory=lambda: list(DENIED_NETWORKS),
        description="Networks where no device is, whatever name leads there. Default: loopback, link-local (cloud "
        "metadata included), unspecified, multicast and reserved addresses; private networks are where devices are.",
        json_schema_extra={"default_text": "see meaning"},
    )
    jump_names: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description='Patterns of names that jump hosts may look up, unchecked, e.g. `["*.example.net"]`. Other names '
        "of devices and of further jump hosts are looked up by the worker, which hands on the address.",
    )

    @field_validator("allowed_networks", "denied_networks", "jump_names", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return split_list(value) if isinstance(value, str) else value


class FileSettings(_Section):
    """Directories on the workers' machines whose files requests may name; no request names a path."""

    keys: AbsolutePath | None = Field(
        None,
        description="Directory of private keys (`key_file`), with OpenSSH certificates beside them as `NAME-cert.pub`.",
    )
    certificates: AbsolutePath | None = Field(
        None, description="Directory of PEM files with authorities (`ca_file`) and client certificates (`cert_file`)."
    )
    ssh_configs: AbsolutePath | None = Field(
        None,
        description="Directory of OpenSSH client configurations (`ssh_config_file`); their ProxyCommand is run on the "
        "worker.",
    )
    known_hosts: AbsolutePath | None = Field(
        None, description="Directory of known_hosts files (`known_hosts`), which logins read and add to."
    )


class TemplateSettings(_Section):
    """Templates: rendering of commands and configuration, parsing of outputs."""

    directory: AbsolutePath | None = Field(
        None, description="Directory of the templates that requests may name (`template_file`); read by the controller."
    )
    timeout: Seconds = Field(
        5.0, description="Seconds that rendering or `/template/parse` may take; parsing in a job has the job's time."
    )
    max_size: int = Field(
        10 * 1024 * 1024, ge=1024, description="Characters of a rendered text or of parsed data, at most."
    )
    max_memory: int = Field(
        512 * 1024 * 1024, ge=64 * 1024 * 1024, description="Bytes of memory that one template may take at work."
    )


class WebhookSettings(_Section):
    """Webhooks: calls when a job has ended. Checked where a delivery is made, by the FIFO pool."""

    hosts: list[str] = Field(
        default_factory=list,
        description='Patterns of host names that may be called, e.g. `["*.example.net"]`. Empty: any.',
    )
    denied_networks: list[Network] = Field(
        default_factory=lambda: list(DENIED_NETWORKS),
        description="Networks that are not called, whatever name leads there. Default: loopback, link-local (cloud "
        "metadata included), unspecified, multicast and reserved addresses.",
        json_schema_extra={"default_text": "see meaning"},
    )
    allowed_networks: list[Network] = Field(
        default_factory=list, description='Exceptions from `denied_networks`, e.g. `["127.0.0.1/32"]`.'
    )
    https_only: bool = Field(False, description="Refuse `http://` targets.")
    ca_file: AbsolutePath | None = Field(
        None,
        description="PEM file of the authorities that receivers' certificates are checked against, beside none "
        "other. Default: those of the system.",
    )
    timeout: float = Field(
        10.0, ge=0.5, le=120, description="Seconds that one attempt may take, if the request names none."
    )
    attempts: int = Field(8, ge=1, le=50, description="Attempts before a delivery is put to the dead letters.")
    back_off: Seconds = Field(
        5.0, description="Seconds before the second attempt; doubled for each further one, varied by a quarter."
    )
    longest_pause: Seconds = Field(900.0, description="The longest pause between two attempts, in seconds.")
    keep_dead: int = Field(7 * 86400, ge=60, description="Seconds that dead letters are kept.")


class DispatchSettings(_Section):
    """The placing of devices on nodes."""

    scheduler: Name = Field("load_weighted_random", description="The name of the scheduler that picks a node.")


class LogSettings(_Section):
    """Logging to standard error. Secrets never reach a log, whatever the level."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The lowest level that is logged.")
    format: Literal["console", "json"] = Field(
        "json", description="`json`: one JSON object a line. `console`: lines for people."
    )


class Settings(BaseSettings):
    """All settings of the broker."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    state_dir: AbsolutePath = Field(
        default_factory=default_state_dir,
        description="Where the broker keeps keys, logs and the private server's data; mode 0700.",
        json_schema_extra={
            "default_text": "`/var/lib/netpulse` for root, else `$XDG_STATE_HOME/netpulse` (`~/.local/state/netpulse`)"
        },
    )
    shutdown_grace: Seconds = Field(
        75.0, description="Seconds that running jobs get to end when a role, or `netpulse up`, is told to stop."
    )
    redis: RedisSettings = Field(default_factory=RedisSettings)
    security: SecuritySettings = Field(default_factory=SecuritySettings)
    controller: ControllerSettings = Field(default_factory=ControllerSettings)
    node: NodeSettings = Field(default_factory=NodeSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    logins: LoginSettings = Field(default_factory=LoginSettings)
    fifo: FifoSettings = Field(default_factory=FifoSettings)
    jobs: JobSettings = Field(default_factory=JobSettings)
    drivers: DriverSettings = Field(default_factory=DriverSettings)
    devices: DeviceSettings = Field(default_factory=DeviceSettings)
    files: FileSettings = Field(default_factory=FileSettings)
    templates: TemplateSettings = Field(default_factory=TemplateSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    dispatch: DispatchSettings = Field(default_factory=DispatchSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: ``load_settings`` reads file and environment and says where a wrong value stands."""
        return (init_settings,)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if self.node.name == self.fifo.name:
            raise ValueError("node.name and fifo.name must differ: each name has one lease")
        return self

    @property
    def known_hosts_file(self) -> Path:
        """The file of known SSH host keys."""
        return self.drivers.known_hosts or self.state_dir / "known_hosts"

    def require_redis_url(self) -> str:
        """The Redis URL. Raises SettingsError that says how to set it."""
        return self._require(self.redis.url, "redis", "url", "for example redis://redis.example.net:6379/0")

    def require_master_keys(self) -> tuple[str, ...]:
        """The master keys as text, the sealing key first. Raises SettingsError that says how to set it."""
        hint = "the same on every machine; `netpulse secret` prints a new one"
        return split_master_keys(self._require(self.security.master_key, "security", "master_key", hint))

    def require_api_key(self) -> str:
        """The API key. Raises SettingsError that says how to set it."""
        return self._require(self.security.api_key, "security", "api_key", "NETPULSE_API_KEY sets it too")

    @staticmethod
    def _require(value: SecretStr | None, section: str, key: str, hint: str) -> str:
        if value is None:
            raise SettingsError(
                f"{section}.{key} is not set: set {variable_name(section, key)}, or `{key}` under [{section}] in the "
                f"settings file ({hint})"
            )
        return value.get_secret_value()
