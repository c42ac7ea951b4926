"""A driver that a user drops in: the code of docs/write-a-driver.md, word by word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.lab.running_broker import RunningBroker
from tests.lab.shouting_device import ShoutingDevice, install_page_driver, page_blocks


def test_it_answers_over_rest(tmp_path: Path) -> None:
    plugins = tmp_path / "drivers"
    install_page_driver(plugins)
    broken = plugins / "broken"
    broken.mkdir()
    (broken / "__init__.py").write_text("this is no python")
    settings = {"NETPULSE_DRIVERS__PLUGIN_DIRS": str(plugins)}
    with ShoutingDevice() as device, RunningBroker(settings=settings) as broker:
        for reused in (False, True):
            job = broker.execute(device.connection_args, driver="custom", command="hello")
            assert job["status"] == "finished", job
            assert job["result"]["retval"] == {"hello": "HELLO"}
            assert job["session_reused"] is reused
        drivers = broker.get("/health")["drivers"]
        assert "custom" in drivers["known"]
        assert len(drivers["failed"]) == 1


def test_the_page_has_no_code_that_is_not_run() -> None:
    """Its driver and ``__init__.py`` run above; what it says about arguments runs here."""
    driver, init, arguments = page_blocks("python")
    assert "class CustomDriver(BaseDriver)" in driver
    assert "__all__ = [CustomDriver]" in init
    names: dict[str, Any] = {}
    exec(compile(arguments, "write-a-driver.md", "exec", dont_inherit=True), names)  # noqa: S102 - the page's own code
    custom = names["CustomDriver"]
    args = custom.validate_connection_args({"host": "192.0.2.1", "token": "device-token"})
    assert "device-token" not in repr(args)
    assert custom.validate_operation_args("query", {"depth": 3}).depth == 3
    with pytest.raises(ValidationError):
        custom.validate_operation_args("query", {"depht": 3})
