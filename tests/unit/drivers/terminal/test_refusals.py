"""What each platform says to a command or a line that it refuses, and what it says that is no refusal."""

from __future__ import annotations

import pytest

from netpulse_drivers.platforms import platform_of
from netpulse_drivers.terminal.refusals import refused_line, refused_query

REFUSED_COMMANDS = {
    "alcatel_aos": ['      ^\nERROR: Invalid entry: "set"'],
    "alcatel_sros": ["Error: Bad command."],
    "aruba_aoscx": ["Invalid input: shwo", "% Command incomplete.", "% Unknown command."],
    "aruba_osswitch": ["Invalid input: shwo", "Incomplete input: vlan", "Ambiguous input: s"],
    "avaya_ers": ["                     ^\n% Invalid input detected at '^' marker."],
    "brocade_fastiron": ["Invalid input -> shwo\nType ? for a list", "Ambiguous input -> s"],
    "checkpoint_gaia": [
        "CLINFR0329  Invalid command:'show nonsense'.",
        "CLINFR0349  Incomplete command.",
        "-bash: show: command not found",
        "        ^\nBad parameter starting at 'diskspace'",
    ],
    "ciena_saos": ["SHELL PARSER FAILURE: 'shwo' - invalid input", "ERROR: unknown command"],
    "cisco_viptela": ["------^\nsyntax error: unknown command", "Error: no such vpn"],
    "cisco_wlc": ["\nIncorrect usage.  Use the '?' or <TAB> key to list commands.\n", "Incorrect input! Use 'show'"],
    "dell_os10": ["% Error: Unrecognized command.", "% Error: Illegal parameter."],
    "dell_os6": ["          ^\n% Invalid input detected at '^' marker.", "Command not found / Incomplete command."],
    "dell_os9": ['        ^\n% Error: Invalid input at "^" marker.'],
    "dlink_ds": ["Next possible completions:\n802.1p  access_profile", "Available commands:\n..  ?"],
    "extreme_exos": [
        "               ^\n%% Invalid input detected at '^' marker.",
        "%% Incomplete command",
        "Error: VLAN v10 does not exist",
    ],
    "extreme_slx": ["----^\nsyntax error: unknown argument.", "%% Error: no such interface"],
    "extreme_vsp": ["           ^\n% Invalid input detected at '^' marker."],
    "f5_tmsh": [
        'Syntax Error: unexpected argument "garbage"',
        "01020036:3: The requested Pool (/Common/p) was not found.",
    ],
    "fortinet": [
        "command parse error before 'nonsense'\nCommand fail. Return code -61",
        "\nUnknown action 0\n",
        "Command fail. Return code -37",
    ],
    "h3c_comware": [" % Unrecognized command found at '^' position.", "% Wrong parameter found at '^' position."],
    "hillstone_stoneos": ["          ^-----unrecognized keyword nonsense"],
    "hp_comware": ["               ^\n % Incomplete command found at '^' position.", "Permission denied."],
    "hp_procurve": ["Invalid input: shwo", "Module not present for port or invalid port: 99"],
    "huawei_smartax": ["            ^\n  % Unknown command, the error locates at '^'"],
    "huawei_vrpv8": ["          ^\nError: Unrecognized command found at '^' position."],
    "juniper_screenos": ["           ^-----------unknown keyword nonsense"],
    "mikrotik_routeros": [
        "bad command name shwo (line 1 column 1)",
        "expected end of command (line 1 column 7)",
        "syntax error (line 1 column 5)",
        "no such item",
    ],
    "netgear_prosafe": ["              ^\n% Invalid input detected at '^' marker.", "Unrecognized command : shwo"],
    "netscaler": ["ERROR: No such command"],
    "nokia_srl": ["Parsing error: Unknown token 'shwo'. Options are ['show']", "Error: Path '/nonsense' is unknown"],
    "nokia_sros": [
        "MINOR: CLI #2069: Invalid command - 'shwo'",
        "           ^^^^\nMINOR: MGMT_CORE #2201: Unknown element",
    ],
    "paloalto_panos": ["Unknown command: shwo", "Invalid syntax."],
    "tplink_jetstream": ["         ^\nError: Bad command", "Error: Invalid parameter."],
    "ubiquiti_edgerouter": ["\n  Invalid command: [nonsense]\n"],
    "ubiquiti_edgeswitch": ["              ^\n% Invalid input detected at '^' marker."],
}

