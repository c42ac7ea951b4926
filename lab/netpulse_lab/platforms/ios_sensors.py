"""What Cisco IOS measures: load, memory, temperature, light, discarded packets, the quality of its clock."""

from __future__ import annotations

from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command

from .ios_show import interfaces, short_name, state

MEMORY_TOTAL, MEMORY_USED = 730_781_568, 179_875_200
"""Bytes of both pools together, in an image without other surroundings."""
_IO_TOTAL, _IO_USED = 67_108_864, 17_031_936


def show_memory(shell: Interpreter, found: Match[Command]) -> str:
    around = shell.device.spec.surroundings
    total = MEMORY_TOTAL if around.memory_total is None else around.memory_total * 1024
    used = MEMORY_USED if around.memory_used is None else around.memory_used * 1024
    rows = ["                Head    Total(b)     Used(b)     Free(b)   Lowest(b)  Largest(b)"]
    pools = (("Processor", "10DA2880", total - _IO_TOTAL, used - _IO_USED), ("I/O", "94A8800", _IO_TOTAL, _IO_USED))
    for name, head, size, taken in pools:
        free = size - taken
        rows.append(f"{name:>9}  {head:>9} {size:>11} {taken:>11} {free:>11} {free:>11} {free:>11}")
    return "\n".join(rows) + "\n"


def show_processes(shell: Interpreter, found: Match[Command]) -> str:
    load = shell.device.spec.surroundings.cpu_percent
    return (
        f"CPU utilization for five seconds: {load + 1}%/0%; one minute: {load}%; five minutes: {load}%\n"
        " PID Runtime(ms)     Invoked      uSecs   5Sec   1Min   5Min TTY Process \n"
        "   1           1           7        142  0.00%  0.00%  0.00%   0 Chunk Manager    \n"
    )


def show_temperature(shell: Interpreter, found: Match[Command]) -> str:
    lines: list[str] = []
    for one in shell.device.spec.surroundings.sensors:
        color = "RED" if one.celsius > one.critical else "YELLOW" if one.celsius > one.alert else "GREEN"
        lines += [
            f"{one.name} Temperature Value: {one.celsius:g} Degree Celsius",
            f"Temperature State: {color}",
            f"Yellow Threshold : {one.alert:g} Degree Celsius",
            f"Red Threshold    : {one.critical:g} Degree Celsius",
        ]
    return "\n".join(lines) + "\n"


_OPTICS_HEAD = """If device is externally calibrated, only calibrated values are printed.
++ : high alarm, +  : high warning, -  : low warning, -- : low alarm.
NA or N/A: not applicable, Tx: transmit, Rx: receive.
mA: milliamperes, dBm: decibels (milliwatts).

                                             Optical   Optical
           Temperature  Voltage  Current     Tx Power  Rx Power
Port       (Celsius)    (Volts)  (mA)        (dBm)     (dBm)
---------  -----------  -------  ----------  --------  --------
"""


def show_transceivers(shell: Interpreter, found: Match[Command]) -> str:
    rows = [
        f"{short_name(one.interface):<9}  {one.temperature:>9.1f}    {one.voltage:>5.2f}    {one.bias:>7.1f}     "
        f"{one.transmit:>6.1f}    {one.receive:>6.1f}"
        for one in shell.device.spec.surroundings.optics
    ]
    return _OPTICS_HEAD + "\n".join(rows) + "\n"


def show_interfaces_summary(shell: Interpreter, found: Match[Command]) -> str:
    columns = ("IHQ", "IQD", "OHQ", "OQD", "RXBS", "RXPS", "TXBS", "TXPS", "TRTL")
    head = "  Interface              " + "".join(f"{one:>10}" for one in columns)
    rows = [" *: interface is up", " IQD: pkts dropped from input queue     OQD: pkts dropped from output queue", ""]
    rows += [head, "-" * len(head)]
    for entry in interfaces(shell.device):
        passed = shell.device.spec.surroundings.traffic_of(entry.words[1])
        values = (0, passed.discards_in, 0, passed.discards_out, 0, 0, 0, 0, 0)
        mark = "*" if state(entry)[0] == "up" else " "
        rows.append(f"{mark} {entry.words[1]:<23}" + "".join(f"{one:>10}" for one in values))
    return "\n".join(rows) + "\n"


def show_ntp_associations(shell: Interpreter, found: Match[Command]) -> str:
    """A server that is configured and not in the surroundings has never answered."""
    heard = {one.address: one for one in shell.device.spec.surroundings.ntp}
    rows = ["  address         ref clock       st   when   poll reach  delay  offset   disp"]
    for entry in shell.device.running.root.find_all("ntp", "server"):
        address = entry.words[2]
        one = heard.get(address)
        if one is None:
            rows.append(f" ~{address:<15} .INIT.          16      -     64     0  0.000   0.000 15937.")
            continue
        rows.append(
            f"{'*' if one.selected else '+'}~{address:<15} {one.reference:<15} {one.stratum:>2} {one.when:>6} "
            f"{one.poll:>6} {one.reach:>5} {one.delay:>6.3f} {one.offset:>7.3f} {one.jitter:>6.3f}"
        )
    if len(rows) == 1:
        return "%NTP is not enabled.\n"
    return "\n".join([*rows, " * sys.peer, # selected, + candidate, - outlyer, x falseticker, ~ configured"]) + "\n"


SENSOR_COMMANDS = (
    Command(syntax="show memory statistics", run=show_memory),
    Command(syntax="show processes cpu", run=show_processes),
    Command(syntax="show environment temperature status", run=show_temperature),
    Command(syntax="show interfaces transceiver", run=show_transceivers),
    Command(syntax="show interfaces summary", run=show_interfaces_summary),
    Command(syntax="show ntp associations", run=show_ntp_associations),
)
