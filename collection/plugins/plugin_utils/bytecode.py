# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of collections from Python's bytecode cache.

ansible-core's importer compiles the source of each module of a collection anew, and each task on each host is a process
of its own that begins with such imports: about a third of the CPU time of a task that asks a device one question.
Python's own importer keeps what it has compiled in ``__pycache__`` and takes it from there while the source is
unchanged. ansible-core loads plug-ins that way; this has it load the modules that plug-ins import that way, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Any

from ansible.utils.collection_loader import AnsibleCollectionConfig

COLLECTIONS = "ansible_collections."


class CachedCollections(MetaPathFinder):
    """Leaves it to ansible-core what a name stands for, redirections included, and brings the code from the cache."""

    @classmethod
    def install(cls) -> None:
        """Once in this process, before the first import that is to profit."""
        if not any(isinstance(one, cls) for one in sys.meta_path):
            sys.meta_path.insert(0, cls())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        core = AnsibleCollectionConfig.collection_finder
        if core is None or not fullname.startswith(COLLECTIONS):
            return None
        spec: ModuleSpec | None = core.find_spec(fullname, path, target)
        # Packages have next to no code, and what is redirected has no origin.
        if spec is None or spec.submodule_search_locations is not None or not (spec.origin or "").endswith(".py"):
            return spec
        # ansible-core's loader asks itself for the code that it runs, and gets that of the same file. One that does not
        # ask, or cannot be told, does as it would have done.
        loader: Any = spec.loader
        if hasattr(loader, "get_code") and hasattr(loader, "__dict__"):
            loader.get_code = SourceFileLoader(fullname, str(spec.origin)).get_code
        return spec
