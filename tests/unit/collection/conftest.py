"""The collection under its real import name, as Ansible's own loader finds it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.importable_collection import make_importable
from tests.unit.collection.contract_server import ContractServer

make_importable()


@pytest.fixture
def server() -> Iterator[ContractServer]:
    with ContractServer() as server:
        yield server
