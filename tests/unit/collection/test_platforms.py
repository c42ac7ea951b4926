"""network_os to device type."""

from __future__ import annotations

import pytest
from ansible_collections.netpulse.broker.plugins.module_utils._platforms import NETWORK_OS, SHORT_NAMES, device_type_of
from netmiko.ssh_dispatcher import CLASS_MAPPER


def test_every_device_type_in_the_tables_is_one_that_netmiko_has() -> None:
    unknown = {name for name in {*NETWORK_OS.values(), *SHORT_NAMES.values()} if name not in CLASS_MAPPER}
    assert unknown == set()


@pytest.mark.parametrize(
    ("network_os", "device_type"),
    [
        ("cisco.ios.ios", "cisco_ios"),
        ("ios", "cisco_ios"),
        ("cisco.nxos.nxos", "cisco_nxos"),
        ("cisco.iosxr.iosxr", "cisco_xr"),
        ("arista.eos.eos", "arista_eos"),
        ("junipernetworks.junos.junos", "juniper_junos"),
        ("vyos.vyos.vyos", "vyos"),
        ("frr", "cisco_ios"),
        ("community.network.edgeos", "ubiquiti_edgerouter"),
        ("edgeos", "ubiquiti_edgerouter"),
        ("cisco_xe", "cisco_xe"),
    ],
)
def test_full_short_and_netmiko_names(network_os: str, device_type: str) -> None:
    assert device_type_of(network_os) == device_type


def test_unknown_full_name_says_what_to_set() -> None:
    with pytest.raises(ValueError, match="set device_type"):
        device_type_of("acme.box.box")
