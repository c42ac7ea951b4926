"""The tables that stand for NAPALM where it is not imported, compared with NAPALM."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from netpulse_drivers.napalm.arguments import NapalmQueryArgs
from netpulse_drivers.napalm.getters import GETTERS
from netpulse_drivers.napalm.platforms import PLATFORMS

napalm_base: Any = pytest.importorskip("napalm.base.base")
supported: Any = pytest.importorskip("napalm._SUPPORTED_DRIVERS")

PUBLIC = ("ping", "traceroute", "cli", "compliance_report")


def declared() -> dict[str, dict[str, bool]]:
    found = {}
    for name, method in inspect.getmembers(napalm_base.NetworkDriver, inspect.isfunction):
        if name.startswith("get_") or name in PUBLIC:
            parameters = [one for one in inspect.signature(method).parameters.values() if one.name != "self"]
            found[name] = {one.name: one.default is inspect.Parameter.empty for one in parameters}
    return found


def test_getters_are_napalms() -> None:
    ours = {name: dict(arguments) for name, arguments in GETTERS.items()}
    theirs = declared()
    # a file on the worker is nothing that a request may name, and a report without rules says nothing
    assert theirs["compliance_report"].pop("validation_file") is False
    theirs["compliance_report"]["validation_source"] = True
    assert ours == theirs


def test_every_argument_has_a_field() -> None:
    arguments = {name for takes in GETTERS.values() for name in takes}
    assert arguments == set(NapalmQueryArgs.model_fields) - {"getter_args"}


def test_platforms_are_napalms() -> None:
    assert set(PLATFORMS) == set(supported.SUPPORTED_DRIVERS) - {"base"}
