"""Which package may import which: docs/architecture.md says it, and no module does otherwise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "netpulse_broker": ROOT / "broker/netpulse_broker",
    "netpulse_drivers": ROOT / "drivers/netpulse_drivers",
    "netpulse_lab": ROOT / "lab/netpulse_lab",
}
SHORT = {"netpulse_drivers": "drivers", "netpulse_lab": "lab"}


def modules() -> dict[str, Path]:
    """File of each module, by its full name."""
    found = {}
    for package, folder in PACKAGES.items():
        for file in folder.rglob("*.py"):
            name = ".".join((package, *file.relative_to(folder).with_suffix("").parts))
            found[name.removesuffix(".__init__")] = file
    return found


MODULES = modules()


def imports(tree: ast.AST, module: str) -> Iterator[str]:
    """Full names of our modules that the tree imports, wherever in it."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: len(module.split(".")) - node.level + (MODULES[module].stem == "__init__")]
                base = ".".join([*above, *filter(None, [node.module])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            if name in MODULES:
                yield name
            elif name.rpartition(".")[0] in MODULES:
                yield name.rpartition(".")[0]


def short(module: str) -> str:
    top, _, rest = module.partition(".")
    return ".".join(filter(None, (SHORT.get(top, ""), rest)))


def table() -> dict[str, set[str]]:
    """The packages of the document, and what each may import."""
    text = (ROOT / "docs/architecture.md").read_text()
    rows = {}
    for line in text.partition("| package |")[2].partition("\n\n")[0].splitlines()[2:]:
        first, _, last = (re.findall(r"`([\w.]+)`", cell) for cell in line.strip("|").split("|"))
        for package in first:
            assert package not in rows, f"{package} has two rows"
            rows[package] = set(last)
    return rows


TABLE = table()


def room(module: str) -> str:
    """The row of the table that a module belongs to; "" for netpulse_broker itself, which holds its version alone."""
    name = short(module)
    while name and name not in TABLE:
        name = name.rpartition(".")[0]
    return name


def violations(module: str, tree: ast.AST) -> list[str]:
    own = room(module)
    return [
        f"{short(module)} imports {short(name)}, but {own} may not import {room(name)}"
        for name in imports(tree, module)
        if room(name) not in {own, "", *TABLE[own]}
    ]


def parsed(module: str) -> ast.AST:
    return ast.parse(MODULES[module].read_text())


def test_each_module_stands_in_the_table() -> None:
    parents = {package.rpartition(".")[0] for package in TABLE}  # of which only the docstring is there
    assert [name for name in MODULES if not room(name) and short(name) not in parents] == []
    used = {room(name) for name in MODULES}
    assert set(TABLE) - used == set()
    assert set().union(*TABLE.values()) - set(TABLE) == set()


def test_no_import_goes_against_the_table() -> None:
    found = [line for name in MODULES if room(name) for line in violations(name, parsed(name))]
    assert found == []


def test_the_table_allows_nothing_that_nobody_does() -> None:
    done: dict[str, set[str]] = {package: set() for package in TABLE}
    for module in MODULES:
        if room(module):
            done[room(module)] |= {room(name) for name in imports(parsed(module), module)}
    unused = {package: sorted(allowed - done[package]) for package, allowed in TABLE.items() if allowed - done[package]}
    assert unused == {}


@pytest.mark.parametrize(
    "text",
    [
        "from netpulse_broker.dispatch.dispatcher import Dispatcher",
        "import netpulse_broker.queueing.redis.keys",
        "def late() -> None:\n    from netpulse_broker.api import app",
        "if TYPE_CHECKING:\n    from netpulse_broker.workers.execution.loop import WorkLoop",
        "from ..queueing.jobs import record",
    ],
)
def test_an_import_against_the_table_is_found(text: str) -> None:
    assert len(violations("netpulse_broker.models.job", ast.parse(text))) == 1


def test_no_circle_of_modules() -> None:
    ours = [name for name in MODULES if not name.startswith("netpulse_lab")]
    edges = {name: {one for one in imports(parsed(name), name) if one != name} for name in ours}
    left = dict(edges)
    while ends := [name for name, used in left.items() if not used & left.keys()]:
        for name in ends:
            del left[name]
    while outer := [name for name in left if not any(name in used for used in left.values())]:
        for name in outer:
            del left[name]
    assert sorted(left) == [], "these import each other, or lie between two circles"
