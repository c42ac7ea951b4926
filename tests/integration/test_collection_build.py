"""The collection builds from its folder and from the repository's root, and both installs are the same collection."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.integration.ansible_run import REPOSITORY, build_collection, documented_modules, install_collection


def plugin_files(folder: Path) -> dict[str, bytes]:
    """Relative path: content, for everything below plugins/ and meta/, links followed."""
    found = {}
    for part in ("plugins", "meta"):
        top = (folder / part).resolve()
        for path in sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found[f"{part}/{path.relative_to(top)}"] = path.read_bytes()
    return found


@pytest.mark.parametrize("source", [REPOSITORY / "collection", REPOSITORY], ids=["folder", "root"])
def test_build_holds_the_collection_and_nothing_else(source: Path, tmp_path: Path) -> None:
    tarball = build_collection(source, tmp_path / "dist")
    with tarfile.open(tarball) as archive:
        tops = {name.split("/")[0] for name in archive.getnames()}
    expected = {"MANIFEST.json", "FILES.json", "README.md", "plugins", "meta"}
    assert tops == expected | ({"collection"} if source == REPOSITORY else {"COPYING", "changelogs"})

    installed = install_collection(tarball, tmp_path / "collections")
    assert plugin_files(installed) == plugin_files(REPOSITORY / "collection")
    assert (installed / "plugins" / "modules" / "command.py").is_file()
    documents = documented_modules(tmp_path / "collections")
    assert {"broker_url", "password", "wait_for"} <= set(documents["netpulse.broker.command"]["doc"]["options"])
    assert {"broker_url", "save_when"} <= set(documents["netpulse.broker.config"]["doc"]["options"])
