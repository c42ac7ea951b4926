"""The connection plug-in as ansible-core's loader makes it, before a broker whose device does as the test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import cliconf_loader, connection_loader, terminal_loader

from tests.lab.importable_collection import make_importable
from tests.unit.collection.network_cli.scripted_broker import ScriptedBroker

PLATFORMS = Path(__file__).parent / "platforms"
NAME = "netpulse.broker.network_cli"

Connect = Callable[..., Any]


make_importable()
terminal_loader.add_directory(str(PLATFORMS / "terminal"))
cliconf_loader.add_directory(str(PLATFORMS / "cliconf"))


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    with ScriptedBroker() as broker:
        yield broker


@pytest.fixture
def connect(broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Make a connection as a task of a playbook run does; ``play`` sets the play context, the rest are options.

    The play context is as ansible-core leaves it: with the texts of templates that were not rendered.
    """
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    made: list[Any] = []

    def make(*, in_task: bool = True, play: dict[str, Any] | None = None, **options: Any) -> Any:
        context = PlayContext()
        context.network_os = "{{ platform }}"
        context.remote_addr = "{{ address }}"
        context.remote_user = "{{ user }}"
        context.become_pass = "{{ enable_secret }}"
        context.connection = NAME
        for name, value in (play or {}).items():
            setattr(context, name, value)
        # The worker says which task it is for; `meta: reset_connection` does not.
        connection = connection_loader.get(NAME, context, None, **({"task_uuid": "1"} if in_task else {}))
        defaults = {
            "netpulse_broker_url": broker.url,
            "netpulse_api_key": "key",
            "network_cli_retries": 0,
            "network_os": "plainos",
            "host": "192.0.2.1",
            "remote_user": "ansible",
        }
        connection.set_options(direct={**defaults, **options})
        made.append(connection)
        return connection

    yield make
    for connection in made:
        connection.close()
