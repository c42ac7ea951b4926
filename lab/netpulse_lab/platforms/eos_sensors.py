"""What Arista EOS measures (fans, thermometers, power supplies, light, load, its clock) and whom it knows."""

from __future__ import annotations

from netpulse_lab.device import Device
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command

from .eos_config import short_name
from .eos_show import serial

MEMORY_TOTAL, MEMORY_USED = 2_048_000, 793_600
"""KiB, in an image without other surroundings."""


def show_cooling(shell: Interpreter, found: Match[Command]) -> str:
    fans = shell.device.spec.surroundings.fans
    rows = ["System cooling status is: Ok", "Fan    Status  Speed", "------ ------- -----"]
    rows += [f"{one.name:<6} {'Ok' if one.ok else 'Failed':<7} 30%" for one in fans]
    return "\n".join(rows) + "\n"


def cooling_data(shell: Interpreter, found: Match[Command]) -> object:
    fans = shell.device.spec.surroundings.fans
    slots: list[dict[str, object]] = [
        {"label": one.name, "status": "ok" if one.ok else "failed", "speed": 30, "fans": []} for one in fans
    ]
    status = "coolingOk" if all(one.ok for one in fans) else "coolingInsufficientFanTrays"
    return {"systemStatus": status, "fanTraySlots": slots, "powerSupplySlots": []}


