"""The collection under its real import name, as Ansible's own loader finds it in this process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

REPOSITORY = Path(__file__).resolve().parents[2]

_folders: list[tempfile.TemporaryDirectory[str]] = []
"""Kept for as long as the process lives: the loader goes on looking there."""


def make_importable() -> None:
    """Lay the working tree under ``ansible_collections/`` and hand it to the loader, which takes it once a process."""
    if AnsibleCollectionConfig.collection_finder is not None:
        return
    folder = tempfile.TemporaryDirectory(prefix="netpulse-collections-")
    namespace = Path(folder.name, "ansible_collections", "netpulse")
    namespace.mkdir(parents=True)
    (namespace / "broker").symlink_to(REPOSITORY / "collection")
    init_plugin_loader([folder.name])
    _folders.append(folder)
