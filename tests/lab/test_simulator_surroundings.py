"""What a device shows without being configured."""

from __future__ import annotations

import ipaddress

import pytest
from netmiko import ConnectHandler
from ntc_templates.parse import parse_output

from netpulse_lab import SimulatorLab
from netpulse_lab.device_spec import DeviceSpec, SpecError
from netpulse_lab.surroundings import dotted_mac, link_local

HEARD = {
    "lldp": [
        {
            "interface": "GigabitEthernet0/1",
            "chassis": "0c:1a:aa:00:00:01",
            "port": "Ethernet7",
            "name": "spine1",
        }
    ]
}


@pytest.mark.parametrize(
    ("surroundings", "says"),
    [
        ({"lldps": []}, "'lldps'"),
        ({"lldp": [{"interface": "Gi0/1"}]}, r"lldp\.0\.chassis"),
        ({"uptime": -1}, "'uptime'"),
        ([], "'surroundings' is wrong"),
    ],
)
def test_wrong_ones_are_refused_with_their_place(surroundings: object, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        DeviceSpec.from_mapping({"name": "r1", "surroundings": surroundings})


def test_link_local_address_of_a_mac() -> None:
    """The example of RFC 4291, appendix A, has this form."""
    assert link_local("34:56:78:9a:bc:de") == ipaddress.IPv6Address("fe80::3656:78ff:fe9a:bcde")
    assert link_local(dotted_mac("34:56:78:9a:bc:de")) == link_local("34:56:78:9a:bc:de")


def test_neighbours_are_shown_once_lldp_runs() -> None:
    with SimulatorLab(devices=[{"name": "r1", "platform": "ios", "surroundings": HEARD}]) as lab:
        r1 = lab.devices[0]
        with ConnectHandler(**r1.netmiko()) as session:
            assert "% LLDP is not enabled" in session.send_command("show lldp neighbors")
            lab.configure(r1, "lldp run")
            shown = session.send_command("show lldp neighbors")
            assert parse_output(platform="cisco_ios", command="show lldp neighbors", data=shown) == [
                {
                    "neighbor_name": "spine1",
                    "local_interface": "Gi0/1",
                    "capabilities": "R",
                    "neighbor_interface": "Ethernet7",
                }
            ]
            assert "Total entries displayed: 0" in session.send_command("show lldp neighbors gi0/2 detail")
