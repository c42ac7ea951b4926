"""When two readings of a running configuration are the same configuration."""

from __future__ import annotations

from netpulse_drivers.config.fingerprint import fingerprint

IOS = """\
Building configuration...

Current configuration : 1812 bytes
!
! Last configuration change at 03:04:05 UTC Fri Jan 2 2026 by admin
!
hostname r1
ntp clock-period 17180152
interface Loopback10
 description one
end
"""


def test_what_changes_by_itself_makes_no_difference() -> None:
    later = IOS.replace("03:04:05", "04:05:06").replace("1812", "1810").replace("17180152", "17180200")
    assert fingerprint(later) == fingerprint(IOS)
    assert fingerprint(IOS.replace("\n", "\r\n")) == fingerprint(IOS)
    assert fingerprint(IOS.replace("hostname r1", "file prompt quiet\nhostname r1")) == fingerprint(IOS)


def test_a_line_its_place_and_its_indentation_do() -> None:
    others = [
        IOS.replace("description one", "description two"),
        IOS.replace(" description one\n", ""),
        IOS.replace(" description one", "description one"),
        IOS.replace("hostname r1\n", "").replace("end\n", "hostname r1\nend\n"),
    ]
    assert len({fingerprint(text) for text in [IOS, *others]}) == 1 + len(others)


def test_junos_and_xr_begin_with_the_time() -> None:
    assert fingerprint("## Last commit: 2026-01-02 by admin\nversion 21;\n") == fingerprint("version 21;\n")
    assert fingerprint("Fri Jan  2 03:04:05.000 UTC\nhostname x\n") == fingerprint("hostname x\n")
