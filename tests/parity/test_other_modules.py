"""The modules of cisco.nxos, cisco.iosxr and junipernetworks.junos over either connection."""

from __future__ import annotations

import pytest

from tests.parity.vendor_modules import VendorModules, playbooks

# Resource modules have many states, and stock network_cli takes its time for each.
pytestmark = pytest.mark.timeout(1300)


@playbooks("nxos", "nxos.yml")
class TestNxos(VendorModules):
    pass


@playbooks("iosxr", "iosxr.yml")
class TestIosxr(VendorModules):
    pass


@playbooks("junos", "junos.yml")
class TestJunos(VendorModules):
    pass
