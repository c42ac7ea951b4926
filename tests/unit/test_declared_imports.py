"""What is imported is declared: nothing may come in by accident, with another package that happens to need it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = {
    "netpulse-broker": (ROOT / "pyproject.toml", ["broker/netpulse_broker", "drivers/netpulse_drivers"]),
    "netpulse-lab": (ROOT / "lab" / "pyproject.toml", ["lab/netpulse_lab"]),
}


def imports_of(source: str) -> Iterator[str]:
    """The top-level names of everything that a module imports absolutely, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(pyproject: Path) -> set[str]:
    """Distributions that the project asks for, extras of users included, those of development not."""
    project = tomllib.loads(pyproject.read_text())["project"]
    extras = project.get("optional-dependencies", {})
    asked = [*project["dependencies"], *(one for name, ones in extras.items() if name == "embedded" for one in ones)]
    return {canonical(found[0]) for one in asked if (found := re.match(r"[A-Za-z0-9._-]+", one))}


def undeclared(project: str) -> dict[str, str]:
    """Imported distributions that the project does not declare, each with a file that imports it."""
    pyproject, folders = PROJECTS[project]
    by_module = packages_distributions()
    known = declared(pyproject) | {canonical(project)}
    missing: dict[str, str] = {}
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for name in imports_of(path.read_text()):
            if name in sys.stdlib_module_names or name.startswith("netpulse_"):
                continue
            providers = {canonical(one) for one in by_module.get(name, [name])}
            if not providers & known:
                missing[name] = str(path.relative_to(ROOT))
    return missing


@pytest.mark.parametrize("project", PROJECTS)
def test_every_direct_import_is_declared(project: str) -> None:
    assert undeclared(project) == {}


def test_a_hidden_import_is_seen() -> None:
    source = "import a.b\ndef f():\n    from c.d import e\n    from . import g\n"
    assert list(imports_of(source)) == ["a", "c"]
