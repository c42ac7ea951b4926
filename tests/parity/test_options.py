"""The plug-in's options are those of ansible.netcommon, by name, type, default, choices and where they come from."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.parity.vendor_ansible import REPOSITORY, VendorAnsible

OURS = REPOSITORY / "collection" / "plugins" / "doc_fragments" / "network_cli.py"
MEANT_FOR_PEOPLE = ("description", "version_added")

WITHOUT_EFFECT = ("ssh_type", "host_key_checking", "host_key_auto_add")
"""Accepted by name. netcommon changes their defaults now and then, which means nothing here."""

NOT_OURS = {"proxy_command"}
"""Options of later netcommon releases about the SSH connection, which the broker makes."""


def _texts(file: Path) -> dict[str, Any]:
    """The documentation strings of a plug-in or a fragment, by name, without importing it."""
    tree = ast.parse(file.read_text())
    return {
        node.targets[0].id: yaml.safe_load(node.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and "\noptions:" in node.value.value
    }


def _options(documentation: Any) -> dict[str, Any]:
    return {
        name: {key: value for key, value in option.items() if key not in MEANT_FOR_PEOPLE}
        for name, option in documentation["options"].items()
    }


@pytest.mark.parametrize(
    ("fragment", "theirs"),
    [
        ("DOCUMENTATION", "plugins/connection/network_cli.py"),
        ("PERSISTENT", "plugins/doc_fragments/connection_persistent.py"),
    ],
)
def test_options_are_netcommons(vendor: VendorAnsible, fragment: str, theirs: str) -> None:
    reference = _options(_texts(vendor.collection("ansible.netcommon") / theirs)["DOCUMENTATION"])
    ours = _options(_texts(OURS)[fragment])
    for name in WITHOUT_EFFECT:
        for options in (ours, reference):
            options.get(name, {}).pop("default", None)
    assert ours == {name: option for name, option in reference.items() if name not in NOT_OURS}


def test_own_options_do_not_collide() -> None:
    texts = _texts(OURS)
    assert {name for name in texts["SESSION"]["options"] if not name.startswith("netpulse_")} == set()
    assert set(texts) == {"DOCUMENTATION", "PERSISTENT", "SESSION"}


def test_documentation_reads(vendor: VendorAnsible) -> None:
    shown = vendor.documentation("netpulse.broker.network_cli")
    assert set(shown["options"]) == {name for text in _texts(OURS).values() for name in text["options"]}
