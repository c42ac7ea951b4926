"""Whom Arista EOS sees: LLDP, the ARP table, the MAC address table."""

from __future__ import annotations

from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command
from netpulse_lab.surroundings import LldpNeighbor, Resolved, dotted_mac

from .eos_config import short_name
from .eos_show import interfaces


def _heard(shell: Interpreter, found: Match[Command]) -> list[LldpNeighbor]:
    around = shell.device.spec.surroundings
    return [one for one in around.lldp if not found.arguments or one.interface in found.arguments]


def show_lldp(shell: Interpreter, found: Match[Command]) -> str:
    heard = _heard(shell, found)
    rows = [
        "Last table change time   : never",
        f"Number of table inserts  : {len(heard)}",
        "Number of table deletes  : 0",
        "Number of table drops    : 0",
        "Number of table age-outs : 0",
        "",
        "Port          Neighbor Device ID       Neighbor Port ID    TTL",
        "---------- ------------------------ ---------------------- ---",
    ]
    rows += [f"{short_name(one.interface):<10} {one.name:<24} {one.port:<22} 120" for one in heard]
    return "\n".join(rows) + "\n"


def lldp_data(shell: Interpreter, found: Match[Command]) -> object:
    heard = _heard(shell, found)
    neighbors = [
        {"port": one.interface, "neighborDevice": one.name, "neighborPort": one.port, "ttl": 120} for one in heard
    ]
    return {
        "tablesLastChangeTime": 0.0,
        "tablesInserts": len(heard),
        "tablesDeletes": 0,
        "lldpNeighbors": neighbors,
    }


def show_lldp_detail(shell: Interpreter, found: Match[Command]) -> str:
    return "\n".join(_detail(one) for one in _heard(shell, found))


def _detail(one: LldpNeighbor) -> str:
    return (
        f"Interface {one.interface} detected 1 LLDP neighbors:\n\n"
        f"  Neighbor {dotted_mac(one.chassis)}/{one.port}, age 20 seconds\n"
        "  Discovered 1:00:00 ago; Last changed 1:00:00 ago\n"
        f"  - Chassis ID type: MAC address (4)\n    Chassis ID     : {dotted_mac(one.chassis)}\n"
        f'  - Port ID type: Interface name(5)\n    Port ID     : "{one.port}"\n  - Time To Live: 120 seconds\n'
        f'  - Port Description: "{one.port_description}"\n  - System Name: "{one.name}"\n'
        f'  - System Description: "{one.description}"\n'
        f"  - System Capabilities : {', '.join(one.capabilities).title()}\n"
        f"    Enabled Capabilities: {', '.join(one.enabled).title()}\n"
    )


def lldp_detail_data(shell: Interpreter, found: Match[Command]) -> object:
    result: dict[str, dict[str, list[object]]] = {}
    for one in _heard(shell, found):
        result.setdefault(one.interface, {"lldpNeighborInfo": []})["lldpNeighborInfo"].append(
            {
                "chassisIdType": "macAddress",
                "chassisId": dotted_mac(one.chassis),
                "systemName": one.name,
                "systemDescription": one.description,
                "systemCapabilities": {name: name in one.enabled for name in one.capabilities},
                "neighborInterfaceInfo": {
                    "interfaceIdType": "interfaceName",
                    "interfaceId": f'"{one.port}"',
                    "interfaceDescription": one.port_description,
                },
                "ttl": 120,
            }
        )
    return {"lldpNeighbors": result}


# -- ARP -------------------------------------------------------------------------------------------------------------


def _arp(shell: Interpreter) -> dict[str, list[Resolved]]:
    """Entries by VRF."""
    vrf_of = {one.words[1]: one.argument("vrf") or "default" for one in interfaces(shell.device)}
    tables: dict[str, list[Resolved]] = {"default": []}
    for one in shell.device.spec.surroundings.resolved:
        if one.version == 4:
            tables.setdefault(vrf_of.get(one.interface, "default"), []).append(one)
    return tables


def show_arp(shell: Interpreter, found: Match[Command]) -> str:
    blocks = []
    for vrf, entries in _arp(shell).items():
        if vrf != "default" and "all" not in found.words:
            continue
        rows = [f"VRF: {vrf}", "Address         Age (sec)  Hardware Addr   Interface"]
        rows += [f"{one.address:<15} {_age(one):>9}  {dotted_mac(one.mac)}  {one.interface}" for one in entries]
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks) + "\n"


def _age(one: Resolved) -> str:
    seconds = one.minutes * 60
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def arp_data(shell: Interpreter, found: Match[Command]) -> object:
    tables = {
        vrf: {
            "ipV4Neighbors": [
                {
                    "address": one.address,
                    "hwAddress": dotted_mac(one.mac),
                    "interface": one.interface,
                    "age": one.minutes * 60,
                }
                for one in entries
            ],
            "dynamicEntries": len(entries),
            "staticEntries": 0,
            "notLearnedEntries": 0,
            "totalEntries": len(entries),
        }
        for vrf, entries in _arp(shell).items()
        if vrf == "default" or "all" in found.words
    }
    return {"vrfs": tables} if "all" in found.words else tables["default"]


# -- MAC addresses ---------------------------------------------------------------------------------------------------


def show_mac_table(shell: Interpreter, found: Match[Command]) -> str:
    macs = shell.device.spec.surroundings.macs
    rows = [
        "          Mac Address Table",
        "------------------------------------------------------------------",
        "",
        "Vlan    Mac Address       Type        Ports      Moves   Last Move",
        "----    -----------       ----        -----      -----   ---------",
    ]
    rows += [
        f"{one.vlan:>4}    {dotted_mac(one.mac)}    {'STATIC' if one.static else 'DYNAMIC':<11} "
        f"{short_name(one.interface):<10} {one.moves:<7} 1:00:00 ago"
        for one in macs
    ]
    return "\n".join([*rows, f"Total Mac Addresses for this criterion: {len(macs)}"]) + "\n"


def mac_data(shell: Interpreter, found: Match[Command]) -> object:
    entries = [
        {
            "vlanId": one.vlan,
            "macAddress": one.mac,
            "entryType": "static" if one.static else "dynamic",
            "interface": one.interface,
            "moves": one.moves,
            "lastMove": one.last_move,
        }
        for one in shell.device.spec.surroundings.macs
    ]
    return {
        "unicastTable": {"tableEntries": entries},
        "multicastTable": {"tableEntries": []},
        "disabledMacLearningVlans": [],
    }


NEIGHBOR_COMMANDS = (
    Command(syntax="show lldp neighbors [<interface>]", run=show_lldp, json=lldp_data),
    Command(syntax="show lldp neighbors [<interface>] detail", run=show_lldp_detail, json=lldp_detail_data),
    Command(syntax="show arp [vrf all]", run=show_arp, json=arp_data),
    Command(syntax="show ip arp [vrf all]", run=show_arp, json=arp_data),
    Command(syntax="show mac address-table", run=show_mac_table, json=mac_data),
)
