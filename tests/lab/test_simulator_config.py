"""How configurations change line by line, without any connection."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from netpulse_lab import DeviceSpec
from netpulse_lab.device import Device, load
from netpulse_lab.device_spec import SpecError, fleet
from netpulse_lab.faults import FaultError, Faults
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Collect, Say
from netpulse_lab.platforms import PLATFORMS, platform_named


class Console:
    """An enabled user of a device that exists in memory only."""

    def __init__(self, platform: str = "ios", **fields: Any) -> None:
        spec = DeviceSpec.from_mapping({"name": "r1", "platform": platform, **fields})
        self.device = Device(spec=spec, platform=platform_named(platform), sequence=itertools.count(1))
        self.shell = Interpreter(device=self.device, username="admin", privilege=15, session=1)

    def __call__(self, *lines: str) -> str:
        """Run lines; returns what the last one printed."""
        outcome: object = Say()
        for line in lines:
            outcome = outcome.take(line) or outcome if isinstance(outcome, Collect) else self.shell.run(line)
        return outcome.text if isinstance(outcome, Say) else ""

    def section(self, name: str) -> list[str]:
        """The lines of a section of the running configuration."""
        text = self.device.running_text().splitlines()
        start = text.index(name)
        following = itertools.takewhile(lambda line: line.startswith(" "), text[start + 1 :])
        return [line.strip() for line in following]


BUSY_IOS = """\
hostname core
vlan 10,20
 name users
interface GigabitEthernet0/1
 description to  the edge
 no switchport
 ip address 10.1.0.1 255.255.255.0
 ip address 10.1.1.1 255.255.255.0 secondary
 shutdown
interface Loopback0
 ip address 10.0.0.1 255.255.255.255
router ospf 1
 router-id 10.0.0.1
 passive-interface default
 no passive-interface GigabitEthernet0/1
 network 10.0.0.0 0.255.255.255 area 0
router bgp 65000
 neighbor 10.1.0.2 remote-as 65001
 neighbor 10.1.0.2 description peer
 address-family ipv4
  network 10.0.0.0 mask 255.0.0.0
  neighbor 10.1.0.2 activate
ip route 0.0.0.0 0.0.0.0 10.1.0.2
ip access-list extended GUARD
 permit ip any any
 remark last
 deny ip any any
snmp-server community public ro
banner motd ^C
Who enters
 is logged
^C
ntp server 10.9.9.9 prefer
"""
BUSY_EOS = """\
hostname leaf
vlan 10,20
   name users
interface Ethernet1
   description to  the edge
   no switchport
   ip address 10.1.0.1/24
   shutdown
interface Loopback0
   ip address 10.0.0.1/32
router bgp 65000
   router-id 10.0.0.1
   neighbor 10.1.0.2 remote-as 65001
   address-family ipv4
      neighbor 10.1.0.2 activate
ip route 0.0.0.0/0 10.1.0.2
ip access-list GUARD
   10 permit ip any any
banner motd
Who enters
EOF
management api http-commands
   protocol https
   no protocol http