REFUSED_LINES = {
    "aruba_aoscx": ["Overlapping networks observed for '10.0.0.1/24'.", "Cannot set native VLAN", "Failed to set VLAN"],
    "aruba_osswitch": ["Value 5000 is invalid", "Inconsistent value", "The VLAN does not exist"],
    "brocade_fastiron": ["Error - port 1/1/1 is a member of a LAG", "error - VLAN 10 is in use", "Cannot add port"],
    "checkpoint_gaia": [
        "CLINFR0771  Config lock is owned by admin2. Use the command 'lock database override' to acquire the lock.",
        "RTGRTG0019  OSPF: Area value must be between 0 and 255",
        "NMSETH0022  Interface eth9 does not exist.",
        "CLINFR0519  Configuration lock present. Can not execute this command.",
    ],
    "ciena_saos": ["ERROR: VLAN 10 already exists"],
    "cisco_asa": ["ERROR: % Incomplete command", "ERROR: object (x) does not exist."],
    "cisco_ios": [
        "% Error in saving certificate: status = FAIL",
        "% Importing failed: not allowed",
        "% Please define a name",
        "% Pool is being used by interface Vlan1",
        "% Address already has been removed",
        "% Line was ignored",
        "% Maximum number of entries has been reached",
    ],
    "cisco_s300": ["% bad parameter value", "% missing mandatory parameter"],
    "cisco_viptela": ["Aborted: 'vpn 0 interface': bad value", "syntax error: unknown element"],
    "cisco_wlc": ["HELP:\nSpecial keys:", "WLAN Identifier is invalid: Cannot be 0", "Request failed - already in use"],
    "dlink_ds": ["Fail!", "Failure", "The VLAN does not exist"],
    "extreme_exos": ["%% Permission denied", "Cannot delete the default VLAN"],
    "f5_ltm": [
        "01070734:3: Configuration error: Pool does not exist.",
        "0107028f:3: The monitor is in use.",
        "Data Input Error: invalid value",
        '"monitor" unknown property\nSyntax Error: unknown property',
    ],
    "fortinet": [
        "node_check_object fail! for name LAN\n\nvalue parse error before 'LAN'\nCommand fail. Return code -651",
        "entry not found in datasource",
        "object check operator error, -9, discard the setting\nCommand fail. Return code -9",
        "Attribute 'psksecret' MUST be set.\nCommand fail. Return code -56",
        "token line: Unmatched double quote.",
    ],
    "hp_comware": [
        "The operation failed.",
        "VLAN 10 does not exist.",
        "Can't configure this command on an aggregate interface.",
        " % Too many parameters found at '^' position.",
        "The specified interface does not exist.",
    ],
    "hp_procurve": ["Error: VLAN 10 is protected", "Unable to create VLAN"],
    "juniper_junos": [
        "invalid autonomous system value at '0' not in range 1 to 65535",
        "error: configuration check-out failed",
        "missing argument.",
    ],
    "mikrotik_routeros": [
        "failure: already have such address",
        "value of vlan-id out of range (1..4094)",
        "input does not match any value of interface",
        "missing value(s) of argument(s) address",
    ],
    "nokia_srl": ["Failed to parse value 'x'", "Error: Invalid value 'x'"],
    "nokia_sros": ["MINOR: MGMT_CORE #2203: Invalid element value - 'x' out of range", "CRITICAL: out of memory"],
    "paloalto_panos": [
        "Validation Error:\n rulebase -> security -> rules -> r1 -> to 'x' is not a valid reference",
        "Server error : set failed, may need to override template object hostname first",
        "rulebase -> security -> rules -> r1 is invalid",
    ],
    "ubiquiti_edgerouter": [
        "The specified configuration node is not valid\nSet failed",
        "Value validation failed\nSet failed",
    ],
}

