"""What the project says to the place that hosts it: its workflows are thin and sound, and nobody stands in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SPOKEN = [*WORKFLOWS, *(ROOT / ".github").rglob("*.md"), *(ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")]


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


def test_the_workflows_are_sound() -> None:
    program = Path(sys.executable).parent / "zizmor"
    command = [str(program), "--quiet", "--offline", "--persona=pedantic", str(ROOT / ".github" / "workflows")]
    linted = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_make_and_nothing_else(path: Path) -> None:
    """What it does can be done, and seen to work, at home."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {"$TARGET"}
    for command in (step["run"] for step in steps(path) if "run" in step):
        found = re.fullmatch(
            r'(?:sudo --preserve-env=CI )?make "?([a-z$A-Z-]+)"?(?: [A-Z]+="[^"\n]+")*', command.strip()
        )
        assert found, command
        assert found[1] in targets


def test_a_matrix_names_targets_that_exist() -> None:
    weekly = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text())
    targets = weekly["jobs"]["releases"]["strategy"]["matrix"]["target"]
    assert targets
    assert all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE) for target in targets)


@pytest.mark.parametrize("path", [ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *SPOKEN], ids=lambda path: path.name)
def test_no_person_and_no_address(path: Path) -> None:
    text = re.sub(r"uses: [\w./-]+@[0-9a-f]{40}", "", path.read_text())
    assert not re.search(r"[\w.+-]+@[\w-]+\.\w|(?<![\w/])@[A-Za-z]", text)


def test_the_places_that_contributing_names_exist() -> None:
    """Paths of its walk through a request stand below the broker, others below the project."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    places = re.findall(r"`((?:\w+/)+(?:\w+\.(?:py|lua|md))?)`", text) + re.findall(r"\]\(([\w./-]+)\)", text)
    assert len(places) > 15
    broker = ROOT / "broker" / "netpulse_broker"
    assert [one for one in places if not any((base / one).exists() for base in (ROOT, broker))] == []
