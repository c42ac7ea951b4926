"""Collections' modules come from Python's bytecode cache, and are what ansible-core's importer makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.importable_collection import REPOSITORY

IMPORTS = """
import sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
from ansible_collections.netpulse.broker.plugins.plugin_utils.bytecode import CachedCollections
CachedCollections.install()
CachedCollections.install()
assert sum(isinstance(one, CachedCollections) for one in sys.meta_path) == 1
import ansible_collections.test.tried.plugins.module_utils.words as words
from ansible_collections.test.tried.plugins.module_utils import former
assert former is words, "a redirection leads to the same module"
assert words.__file__ == words.greeting.__code__.co_filename
print(words.greeting())
"""


class Collection:
    """A collection of one module, and a process that imports it."""

    def __init__(self, folder: Path) -> None:
        root = folder / "ansible_collections" / "test" / "tried"
        (root / "meta").mkdir(parents=True)
        (root / "meta" / "runtime.yml").write_text(
            "import_redirection:\n"
            "  ansible_collections.test.tried.plugins.module_utils.former:\n"
            "    redirect: ansible_collections.test.tried.plugins.module_utils.words\n"
        )
        self.module = root / "plugins" / "module_utils" / "words.py"
        self.module.parent.mkdir(parents=True)
        (folder / "ansible_collections" / "netpulse").mkdir()
        (folder / "ansible_collections" / "netpulse" / "broker").symlink_to(REPOSITORY / "collection")
        self.folder = folder

    def write(self, greeting: str) -> None:
        self.module.write_text(f"def greeting():\n    return {greeting!r}\n")

    @property
    def cached(self) -> list[Path]:
        return list(self.module.parent.glob("__pycache__/words.*.pyc"))

    def greets(self) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS],
            env=environment | {"ANSIBLE_COLLECTIONS_PATH": str(self.folder), "PYTHONPYCACHEPREFIX": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return Collection(tmp_path)


def test_what_was_compiled_is_kept_and_used(collection: Collection) -> None:
    collection.write("hello")
    assert collection.greets() == "hello"
    (kept,) = collection.cached
    # What lies in the cache is what runs: there another word of the same length stands now.
    kept.write_bytes(kept.read_bytes().replace(b"hello", b"howdy"))
    assert collection.greets() == "howdy"


def test_changed_source_is_compiled_anew(collection: Collection) -> None:
    collection.write("hello")
    assert collection.greets() == "hello"
    collection.write("good morning")
    assert collection.greets() == "good morning"


def test_a_broken_cache_does_not_matter(collection: Collection) -> None:
    collection.write("hello")
    assert collection.greets() == "hello"
    (kept,) = collection.cached
    kept.write_bytes(b"no bytecode")
    assert collection.greets() == "hello"


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(collection: Collection) -> None:
    collection.write("hello")
    # A file in its place keeps root, too, from making the folder.
    (collection.module.parent / "__pycache__").write_text("")
    assert collection.greets() == "hello"
    assert collection.cached == []
