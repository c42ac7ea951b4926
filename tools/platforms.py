"""docs/platforms.md: what is known about each of netmiko's device types, and what it was tried on.

`python tools/platforms.py` stores it, `--check` ends with status 1 if a new one would differ. It is made from the
platform book (drivers/netpulse_drivers/platforms/data), netmiko's classes and the dialogues of the lab.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from netpulse_drivers.netmiko.coverage import Coverage, coverage_of, device_types
from netpulse_lab.dialogue_file import load_dialogue, shipped_dialogues

PAGE = Path(__file__).resolve().parents[1] / "docs" / "platforms.md"

REAL = {"cisco_ios": "FRRouting", "linux": "bash behind OpenSSH"}
SIMULATED = {"cisco_ios", "arista_eos", "cisco_xr", "cisco_nxos", "juniper_junos"}
"""What the lab has a simulator for: it knows a configuration, not lines."""

HEAD = """\
<!-- Made by `make platforms` from drivers/netpulse_drivers/platforms/data; change those files instead. -->

# Platforms

What driver netmiko knows about each device type of [netmiko](https://github.com/ktbyers/netmiko), beyond netmiko
itself, and what that was tried on. {counts}

- *whole*: prompts, privilege, ways of changing, refusals and saving are in the platform's data file. A refused line
  stops a change; `changed` and `saved` say what the device said.
- *generic*: some of it is netmiko's own way, or the refusals are not known. Queries are read as everywhere. Where
  refusals are *common*, only the commonest wordings are looked for: a change ends with `changed: null` and a warning.
- *query only*: changes are refused.

**Changes**: *candidate*: lines are committed, and thrown away where one is refused; *mode*: they take effect in
configuration mode; *command line*: where the session stands; *netmiko*: as netmiko's class does it.

**Saved by**: the command; *device*: it keeps what is configured; *commit*; *netmiko*: its `save_config`; a dash: nobody
knows how, `save_command` in `driver_args` says.

**Tried on**: real parts; *simulator* and *dialogue* of the [lab](lab.md) (a dialogue plays what vendors' documents and
transcripts show); *like* another type: its data, tried there; *documents*: compared with what its sources print, alone.

How to add a platform, or to bring a file of your own: [Bring a platform](bring-a-platform.md).

| device type | platform | known | like | changes | saved by | refusals | tried on |
|---|---|---|---|---|---|---|---|
"""

SAVED = {"by itself": "device", "with the commit": "commit", "netmiko": "netmiko", "": "-"}


def page() -> str:
    """The page's text."""
    rows = [coverage_of(name) for name in device_types()]
    counts = Counter(row.known for row in rows)
    told = f"Of {len(rows)} types {counts['whole']} are known whole, {counts['generic']} generic, "
    head = HEAD.format(counts=f"{told}{counts['query only']} for queries only.")
    dialogues = played()
    sources = sorted({(row.platform.name, row.platform.source) for row in rows})
    listed = "".join(f"- `{name}`: {'; '.join(source)}\n" for name, source in sources)
    return f"{head}{''.join(_row(row, dialogues) for row in rows)}\n## Sources\n\n{listed}"


def played() -> set[str]:
    """Device types that a dialogue of the lab plays."""
    return {load_dialogue(path).platform.removesuffix("_telnet") for path in shipped_dialogues().values()}


def _row(row: Coverage, dialogues: set[str]) -> str:
    name = row.device_type
    transports = "" if row.telnet and row.ssh else " (SSH)" if row.ssh else " (Telnet)"
    cells = [
        f"`{name}`{transports}",
        row.platform.about.partition(":")[0] if row.platform.lineage else "-",
        row.known,
        f"`{row.platform.lineage[1]}`" if len(row.platform.lineage) > 1 else "-",
        {"configuration mode": "mode", "": "-"}.get(row.change, row.change),
        SAVED.get(row.saves, f"`{row.saves}`"),
        "own" if row.platform.refusals.known else "common",
        _tried(row, dialogues),
    ]
    return f"| {' | '.join(cells)} |\n"


def _tried(row: Coverage, dialogues: set[str]) -> str:
    name = row.device_type
    tried = [REAL[name]] if name in REAL else []
    tried += ["simulator"] if name in SIMULATED else []
    tried += ["dialogue"] if name in dialogues else []
    if tried:
        return ", ".join(tried)
    like = next((one for one in row.platform.lineage if one in {*REAL, *SIMULATED, *dialogues}), "")
    if like:
        return f"like `{like}`"
    return "documents" if row.platform.lineage else "-"


def main() -> int:
    """Store it, or compare."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="write nothing; status 1 if the stored one differs")
    arguments = options.parse_args()
    old, new = PAGE.read_text() if PAGE.exists() else "", page()
    if not arguments.check:
        PAGE.write_text(new)
        print(f"{PAGE}: {'as it was' if old == new else 'stored'}")
        return 0
    if old == new:
        return 0
    print("docs/platforms.md is not what the platform book says; `make platforms` stores the new one", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
