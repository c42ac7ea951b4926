from __future__ import annotations

import pytest

from netpulse_broker.dispatch.device_identity import device_identity
from netpulse_broker.errors import BadRequest


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [
        ("R1.Example.NET.", None, "r1.example.net"),
        ("192.0.2.1", 22, "192.0.2.1"),
        ("192.0.2.1", 443, "192.0.2.1"),
        ("192.0.2.1", 2222, "192.0.2.1:2222"),
        ("2001:DB8:0::1", None, "2001:db8::1"),
        ("[2001:db8::1]", 830, "2001:db8::1"),
        ("2001:db8::1", 8443, "[2001:db8::1]:8443"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
    ],
)
def test_all_ways_to_a_device_have_one_name(host: str, port: int | None, name: str) -> None:
    assert device_identity(host, port) == name


def test_an_explicit_name_counts() -> None:
    assert device_identity("192.0.2.1", 2222, explicit="Core-1") == "Core-1"


@pytest.mark.parametrize("host", ["", "a b", "a/batch", "a|b", "x" * 256, "a\nb"])
def test_what_could_break_a_queue_name_is_refused(host: str) -> None:
    with pytest.raises(BadRequest):
        device_identity(host)
    with pytest.raises(BadRequest):
        device_identity("r1", explicit=host)