"""


@pytest.mark.parametrize(("platform", "text"), [("ios", BUSY_IOS), ("eos", BUSY_EOS)])
def test_a_printed_configuration_is_read_back_as_it_was(platform: str, text: str) -> None:
    device = Console(platform, config=text).device
    printed = device.running_text()
    for line in text.splitlines():
        expected = {"vlan 10,20": "vlan 10"}.get(line, line)
        assert expected in printed.splitlines()
    again = load(device, printed)
    assert again.lines(device.platform.style) == device.running.lines(device.platform.style)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_new_device_has_nothing_to_save(platform: str) -> None:
    device = Console(platform).device
    assert not device.unsaved
    assert device.hostname == "r1"


def test_a_later_line_of_the_same_kind_replaces() -> None:
    console = Console()
    console("configure terminal", "interface gi0/1", "description one", "ip address 10.0.0.1 255.0.0.0")
    console("description two", "ip address 10.0.0.2 255.0.0.0")
    assert console.section("interface GigabitEthernet0/1") == [
        "description two",
        "ip address 10.0.0.2 255.0.0.0",
        "negotiation auto",
    ]


def test_several_secondary_addresses_stand_beside_each_other() -> None:
    console = Console()
    console("conf t", "int gi0/1", "ip address 10.0.0.1 255.0.0.0")
    console("ip address 11.0.0.1 255.0.0.0 secondary", "ip address 12.0.0.1 255.0.0.0 secondary")
    assert len([line for line in console.section("interface GigabitEthernet0/1") if "secondary" in line]) == 2
    console("no ip address 11.0.0.1 255.0.0.0 secondary")
    assert "ip address 11.0.0.1 255.0.0.0 secondary" not in console.section("interface GigabitEthernet0/1")
    console("no ip address")
    assert console.section("interface GigabitEthernet0/1") == ["no ip address", "negotiation auto"]


def test_no_removes_a_section_but_never_a_port() -> None:
    console = Console()
    console("conf t", "interface Loopback7", "exit", "no interface Loopback7")
    assert "interface Loopback7" not in console.device.running_text()
    assert console("no interface gi0/1") == "% Removal of physical interfaces is not permitted\n"


def test_an_interface_that_the_device_does_not_have_is_refused() -> None:
    console = Console()
    assert "Invalid input" in console("conf t", "interface GigabitEthernet9/9")
    assert console.shell.mode == "config"


def test_shutdown_and_its_opposite() -> None:
    console = Console()
    console("conf t", "int gi0/1", "shutdown")
    assert "shutdown" in console.section("interface GigabitEthernet0/1")
    console("no shutdown")
    assert "shutdown" not in " ".join(console.section("interface GigabitEthernet0/1"))


def test_what_is_on_by_default_is_printed_only_when_it_is_off() -> None:
    console = Console()
    console("conf t", "int gi0/1", "no switchport")
    assert "no switchport" in console.section("interface GigabitEthernet0/1")
    console("switchport")
    assert "switchport" not in " ".join(console.section("interface GigabitEthernet0/1"))


def test_a_global_line_leaves_the_interface() -> None:
    console = Console()
    console("conf t", "int gi0/1", "ntp server 10.0.0.9")
    assert console.shell.mode == "config"
    assert "ntp server 10.0.0.9" in console.device.running_text()


def test_allowed_vlans_are_added_and_taken_away() -> None:
    console = Console()
    console("conf t", "int gi0/1", "switchport trunk allowed vlan 10,20")
    console("switchport trunk allowed vlan add 21,22", "switchport trunk allowed vlan remove 10")
    assert "switchport trunk allowed vlan 20-22" in console.section("interface GigabitEthernet0/1")


def test_a_range_configures_all_its_interfaces() -> None:
    console = Console()
    console("conf t", "interface range gi0/1 - 2 , vlan5", "description many")
    for name in ("GigabitEthernet0/1", "GigabitEthernet0/2", "Vlan5"):
        assert "description many" in console.section(f"interface {name}")


def test_secrets_are_stored_as_hashes_and_work() -> None:
    console = Console()
    console("conf t", "enable secret top-secret", "username bob privilege 15 secret bobs-password")
    text = console.device.running_text()
    assert "top-secret" not in text
    assert "bobs-password" not in text
    assert console.device.platform.check_secret(console.device, "top-secret") is True
    assert console.device.platform.check_secret(console.device, "enable-secret") is False
    assert console.device.platform.check_password(console.device, "bob", "bobs-password") == 15
    assert console.device.platform.check_password(console.device, "bob", "wrong") is None


def test_removing_a_user_asks_first() -> None:
    console = Console(logins=[{"username": "bob", "password": "x", "privilege": 1}])
    console("conf t")
    question = console.shell.run("no username bob")
    assert isinstance(question, Ask)
    assert console.device.privilege_of("bob") == 1
    question.then("")
    assert console.device.privilege_of("bob") is None


def test_the_same_line_again_is_no_change() -> None:
    console = Console()
    console("conf t", "int gi0/1", "description one")
    version = console.device.running.version
    console("description one", "no shutdown", "exit", "vlan 7")
    console("exit", "hostname r1")
    assert console.device.running.version == version + 1, "only VLAN 7 was new"


def test_a_reload_brings_back_what_was_saved() -> None:
    console = Console()
    console("conf t", "hostname saved", "end", "write memory", "conf t", "hostname lost", "end")
    assert console.device.unsaved
    console.device.reload(session=1)
    assert console.device.hostname == "saved"
    assert not console.device.unsaved


def test_sections_are_shown_with_what_is_below_them() -> None:
    console = Console()
    console("conf t", "int gi0/1", "description x", "end")
    assert console("show run | section GigabitEthernet0/1").splitlines() == [
        "interface GigabitEthernet0/1",
        " description x",
        " no ip address",
        " negotiation auto",
    ]
    assert console("show run | i ^hostname") == "hostname r1\n"
    assert console("show run | begin ^line vty 5").splitlines()[0] == "line vty 5 15"
    assert "interface" not in console("show run | exclude interface")
    assert "Invalid input" in console("show run | frobnicate x")


def test_a_configuration_session_changes_nothing_until_the_commit() -> None:
    console = Console("eos")
    console("configure session change", "vlan 10", "name users")
    assert "vlan 10" not in console.device.running_text()
    assert console.shell.prompt() == "r1(config-s-change-vlan-10)#"
    assert "+vlan 10\n+   name users\n" in console("show session-config diffs")
    console("commit")
    assert "vlan 10" in console.device.running_text()
    assert console.shell.mode == "enable"


def test_an_aborted_session_leaves_nothing() -> None:
    console = Console("eos")
    console("configure session change", "hostname other", "abort")
    assert console.device.hostname == "r1"
    assert "change" not in console("show configuration sessions")


def test_clean_config_rolls_the_candidate_back() -> None:
    console = Console("eos")
    console("configure", "hostname other", "end", "configure session clean", "rollback clean-config")
    assert "-hostname other\n+hostname r1\n" in console("show session-config diffs")
    console("commit")
    assert console.device.hostname == "r1"


def test_eos_answers_as_data() -> None:
    console = Console("eos")
    assert json.loads(console("show hostname | json")) == {"hostname": "r1", "fqdn": "r1.lab.example"}
    assert json.loads(console("show version | json"))["modelName"] == "vEOS-lab"
    console("configure", "vlan 10", "name users", "end")
    assert json.loads(console("show vlan | json"))["vlans"]["10"]["name"] == "users"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "needs a 'name'"),
        ({"name": "r", "colour": 1}, "unknown field 'colour'"),
        ({"name": "r", "host": "example.org"}, "takes an IP address"),
        ({"name": "r", "host": "8.8.8.8"}, "must be a loopback address"),
        ({"name": "r", "port": 70000}, "'port' takes"),
        ({"name": "r", "privilege": 16}, "'privilege' takes"),
        ({"name": "r", "ssh_profile": "older"}, "'ssh_profile' takes"),
        ({"name": "r", "auth_methods": ["psychic"]}, "'auth_methods' takes"),
        ({"name": "r", "auth_methods": ["publickey"]}, "needs 'authorized_keys'"),
        ({"name": "r", "password": "two words"}, "without blanks"),
        ({"name": "r", "logins": [{"username": "x"}]}, "needs username and password"),
    ],
)
def test_wrong_descriptions_say_what_is_wrong(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        DeviceSpec.from_mapping(fields)


def test_a_fleet_gets_names_platforms_and_addresses() -> None:
    specs = fleet(3, platforms=["ios", "eos"], first_address="127.0.10.1", own_addresses=True, port=2222)
    assert [(one.name, one.host, one.port) for one in specs] == [
        ("ios-001", "127.0.10.1", 2222),
        ("eos-002", "127.0.10.2", 2222),
        ("ios-003", "127.0.10.3", 2222),
    ]
    with pytest.raises(SpecError, match="own addresses"):
        fleet(2, port=2222)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latencies": 1}, "unknown fault 'latencies'"),
        ({"latency": "slow"}, "takes seconds"),
        ({"latency": -1}, "takes seconds"),
        ({"auth_failures": 1.5}, "whole number"),
        ({"frozen": 1}, "true or false"),
        ({"on_connect": "explode"}, "takes one of"),
        ({"commands": [{"match": "x"}]}, "needs 'match' and an 'action'"),
        ({"commands": [{"match": "(", "action": "rst"}]}, "no regular expression"),
        ({"commands": [{"match": "x", "action": "rst", "after": 1}]}, "unknown key 'after'"),
        ({"refuse_config": "x"}, "takes a list"),
    ],
)
def test_wrong_fault_switches_say_what_is_wrong(changes: dict[str, Any], message: str) -> None:
    faults = Faults()
    with pytest.raises(FaultError, match=message):
        faults.update({"jitter": 1.0, **changes})
    assert faults == Faults(), "nothing is set when one switch is wrong"
