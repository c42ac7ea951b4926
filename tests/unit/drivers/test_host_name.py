"""How a host may be written."""

from __future__ import annotations

import pytest

from netpulse_drivers.host_name import checked_host


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("r1", "r1"),
        ("R1.Example.NET.", "R1.Example.NET."),
        ("r_1-a.lab", "r_1-a.lab"),
        (" r1 ", "r1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("fe80::1%eth0.5", "fe80::1%eth0.5"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.2.3.4.example", "1.2.3.4.example"),
        ("9lives", "9lives"),
    ],
)
def test_hosts(written: str, taken: str) -> None:
    assert checked_host(written) == taken


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("r1\n", "neither"),
        ("a..\n", "neither"),
        ("r1-", "neither"),
        ("-r1", "neither"),
        ("fe80::1%a;b", "interface"),
        ("0x7f.1", "write 127.0.0.1"),
        ("1", "write 0.0.0.1"),
    ],
)
def test_no_hosts(written: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        checked_host(written)
