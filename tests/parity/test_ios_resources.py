"""The resource modules of cisco.ios over either connection."""

from __future__ import annotations

import pytest

from tests.parity.vendor_modules import VendorModules, playbooks

# Resource modules have many states, and stock network_cli takes its time for each.
pytestmark = pytest.mark.timeout(1300)


@playbooks("ios", "ios_resources_l2.yml", "ios_resources_l3.yml")
class TestIosResources(VendorModules):
    pass
