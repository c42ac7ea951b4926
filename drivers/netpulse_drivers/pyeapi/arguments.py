"""connection_args and driver_args of the pyeapi driver, checked before anything is dialled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, model_validator

from netpulse_drivers.base import ChangeRequest, ConnectionArgs, OperationArgs
from netpulse_drivers.errors import UnsupportedOperation
from netpulse_drivers.host_name import HostName
from netpulse_drivers.named_files import file_name
from netpulse_drivers.strict_keys import refuse_unknown_keys

Encoding = Literal["json", "text"]

LONGEST_TIMER = 24 * 3600 - 1
"""Seconds that ``commit timer HH:MM:SS`` can say."""

_DEVICE_TYPES = ("arista_eos", "eos")

_REFUSED = {
    "context": "is a Python object and cannot be given in a request; use ca, certificate, pkey and verify",
    "return_node": "is the driver's own business",
    "enforce_verification": "is called verify here, and it is on unless you turn it off",
    "proxy": "is not supported",
}
_NO_TRANSPORT = {
    "socket": "reaches the switch that a program runs on, which is never the broker's worker",
    "http_local": "reaches the switch that a program runs on, which is never the broker's worker",
    "http_session": "is not supported; transport http authenticates each request on one kept connection",
    "https_session": "is not supported; transport https authenticates each request on one kept connection",
}


CaFile = Annotated[str, file_name("certificates", instead="send the authorities' certificates themselves as ca")]


def _is_pem(value: str) -> str:
    if "-----BEGIN CERTIFICATE-----" not in value:
        raise ValueError("is no PEM text: expected '-----BEGIN CERTIFICATE-----'")
    return value


PemCertificates = Annotated[str, Field(max_length=262_144), AfterValidator(_is_pem)]


class PyeapiConnectionArgs(ConnectionArgs):
    """connection_args of driver ``pyeapi``. All times are seconds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    transport: Literal["http", "https", "https_certs"] = Field(
        default="https",
        description="https_certs: https that authenticates by the client certificate in certificate and pkey.",
    )
    enable_password: SecretStr | None = Field(default=None, description="Of the privileged mode, where one is set.")
    certificate: PemCertificates | None = Field(default=None, description="Client certificate, PEM text.")
    cert_file: (
        Annotated[str, file_name("certificates", instead="send the certificate itself as certificate")] | None
    ) = Field(default=None, description="Instead: the name of one that the operator offers.")
    pkey: SecretStr | None = Field(
        default=None, max_length=32_768, description="Private key of the client certificate, PEM text, not encrypted."
    )
    key_file: Annotated[str, file_name("keys", instead="send the key itself as pkey")] | None = Field(
        default=None, description="Instead: the name of one that the operator offers."
    )
    ca: PemCertificates | None = Field(
        default=None,
        description="Authorities that may sign the device's certificate, PEM text; a self-signed one itself.",
    )
    ca_file: CaFile | None = Field(default=None, description="Instead: the name of a file that the operator offers.")
    verify: bool = Field(default=True, description="Verify the device's certificate and the name in it.")
    server_name: HostName | None = Field(
        default=None, description="Name that the device's certificate bears, when that is not host."
    )
    timeout: float = Field(default=60.0, gt=0, le=3600, description="Connecting, and each answer of the device.")
    keepalive: float = Field(default=60.0, ge=0, le=86400, description="Idle seconds between keepalives; 0: none.")

    @model_validator(mode="before")
    @classmethod
    def _aliases_and_unknown_keys(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        values = dict(values)
        if "secret" in values:  # netmiko's name for the same
            values.setdefault("enable_password", values["secret"])
            del values["secret"]
        # What the other drivers need; callers that use several of them send it to this one as well.
        if values.pop("device_type", None) not in (None, *_DEVICE_TYPES):
            raise ValueError(f"device_type must be {' or '.join(_DEVICE_TYPES)}, or be left out: no other speaks eAPI")
        refuse_unknown_keys(values, known=cls.model_fields, refused=_REFUSED)
        transport = values.get("transport")
        if isinstance(transport, str) and transport in _NO_TRANSPORT:
            raise ValueError(f"transport '{transport}' {_NO_TRANSPORT[transport]}; use http or https")
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for text, file in (("certificate", "cert_file"), ("pkey", "key_file"), ("ca", "ca_file")):
            if getattr(self, text) is not None and getattr(self, file) is not None:
                raise ValueError(f"{text} and {file} exclude each other: give one of them")
        certificate = self.certificate is not None or self.cert_file is not None
        if certificate != (self.pkey is not None or self.key_file is not None):
            raise ValueError("a client certificate needs its key: give certificate and pkey, or neither")
        if self.transport == "https_certs" and not certificate:
            raise ValueError("transport https_certs needs certificate and pkey")
        if not self.tls:
            names = ("certificate", "cert_file", "ca", "ca_file", "server_name")
            tls_only = [name for name in names if getattr(self, name) is not None]
            if tls_only:
                raise ValueError(f"{', '.join(tls_only)} take transport https")
        if certificate and self.username is None and self.password is None:
            return self
        if not self.username or self.password is None:
            raise ValueError("no credential: give username and password, or certificate and pkey")
        return self

    @property
    def tls(self) -> bool:
        return self.transport != "http"

    @property
    def tcp_port(self) -> int:
        return self.port or (443 if self.tls else 80)


class _EapiArgs(OperationArgs):
    auto_complete: bool | None = Field(
        default=None, description="Let the device take shortened commands (eAPI's autoComplete)."
    )
    expand_aliases: bool | None = Field(default=None, description="Let the device expand its user's aliases.")
    api_version: int | Literal["latest"] | None = Field(
        default=None, description="Version of the commands' JSON models; the device's default is 1."
    )

    def request_options(self) -> dict[str, Any]:
        """What goes into the request beside commands and format, in eAPI's own names."""
        options = {
            "autoComplete": self.auto_complete,
            "expandAliases": self.expand_aliases,
            "apiVersion": self.api_version,
        }
        return {name: value for name, value in options.items() if value is not None}


class PyeapiQueryArgs(_EapiArgs):
    """driver_args of a query."""

    encoding: Encoding | None = Field(
        default=None,
        description="json: structured output; text: as on a terminal. None: json, and text where a command has no "
        "JSON form, as pyeapi's enable() does.",
    )


class PyeapiChangeArgs(_EapiArgs):
    """driver_args of a change."""

    autosave: bool = Field(default=False, description="Write memory after the change; the same as the option save.")
    session: bool = Field(
        default=True,
        description="Make the change in a configuration session: all lines or none, with a diff. False: type them "
        "into the running configuration, for releases before 4.15; what stands before a refused line stays.",
    )


def refuse_without_session(change: ChangeRequest, args: PyeapiChangeArgs) -> None:
    """Without a configuration session lines can only be typed.

    Raises:
        UnsupportedOperation
    """
    if args.session:
        return
    for name in ("dry_run", "revert_in", "replace", "ensure"):
        if getattr(change, name):
            raise UnsupportedOperation(f"{name} takes a configuration session: leave out driver_args.session")
