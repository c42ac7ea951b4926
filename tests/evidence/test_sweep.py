"""No type of netmiko's is worse off with the driver than with stock netmiko. Long form: all of them.

`make sweep` keeps the table in docs/sweep.md.
"""

from __future__ import annotations

import pytest

from tests.evidence.conftest import LONG
from tests.evidence.sweep.derived_device import swept_types
from tests.evidence.sweep.run import KNOWN_WORSE, rows, sums, sweep

SOME = (
    "a10", "adtran_os", "alcatel_aos", "cisco_ios", "cisco_ios_telnet", "dell_os10", "hp_comware", "huawei_vrpv8",
    "linux", "mikrotik_routeros", "ruckus_fastiron", "vyos",
)  # fmt: skip
"""Of the short form: each kind of command line, SSH and Telnet."""


@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore")  # stock netmiko leaves sockets to the collector
def test_nowhere_worse_than_stock(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = sweep(swept_types() if LONG else SOME)
    with capsys.disabled():
        print(f"\n{sums(pairs)}\n" + (f"\n{rows(pairs)}\n" if LONG else ""))
    worse = {pair.device_type: {step: pair.ours[step] for step in pair.worse} for pair in pairs if pair.worse}
    assert worse.keys() <= KNOWN_WORSE.keys(), worse
    logged_in = [pair for pair in pairs if pair.ours["login"] == "yes"]
    assert len(logged_in) >= (170 if LONG else len(SOME) - 1), [pair for pair in pairs if pair not in logged_in]
    for pair in logged_in:
        if pair.stock["refusal"] == "yes":
            assert pair.ours["refusal"] == "yes", pair
