"""How platforms are entered, left and saved: what is typed, and where the session stands afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from netpulse_drivers import Call, ChangeRequest, CommandRefused, Deadline, PrivilegeRefused
from netpulse_drivers.netmiko.config.change import apply_change
from netpulse_drivers.netmiko.login_state import return_to_login
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs
from tests.unit.drivers.scripted_cli import Script, session_with


@dataclass(frozen=True)
class Way:
    """A change with a save, on one platform.

    Attributes:
        home: the prompt after the login.
        steps: (typed, text, next prompt or question) in order, from ``home`` and back.
        lines: of the change.
    """

    home: str
    lines: list[str]
    steps: list[tuple[str, str, str]] = field(default_factory=list)


WAYS = {
    "a10": Way(
        "ACOS-Active#",
        ["slb server s1 10.0.0.1"],
        [
            ("configure terminal", "", "ACOS-Active(config)#"),
            ("slb server s1 10.0.0.1", "", "ACOS-Active(config-real server)#"),
            ("end", "", "ACOS-Standby#"),  # the cluster moved meanwhile
            ("write memory", "Building configuration...\n[OK]\n", "ACOS-Standby#"),
        ],
    ),
    "alcatel_aos": Way(
        "->", ["vlan 10"], [("vlan 10", "", "->"), ("write memory flash-synchro", "File saved\n", "->")]
    ),
    "aruba_os": Way(
        "(mc1) [mynode] #",
        ["vlan 10"],
        [
            ("configure terminal", "", "(mc1) [mynode] (config) #"),
            ("vlan 10", "", "(mc1) ^[mynode] (config) #"),
            ("end", "", "(mc1) ^[mynode] #"),
            ("write memory", "Saving Configuration...\n", "(mc1) [mynode] #"),
        ],
    ),
    "ciena_saos": Way(
        "5160-01>",
        ["vlan create vlan 10"],
        [("vlan create vlan 10", "", "5160-01*>"), ("configuration save", "", "5160-01>")],
    ),
    "cisco_s300": Way(
        "sw1#",
        ["vlan database"],
        [
            ("configure terminal", "", "sw1(config)#"),
            ("vlan database", "", "sw1(config-vlan)#"),
            ("end", "", "sw1#"),
            ("write memory", "", "Overwrite file [startup-config].... (Y/N)[N] ?"),
            ("Y", "01-Jan-2026 00:00:01 %COPY-I-FILECPY: Files Copy\n", "sw1#"),
        ],
    ),
    "cisco_wlc": Way(
        "(Cisco Controller) >",
        ["config wlan enable 1"],
        [
            ("config wlan enable 1", "", "(Cisco Controller) >"),
            ("save config", "\n", "Are you sure you want to save? (y/n) "),
            ("y", "\nConfiguration Saved!\n", "(Cisco Controller) >"),
        ],
    ),
    "dell_os6": Way(
        "console#",
        ["interface Gi1/0/1"],
        [
            ("configure", "", "console(config)#"),
            ("interface Gi1/0/1", "", "console(config-if-Gi1/0/1)#"),
            ("end", "", "console#"),
            (
                "copy running-config startup-config",
                "\nManagement interfaces will not be available during this time.\n",
                "Are you sure you want to save? (y/n) ",
            ),
            ("y", "\nConfiguration Saved!\n", "console#"),
        ],
    ),
    "dlink_ds": Way(
        "DGS-3120-24TC:admin#",
        ["create vlan v10 tag 10"],
        [
            ("create vlan v10 tag 10", "Success.\n", "DGS-3120-24TC:admin#"),
            ("save", "Saving all configurations to NV-RAM.......... Done.\n", "DGS-3120-24TC:admin#"),
        ],
    ),
    "extreme_ers": Way(
        "ERS-4850GTS#",
        ["vlan create 10 type port"],
        [
            ("configure terminal", "", "ERS-4850GTS(config)#"),
            ("vlan create 10 type port", "", "ERS-4850GTS(config)#"),
            ("end", "", "ERS-4850GTS#"),
            ("save config", "", "ERS-4850GTS#"),
        ],
    ),
    "extreme_exos": Way(
        "X440.1 #",
        ["create vlan v10"],
        [
            ("create vlan v10", "", "* X440.2 #"),
            ("save configuration primary", "", "Do you want to save configuration to primary.cfg? (y/N) "),
            ("y", "Saving configuration on master .... done!\n", "X440.3 #"),
        ],
    ),
    "extreme_slx": Way(
        "SLX#",
        ["vlan 10"],
        [
            ("configure terminal", "Entering configuration mode terminal\n", "SLX(config)#"),
            ("vlan 10", "", "SLX(config-vlan-10)#"),
            ("end", "", "SLX#"),
            (
                "copy running-config startup-config",
                "This operation will modify your startup configuration. ",
                "Do you want to continue? [y/n]:",
            ),
            ("y", "", "SLX#"),
        ],
    ),
    "extreme_vsp": Way(
        "VSP-8284XSQ:1#",
        ["vlan create 10 type port-mstprstp 0"],
        [
            ("configure terminal", "", "VSP-8284XSQ:1(config)#"),
            ("vlan create 10 type port-mstprstp 0", "", "VSP-8284XSQ:1(config)#"),
            ("end", "", "VSP-8284XSQ:1#"),
            ("save config", "CP-1: Save config to file /intflash/config.cfg successful.\n", "VSP-8284XSQ:1#"),
        ],
    ),
    "extreme_wing": Way(
        "rfs4000-1#",
        ["hostname w2"],
        [
            ("configure terminal", "", "rfs4000-1(config)#"),
            ("hostname w2", "", "rfs4000-1(config)#"),
            ("commit", "", "rfs4000-1(config)#"),
            ("end", "", "rfs4000-1#"),
            ("write memory", "[OK]\n", "rfs4000-1#"),
        ],
    ),
    "fiberstore_fsosv2": Way(
        "Switch#",
        ["interface g0/1"],
        [
            ("config", "", "Switch_config#"),
            ("interface g0/1", "", "Switch_config_g0/1#"),
            ("exit", "", "Switch_config#"),
            ("exit", "", "Switch#"),
            ("write", "Saving current configuration...\nOK!\n", "Switch#"),
        ],
    ),
    "hillstone_stoneos": Way(
        "SG-6000#",
        ["zone z1"],
        [
            ("configure", "", "SG-6000(config)#"),
            ("zone z1", "", "SG-6000(config-zone-z1)#"),
            ("end", "", "SG-6000#"),
            ("save all", "", "Save configuration for all VSYS, are you sure? [y]/n: "),
            ("y", "Saving configuration is finished\n", "SG-6000#"),
        ],
    ),
    "hp_procurve": Way(
        "SW1#",
        ["vlan 10"],
        [
            ("configure terminal", "", "SW1(config)#"),
            ("vlan 10", "", "SW1(vlan-10)#"),
            ("end", "", "SW1#"),
            ("write memory", "", "SW1#"),
        ],
    ),
    "huawei_smartax": Way(
        "MA5800#",
        ["interface gpon 0/1"],
        [
            ("config", "", "MA5800(config)#"),
            ("interface gpon 0/1", "", "MA5800(config-if-gpon-0/1)#"),
            ("return", "", "MA5800#"),
            ("save", "  It will take several minutes to save configuration file, please wait...\n", "MA5800#"),
        ],
    ),
    "juniper_screenos": Way(
        "ssg5(M)->",
        ["set zone name z1"],
        [("set zone name z1", "", "ssg5(B)->"), ("save config", "Save System Configuration ...\nDone\n", "ssg5(B)->")],
    ),
    "mellanox_mlnxos": Way(
        "sw1 [standalone: master] #",
        ["interface ethernet 1/1"],
        [
            ("configure terminal", "", "sw1 [standalone: master] (config) #"),
            ("interface ethernet 1/1", "", "sw1 [standalone: master] (config interface ethernet 1/1) #"),
            ("exit", "", "sw1 [standalone: master] (config) #"),
            ("exit", "", "sw1 [standalone: master] #"),
            ("configure terminal", "", "sw1 [standalone: master] (config) #"),
            ("configuration write", "", "sw1 [standalone: master] (config) #"),
            ("exit", "", "sw1 [standalone: master] #"),
        ],
    ),
    "netgear_prosafe": Way(
        "(M4250) #",
        ["interface 0/1"],
        [
            ("configure", "", "(M4250) (Config)#"),
            ("interface 0/1", "", "(M4250) (Interface 0/1)#"),
            ("exit", "", "(M4250) (Config)#"),
            ("exit", "", "(M4250) #"),
            ("write memory confirm", "\nConfiguration Saved!\n", "(M4250) #"),
        ],
    ),
    "netscaler": Way(
        ">", ["add ns ip 10.0.0.2"], [("add ns ip 10.0.0.2", " Done\n", ">"), ("save ns config", " Done\n", ">")]
    ),
    "quanta_mesh": Way(
        "(QCT) #",
        ["vlan 10"],
        [
            ("configure", "", "(QCT) (Config)#"),
            ("vlan 10", "", "(QCT) (Config)#"),
            ("end", "", "(QCT) #"),
            ("copy running-config startup-config", "", "(QCT) #"),
        ],
    ),
    "tplink_jetstream": Way(
        "TL-SG3216#",
        ["vlan 10"],
        [
            ("configure", "", "TL-SG3216(config)#"),
            ("vlan 10", "", "TL-SG3216(config-vlan)#"),
            ("exit", "", "TL-SG3216(config)#"),
            ("exit", "", "TL-SG3216#"),
            ("copy running-config startup-config", "Saving user config OK!\n", "TL-SG3216#"),
        ],
    ),
    "ubiquiti_edgeswitch": Way(
        "(UBNT EdgeSwitch) #",
        ["vlan database", "vlan 10"],
        [
            ("configure", "", "(UBNT EdgeSwitch) (Config)#"),
            ("vlan database", "", "(UBNT EdgeSwitch) (Vlan)#"),
            ("vlan 10", "", "(UBNT EdgeSwitch) (Vlan)#"),
            ("exit", "", "(UBNT EdgeSwitch) (Config)#"),
            ("exit", "", "(UBNT EdgeSwitch) #"),
            ("write memory", "\nThis operation may take a few minutes.\n", "Are you sure you want to save? (y/n) "),
            ("y", "\nConfig file 'startup-config' created successfully.\n", "(UBNT EdgeSwitch) #"),
        ],
    ),
}  # fmt: skip


def script(way: Way) -> Script:
    """Of a step that is taken again from the same prompt the last one counts: it is the way back."""
    made, prompt = {}, way.home
    for typed, text, following in way.steps:
        made[prompt, typed] = (text, following)
        prompt = following
    return made


@pytest.mark.parametrize("device_type", WAYS)
def test_a_change_and_a_save(device_type: str) -> None:
    way = WAYS[device_type]
    session, cli = session_with(device_type, way.home, script(way))
    call = Call(deadline=Deadline.after(10))
    with session.operation(call):
        result = apply_change(session, ChangeRequest(lines=way.lines, save=True), NetmikoChangeArgs(), secret=None)
    assert cli.typed == [typed for typed, _, _ in way.steps]
    assert (result.changed, result.saved, result.warnings) == (True, True, [])
    assert return_to_login(session, call)
    session.close()


def test_a_candidate_of_wing_is_reverted_after_a_refused_line() -> None:
    config = "rfs4000-1(config)#"
    steps: Script = {
        ("rfs4000-1#", "configure terminal"): ("", config),
        (config, "nonsense"): ("          ^\n% Invalid input detected at '^' marker.\n", config),
        (config, "end"): ("", "rfs4000-1#"),
    }
    session, cli = session_with("extreme_wing", "rfs4000-1#", steps)
    with pytest.raises(CommandRefused), session.operation(Call(deadline=Deadline.after(10))):
        apply_change(session, ChangeRequest(lines=["nonsense"]), NetmikoChangeArgs(), secret=None)
    assert cli.typed == ["configure terminal", "nonsense", "revert", "end"]
    session.close()


def test_a_comment_on_a_commit_of_vrp8() -> None:
    steps: Script = {
        ("<HW>", "system-view"): ("", "[~HW]"),
        ("[~HW]", "vlan 10"): ("", "[*HW-vlan10]"),
        ("[*HW-vlan10]", "commit description for the new lab"): ("", "[~HW-vlan10]"),
        ("[~HW-vlan10]", "return"): ("", "<HW>"),
    }
    session, cli = session_with("huawei_vrpv8", "<HW>", steps)
    with session.operation(Call(deadline=Deadline.after(10))):
        change = ChangeRequest(lines=["vlan 10"], message="for the new lab")
        result = apply_change(session, change, NetmikoChangeArgs(), secret=None)
    assert cli.typed == ["system-view", "vlan 10", "commit description for the new lab", "return"]
    assert result.changed is True
    session.close()


LIKE_CISCO = {
    "adtran_os": ("config term", "disable"),
    "calix_b6": ("configure terminal", "disable"),
    "ekinops_ek360": ("configure terminal", "disable"),
    "genexis_solt33_telnet": ("configure terminal", "exit"),
    "hirschmann_hios": ("configure terminal", "disable"),
    "keymile_nos": ("configure terminal", "disable"),
    "lancom_lcossx4": ("configure terminal", "disable"),
    "moxa_nos": ("configure terminal", "disable"),
    "oneaccess_oneos": ("configure terminal", "disable"),
    "optilink_eolt11444_telnet": ("configure", "disable"),
    "optilink_golt924_telnet": ("configure terminal", "exit"),
}


@pytest.mark.parametrize("device_type", LIKE_CISCO)
def test_modes_are_known_and_refusals_are_not(device_type: str) -> None:
    enter, give_back = LIKE_CISCO[device_type]
    steps: Script = {
        ("sw1>", "enable"): ("", "Password:"),
        ("Password:", "secret"): ("", "sw1#"),
        ("sw1#", enter): ("", "sw1(config)#"),
        ("sw1(config)#", "end"): ("", "sw1#"),
        ("sw1#", give_back): ("", "sw1>"),
    }
    session, cli = session_with(device_type, "sw1>", steps)
    call = Call(deadline=Deadline.after(10))
    with session.operation(call):
        result = apply_change(session, ChangeRequest(lines=["vlan 10"]), NetmikoChangeArgs(), secret="secret")
    assert cli.typed == ["enable", "secret", enter, "vlan 10", "end", give_back]
    assert result.changed is None
    assert "does not know the texts" in result.warnings[0]
    assert return_to_login(session, call)
    session.close()


def test_what_keeps_itself_is_not_saved() -> None:
    prompt = "[admin@MikroTik] >"
    session, cli = session_with("mikrotik_routeros", prompt, {})
    with session.operation(Call(deadline=Deadline.after(10))):
        change = ChangeRequest(lines=["/ip address add address=10.0.0.1/24"], save=True)
        result = apply_change(session, change, NetmikoChangeArgs(), secret=None)
    assert cli.typed == ["/ip address add address=10.0.0.1/24"]
    assert (result.changed, result.saved) == (True, True)
    session.close()


USER, PASSWORD = "User Name:", "Password:"


def test_enable_that_asks_for_the_user_as_well() -> None:
    steps: Script = {
        ("ICX>", "enable"): ("", USER),
        (USER, "u"): ("", PASSWORD),
        (PASSWORD, "secret"): ("", "ICX#"),
        ("ICX#", "configure terminal"): ("", "ICX(config)#"),
        ("ICX(config)#", "end"): ("", "ICX#"),
        ("ICX#", "disable"): ("", "ICX>"),
    }
    session, cli = session_with("ruckus_fastiron", "ICX>", steps)
    with session.operation(Call(deadline=Deadline.after(10))):
        apply_change(session, ChangeRequest(lines=["vlan 10"]), NetmikoChangeArgs(), secret="secret")
    assert cli.typed == ["enable", "u", "secret", "configure terminal", "vlan 10", "end", "disable"]
    session.close()


def test_a_user_that_enable_refuses_is_not_followed_by_the_secret() -> None:
    session, cli = session_with("ruckus_fastiron", "ICX>", {("ICX>", "enable"): ("", USER), (USER, "u"): ("", USER)})
    with pytest.raises(PrivilegeRefused, match="user name"), session.operation(Call(deadline=Deadline.after(10))):
        apply_change(session, ChangeRequest(lines=["vlan 10"]), NetmikoChangeArgs(), secret="secret")
    assert cli.typed == ["enable", "u"]
    session.close()