INFORMATION = {
    "cisco_asa": ['INFO: Security level for "dmz" set to 0 by default.', "WARNING: this will disable X"],
    "cisco_ios": [
        "% Interface GigabitEthernet0/1 IP address 10.1.1.1 removed due to enabling VRF RED",
        "% Interface GigabitEthernet0/1 IPv6 disabled and address(es) removed due to disabling VRF RED",
        "% IPv4 and IPv6 addresses from all interfaces in VRF RED have been removed",
        "Trustpoint CA certificate accepted.\n% Certificate successfully imported",
        "% Importing pkcs12...",
        "% Start certificate enrollment ..\n% The subject name in the certificate will include: cn=r1",
        "% Do you accept this certificate? [yes/no]: yes",
        "% Please wait",
        "% Removing the old configuration",
        "% Router certificate successfully imported",
        "% The static routes in vrf RED will be removed",
        "% BGP session is being reset by the new address family",
        "% DHCP pool bindings have been cleared",
        "%% Warning: the port is a member of a channel",
    ],
    "fortinet": ['config firewall address\n    edit "Command"\n    next\nend'],
    "checkpoint_gaia": ["gw2> "],
    "hp_comware": [
        "Please wait... Done.",
        "%Nov 30 12:00:00:123 2026 H3C IFNET/3/PHY_UPDOWN: Physical state on the interface changed to up.",
        "Info: The configuration takes effect after a reboot.",
    ],
    "huawei": ["Info: Succeeded in modifying the configuration", "Warning: The new name takes effect at once"],
    "nokia_sros": ["INFO: CLI #2056: Entering private configuration mode", "WARNING: CLI #2001: reboot required"],
    "nokia_srl": ["All changes have been committed. Starting new transaction."],
    "mikrotik_routeros": ["", "[admin@MikroTik] >"],
    "extreme_exos": ["Warning: VLAN has no ports", "Configuration is being saved"],
    "ubiquiti_edgerouter": ["Nothing to delete (the specified node does not exist)"],
    "aruba_osswitch": ["Operator password set"],
}

ANSWERED = {
    # who holds the configuration lock is told, and the query is answered
    "checkpoint_gaia": [
        "CLINFR0771  Config lock is owned by admin2. Use the command 'lock database override'\nGaia R81"
    ],
    "cisco_wlc": ["Error counters. 0", "Cannot be shown: 3 clients"],
    "f5_tmsh": ["ltm pool p { members none }"],
    "fortinet": ['set comment "the entry is used by bob"', "Must set the clock: yes"],
    "hp_procurve": ["Errors  : 0", "Failure reason : none"],
    "mikrotik_routeros": ["failure: 0"],
}


def _cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(device_type, text) for device_type, texts in table.items() for text in texts]


@pytest.mark.parametrize(("device_type", "text"), _cases(REFUSED_COMMANDS))
def test_refused_commands(device_type: str, text: str) -> None:
    refusals = platform_of(device_type).refusals
    assert refused_query(text, refusals)
    assert refused_line(text, refusals)


@pytest.mark.parametrize(("device_type", "text"), _cases(REFUSED_LINES))
def test_refused_lines(device_type: str, text: str) -> None:
    assert refused_line(text, platform_of(device_type).refusals)


@pytest.mark.parametrize(("device_type", "text"), _cases(INFORMATION))
def test_information_is_no_refusal(device_type: str, text: str) -> None:
    refusals = platform_of(device_type).refusals
    assert not refused_line(text, refusals)
    assert not refused_query(text, refusals)


@pytest.mark.parametrize(("device_type", "text"), _cases(ANSWERED))
def test_answers_that_only_quote_such_words(device_type: str, text: str) -> None:
    assert not refused_query(text, platform_of(device_type).refusals)


def test_types_without_texts_of_their_own_are_known_as_such() -> None:
    assert not platform_of("nokia_isam").refusals.known
    assert not platform_of("generic").refusals.known
    assert platform_of("fortinet").refusals.known
    assert platform_of("cisco_ios_telnet").refusals.known
