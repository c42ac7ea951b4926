"""Fixtures that all tests share, and an account of which real parts were used."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

pytest_plugins = [
    "tests.lab.fixtures_dialogues",
    "tests.lab.fixtures_real",
    "tests.lab.fixtures_redis",
    "tests.parity.table",
]

REAL_PARTS = {
    "FRRouting": re.compile(r"frr|real_routers", re.IGNORECASE),
    "OpenSSH's sshd": re.compile(r"sshd|reaching|session_files|frr|linux", re.IGNORECASE),
    "Redis or Valkey": re.compile(r"redis|broker|evidence|chaos|embedded_server|\bqueue\b|dispatcher", re.IGNORECASE),
}
"""A test uses a part when its file, its name or one of its fixtures says so."""

_PROPERTY = "real part"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest files first: with several processes, none of them is left to the end alone.
    items.sort(key=lambda item: not item.nodeid.startswith("tests/parity/"))
    # In the report, which reaches the process that writes the summary when the tests run in several.
    for item in items:
        words = " ".join([item.nodeid.partition("[")[0], *getattr(item, "fixturenames", ())])
        item.user_properties += [(_PROPERTY, part) for part, sign in REAL_PARTS.items() if sign.search(words)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that ran against each real part, so that a silent gap is seen."""
    ran: dict[str, dict[str, list[str]]] = {part: defaultdict(list) for part in REAL_PARTS}
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        if getattr(report, "when", "") != "call":
            continue
        path, _, name = report.nodeid.partition("::")
        for key, part in report.user_properties:
            if key == _PROPERTY:
                ran[str(part)][path].append(name)
    for part, files in ran.items():
        count = sum(len(names) for names in files.values())
        terminalreporter.section(f"{part}: {count} tests ran", sep="-")
        for path, names in sorted(files.items()):
            functions = sorted({name.partition("[")[0] for name in names})
            terminalreporter.write_line(f"{path} ({len(names)}): {', '.join(functions)}")