def show_temperature(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["System temperature status is: Ok", "                          Temp  Alert  Critical"]
    rows += [
        f"{one.name:<24} {one.celsius:>4.1f}C {one.alert:>5.0f}C {one.critical:>8.0f}C"
        for one in shell.device.spec.surroundings.sensors
    ]
    return "\n".join(rows) + "\n"


def temperature_data(shell: Interpreter, found: Match[Command]) -> object:
    sensors = [
        {
            "name": one.name,
            "description": one.name,
            "currentTemperature": one.celsius,
            "overheatThreshold": one.alert,
            "criticalThreshold": one.critical,
            "hwStatus": "ok",
        }
        for one in shell.device.spec.surroundings.sensors
    ]
    return {"systemStatus": "temperatureOk", "tempSensors": sensors, "cardSlots": [], "powerSupplySlots": []}


def show_power(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["Power    Capacity  Output  Status", "Supply"]
    rows += [
        f"{one.name:<8} {one.capacity:>7.0f}W {one.output:>6.1f}W {'Ok' if one.ok else 'Power Loss'}"
        for one in shell.device.spec.surroundings.supplies
    ]
    return "\n".join(rows) + "\n"


def power_data(shell: Interpreter, found: Match[Command]) -> object:
    return {
        "powerSupplies": {
            one.name: {
                "modelName": "PWR-500AC-R",
                "state": "ok" if one.ok else "powerLoss",
                "capacity": one.capacity,
                "outputPower": one.output,
            }
            for one in shell.device.spec.surroundings.supplies
        }
    }


def show_top(shell: Interpreter, found: Match[Command]) -> str:
    around = shell.device.spec.surroundings
    total = (around.memory_total or MEMORY_TOTAL) / 1024
    used = (around.memory_used or MEMORY_USED) / 1024
    return (
        "top - 12:00:00 up  1:00,  1 user,  load average: 0.10, 0.08, 0.05\n"
        "Tasks: 210 total,   1 running, 209 sleeping,   0 stopped,   0 zombie\n"
        f"%Cpu(s): {around.cpu_percent:>4.1f} us,  0.0 sy,  0.0 ni, {100 - around.cpu_percent:>4.1f} id,  0.0 wa,  "
        "0.0 hi,  0.0 si,  0.0 st\n"
        f"MiB Mem : {total:>8.1f} total, {total - used:>8.1f} free, {used:>8.1f} used,      0.0 buff/cache\n"
        "MiB Swap:      0.0 total,      0.0 free,      0.0 used.   1000.0 avail Mem\n\n"
        "  PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n"
        "    1 root      20   0   10000   5000   3000 S   0.0   0.2   0:01.00 systemd\n"
    )


def show_transceivers(shell: Interpreter, found: Match[Command]) -> str:
    rows = [
        "                              Bias      Optical   Optical",
        "          Temp       Voltage  Current   Tx Power",
    ]
    rows[1] += "  Rx Power"
    rows.append("Port      (Celsius)  (Volts)  (mA)      (dBm)     (dBm)")
    rows += [
        f"{short_name(one.interface):<9} {one.temperature:>9.2f} {one.voltage:>8.2f} {one.bias:>8.2f} "
        f"{one.transmit:>9.2f} {one.receive:>9.2f}"
        for one in shell.device.spec.surroundings.optics
    ]
    return "\n".join(rows) + "\n"


def transceiver_data(shell: Interpreter, found: Match[Command]) -> object:
    return {
        "interfaces": {
            one.interface: {
                "temperature": one.temperature,
                "voltage": one.voltage,
                "txBias": one.bias,
                "txPower": one.transmit,
                "rxPower": one.receive,
                "mediaType": "10GBASE-SR",
            }
            for one in shell.device.spec.surroundings.optics
        }
    }


def show_ntp_associations(shell: Interpreter, found: Match[Command]) -> str:
    """A server that is configured and not in the surroundings has never answered."""
    heard = {one.address: one for one in shell.device.spec.surroundings.ntp}
    rows = ["     remote           refid      st t when poll reach   delay   offset  jitter", "=" * 78]
    for entry in shell.device.running.root.find_all("ntp", "server"):
        one = heard.get(entry.words[2])
        if one is None:
            rows.append(f" {entry.words[2]:<15} .INIT.          16 u    -   64    0    0.000    0.000   0.000")
            continue
        rows.append(
            f"{'*' if one.selected else '+'}{one.address:<15} {one.reference:<15} {one.stratum:>2} u {one.when:>4} "
            f"{one.poll:>4} {one.reach:>4} {one.delay:>8.3f} {one.offset:>8.3f} {one.jitter:>7.3f}"
        )
    return "\n".join(rows) + "\n" if len(rows) > 2 else "NTP is disabled.\n"


# -- accounts and SNMP -----------------------------------------------------------------------------------------------


def show_accounts(shell: Interpreter, found: Match[Command]) -> str:
    return "".join(
        f"user: {name}\n       role: network-admin\n       privilege level: {facts['privLevel']}\n"
        "       ssh public key: \n"
        for name, facts in _accounts(shell.device).items()
    )


def _accounts(device: Device) -> dict[str, dict[str, object]]:
    names = [entry.words[1] for entry in device.running.root.find_all("username")]
    return {
        name: {"username": name, "privLevel": device.privilege_of(name) or 1, "sshAuthorizedKey": ""} for name in names
    }


def accounts_data(shell: Interpreter, found: Match[Command]) -> object:
    return {"users": _accounts(shell.device)}


def _snmp(device: Device, what: str) -> str:
    stored = device.running.root.argument("snmp-server", "chassis-id" if what == "chassis" else what)
    return stored or (serial(device) if what == "chassis" else "")


def show_snmp(shell: Interpreter, found: Match[Command]) -> str:
    what = found.words[-1]
    return f"{what.capitalize()}: {_snmp(shell.device, what)}\n"


def snmp_data(shell: Interpreter, found: Match[Command]) -> object:
    what = found.words[-1]
    return {"chassisId" if what == "chassis" else what: _snmp(shell.device, what)}


SENSOR_COMMANDS = (
    Command(syntax="show system environment cooling", run=show_cooling, json=cooling_data),
    Command(syntax="show system environment temperature", run=show_temperature, json=temperature_data),
    Command(syntax="show system environment power", run=show_power, json=power_data),
    Command(syntax="show processes top once", run=show_top),
    Command(syntax="show interfaces transceiver", run=show_transceivers, json=transceiver_data),
    Command(syntax="show ntp associations", run=show_ntp_associations),
    Command(syntax="show users accounts", run=show_accounts, json=accounts_data, level=15),
    Command(syntax="show snmp v2-mib {chassis|location|contact}", run=show_snmp, json=snmp_data, level=15),
)
