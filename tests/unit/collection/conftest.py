"""The collection under its real import name, as Ansible's own loader finds it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader

from tests.unit.collection.contract_server import ContractServer

REPOSITORY = Path(__file__).resolve().parents[3]


def _make_importable() -> tempfile.TemporaryDirectory[str]:
    """Lay the working tree under ansible_collections/ and hand that to Ansible's collection loader."""
    folder = tempfile.TemporaryDirectory(prefix="netpulse-collections-")
    namespace = Path(folder.name, "ansible_collections", "netpulse")
    namespace.mkdir(parents=True)
    (namespace / "broker").symlink_to(REPOSITORY / "collection")
    init_plugin_loader([folder.name])
    return folder


_collections = _make_importable()


@pytest.fixture
def server() -> Iterator[ContractServer]:
    with ContractServer() as server:
        yield server
