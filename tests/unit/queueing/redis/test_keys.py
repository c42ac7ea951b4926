"""keys.py names every key of ours in Redis, also what only scripts name."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from netpulse_broker.queueing.redis import keys

_NAME = re.compile(r"""['"](np:[a-z:]*)""")


def test_scripts_name_no_key_that_keys_does_not() -> None:
    listed = set(_NAME.findall(Path(keys.__file__).read_text()))
    lua = files("netpulse_broker.queueing.redis") / "lua"
    used = {(name, script.name) for script in lua.iterdir() for name in _NAME.findall(script.read_text())}
    assert len(used) > 20
    families = tuple(name for name in listed if name.endswith(":"))
    unknown = [(name, script) for name, script in used if name not in listed and not name.startswith(families)]
    assert sorted(unknown) == []
