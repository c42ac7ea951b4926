"""The modules of cisco.ios and ansible.netcommon over either connection."""

from __future__ import annotations

import pytest

from tests.parity.vendor_modules import VendorModules, playbooks

# Resource modules have many states, and stock network_cli takes its time for each.
pytestmark = pytest.mark.timeout(1300)


@playbooks("ios", "ios.yml", "ios_config.yml", "netcommon.yml")
class TestIos(VendorModules):
    pass
