"""What the controller accepts for driver pyeapi."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from netpulse_drivers.pyeapi import PyeapiDriver

LOGIN = {"host": "192.0.2.1", "username": "admin", "password": "device-password"}


def test_defaults_are_safe() -> None:
    args = PyeapiDriver.connection_args_model.model_validate(LOGIN)
    assert PyeapiDriver.query_strategy == "fifo"
    assert args.model_dump()["transport"] == "https"
    assert args.model_dump()["verify"] is True
    change = PyeapiDriver.validate_operation_args("change", {})
    assert change.model_dump()["autosave"] is False


@pytest.mark.parametrize(("transport", "port"), [("http", 80), ("https", 443)])
def test_ports(transport: str, port: int) -> None:
    args: Any = PyeapiDriver.validate_connection_args({**LOGIN, "transport": transport})
    assert args.tcp_port == port


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"transport": "socket"}, "never the broker's worker"),
        ({"transport": "https_session"}, "use http or https"),
        ({"transport": "https_certs"}, "needs certificate and pkey"),
        ({"cert_file": "x"}, "needs its key"),
        ({"cert_file": "/x", "key_file": "x"}, "paths are not taken: send the certificate itself as certificate"),
        ({"cert_file": "x", "key_file": "../x"}, "paths are not taken: send the key itself as pkey"),
        ({"ca_file": "/etc/passwd"}, "send the authorities' certificates themselves as ca"),
        ({"ca": "/etc/passwd"}, "no PEM text"),
        ({"ca": "-----BEGIN CERTIFICATE-----", "ca_file": "x"}, "exclude each other"),
        ({"server_name": "a b"}, "neither an IP address nor a host name"),
        ({"transport": "http", "ca_file": "x"}, "take transport https"),
        ({"username": None}, "no credential"),
        ({"context": "x"}, "Python object"),
        ({"enforce_verification": True}, "verify"),
        ({"pasword": "x"}, "did you mean password"),
        ({"port": 70000}, "less than or equal"),
    ],
)
def test_wrong_arguments(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        PyeapiDriver.validate_connection_args({**LOGIN, **more})
    assert "device-password" not in str(caught.value)


def test_secret_has_netmikos_name_too() -> None:
    args: Any = PyeapiDriver.validate_connection_args({**LOGIN, "secret": "enable-secret"})
    assert args.enable_password.get_secret_value() == "enable-secret"


@pytest.mark.parametrize("args", [{"encoding": "xml"}, {"encodng": "text"}, {"api_version": "newest"}])
def test_wrong_query_arguments(args: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PyeapiDriver.validate_operation_args("query", args)
