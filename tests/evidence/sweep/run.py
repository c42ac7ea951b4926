"""All types, both clients, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata

from netpulse_lab import SimulatorLab
from tests.bench.figures import table
from tests.evidence.sweep.clients import STEPS, Outcomes, ours, stock
from tests.evidence.sweep.derived_device import swept, swept_types
from tests.lab.fixtures_dialogues import DialogueDevice

AT_A_TIME = 16

KNOWN_WORSE = {
    "cisco_tp": "a codec's command line has no prompt: answers end with OK, which only netmiko's own class waits for"
}
"""Types with a step that stock netmiko does and ours does not, and why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One type, by both clients on the same device."""

    device_type: str
    ours: Outcomes
    stock: Outcomes

    @property
    def worse(self) -> list[str]:
        """Steps that stock netmiko does and ours does not."""
        return [step for step in STEPS if self.stock[step] == "yes" and self.ours[step] != "yes"]


def sweep(types: Sequence[str] | None = None) -> list[Pair]:
    """Sweep these types; None: all."""
    with SimulatorLab() as lab, ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda device_type: _pair(lab, device_type), types or swept_types()))


def _pair(lab: SimulatorLab, device_type: str) -> Pair:
    what = swept(device_type)
    # MikroTik's client appends options to the user name; the device takes them off.
    logins = [{"username": "admin+ct511w4098h", "password": "admin-password"}]
    telnet = {"telnet_port": 0} if what.telnet else {}
    name = f"sweep-{device_type.replace('_', '-')}"
    device = DialogueDevice(lab.add(name=name, dialogue=what.dialogue, logins=logins, **telnet), lab)
    try:
        return Pair(device_type, ours(device, what), stock(device, what))
    finally:
        lab.remove(device.device)


def sums(pairs: Sequence[Pair]) -> str:
    """How many types each step went well for."""
    rows = [
        [who, *(str(sum(getattr(pair, side)[step] == "yes" for pair in pairs)) for step in STEPS)]
        for who, side in (("ours", "ours"), ("stock netmiko", "stock"))
    ]
    return table([f"of {len(pairs)} types", *STEPS], rows)


def rows(pairs: Sequence[Pair]) -> str:
    """A row for each type: ours / stock."""
    shown = [
        [f"`{pair.device_type}`", *(f"{_word(pair.ours[step])} / {_word(pair.stock[step])}" for step in STEPS)]
        for pair in pairs
    ]
    return table(["device type", *(f"{step}: ours / stock" for step in STEPS)], shown)


def _word(outcome: str) -> str:
    return outcome.partition(" ")[0]


PAGE = """<!-- Made by `make sweep`. -->

# Sweep

Every SSH and Telnet type of netmiko {netmiko}, driver `netmiko` beside stock netmiko as its users call it
(`ConnectHandler`, `send_command`, `enable`, `send_config_set`, `save_config`), on the same device of the [lab](lab.md),
one after the other.

The device is derived: it understands what netmiko's class types by default and what the [platform book](platforms.md)
has for privilege, configuration mode, commit and saving, with prompts and words of the commonest command line of that
kind. So the table compares clients on prompts, modes and refusals of such a shape. It does not show that a vendor's
device behaves so: what a platform was tried on stands in the platform book. Types whose login neither client manages
have a dialogue at login that the derived device lacks.

- *login*: the device counted it, and the client had its session.
- *query*: the answer is there, whole.
- *enable*: the client stood in privileged mode; a dash: there is none.
- *change*: the device took the line where changes are made, and the client did not report a failure.
- *refusal*: the client tells that a line was refused: by an error, or by `changed: null` with a warning. Its words are
  the commonest of that kind; where the platform book knows a platform's own words, others are not taken for a refusal.
- *save*: the device saved; a dash: the class does not know how.

*Worse* is a step that stock does and ours does not: {worse}.

{sums}

{rows}
"""


def page(pairs: Sequence[Pair]) -> str:
    """The page of the documentation."""
    worse = [
        f"`{pair.device_type}` ({', '.join(pair.worse)}: {KNOWN_WORSE.get(pair.device_type, '?')})"
        for pair in pairs
        if pair.worse
    ]
    return PAGE.format(
        netmiko=metadata.version("netmiko"), worse="; ".join(worse) or "none", sums=sums(pairs), rows=rows(pairs)
    )
