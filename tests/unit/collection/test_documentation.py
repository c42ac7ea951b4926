"""What the modules document is what they accept, and the metadata names them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.netpulse.broker.plugins.module_utils._argument_spec import (
    COMMAND_ARGUMENTS,
    CONFIG_ARGUMENTS,
    with_broker_arguments,
)

COLLECTION = Path(__file__).resolve().parents[3] / "collection"
MODULES = sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py"))
SPECIFICATIONS = {"command": COMMAND_ARGUMENTS, "config": CONFIG_ARGUMENTS}


def documentation(module: str) -> dict[str, Any]:
    path = str(COLLECTION / "plugins" / "modules" / f"{module}.py")
    found, examples, returns, _metadata = get_docstring(path, fragment_loader, collection_name="netpulse.broker")
    assert examples
    assert returns
    return dict(found)


def as_documented(name: str, argument: dict[str, Any]) -> dict[str, Any]:
    told = ("type", "elements", "choices", "default", "aliases")
    facts: dict[str, Any] = {key: argument[key] for key in told if key in argument}
    if argument.get("required"):
        facts["required"] = True
    if "options" in argument:
        facts["suboptions"] = {key: as_documented(key, one) for key, one in argument["options"].items()}
    return facts


def documented(option: dict[str, Any]) -> dict[str, Any]:
    known = ("type", "elements", "choices", "default", "aliases", "required")
    facts = {key: option[key] for key in known if key in option and option[key] is not None}
    if "suboptions" in option:
        facts["suboptions"] = {key: documented(one) for key, one in option["suboptions"].items()}
    return facts


@pytest.mark.parametrize("module", MODULES)
def test_documented_options_are_the_accepted_ones(module: str) -> None:
    options = {name: documented(option) for name, option in documentation(module)["options"].items()}
    assert options == {
        name: as_documented(name, argument) for name, argument in with_broker_arguments(SPECIFICATIONS[module]).items()
    }


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_an_action_plugin_and_stands_in_the_group(module: str) -> None:
    assert (COLLECTION / "plugins" / "action" / f"{module}.py").is_file()
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())
    assert module in runtime["action_groups"]["broker"]
    assert documentation(module)["attributes"]["action_group"]["membership"] == ["netpulse.broker.broker"]
