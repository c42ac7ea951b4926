"""Device types that netmiko has and that an operator adds by a data file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from netmiko.cisco.cisco_ios import CiscoIosTelnet
from netmiko.ssh_dispatcher import CLASS_MAPPER
from pydantic import ValidationError

from netpulse_drivers.netmiko import NetmikoDriver
from netpulse_drivers.netmiko.connecting.connection_args import NetmikoConnectionArgs
from netpulse_drivers.netmiko.coverage import coverage_of, device_types
from netpulse_drivers.netmiko.device_types import AUTODETECT, NOT_DEVICES, netmiko_type
from netpulse_drivers.netmiko.event_driven import event_driven_class
from netpulse_drivers.platforms import BookError, load_platforms, platform_of
from tests.unit.drivers.scripted_cli import session_with

ACME = """
about = "Acme OS"
like = "cisco_ios"

[config]
enter = "edit"

[save]
command = "keep"
answers = []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "acme_os.toml").write_text(ACME)
    yield tmp_path
    load_platforms()


def arguments(device_type: str) -> NetmikoConnectionArgs:
    return NetmikoConnectionArgs(device_type=device_type, host="192.0.2.1", username="u", password="p")


def test_a_file_adds_a_device_type(folder: Path) -> None:
    with pytest.raises(ValidationError, match="unknown device_type"):
        arguments("acme_os")
    NetmikoDriver.preload([folder])
    assert arguments("acme_os").device_type == "acme_os"
    assert arguments("acme_os_telnet").telnet
    assert netmiko_type("acme_os") == "cisco_ios"
    assert issubclass(event_driven_class("acme_os_telnet"), CiscoIosTelnet)
    assert coverage_of("acme_os").known == "whole"
    assert coverage_of("acme_os").saves == "keep"
    assert "acme_os" in device_types()


def test_an_added_type_is_spoken_to_as_its_file_says(folder: Path) -> None:
    NetmikoDriver.preload([folder])
    session, _ = session_with("acme_os", "r1#", {})
    assert session.platform is platform_of("acme_os")
    assert session.platform.config_enter == "edit"
    assert session.prompt.privileged


def test_a_file_of_an_operators_goes_before_the_drivers(folder: Path) -> None:
    (folder / "cisco_nxos.toml").write_text(ACME)
    NetmikoDriver.preload([folder])
    assert platform_of("cisco_nxos").save == "keep"
    assert netmiko_type("cisco_nxos") == "cisco_nxos"


def test_a_file_that_is_like_nothing_logs_in_as_netmikos_generic(folder: Path) -> None:
    (folder / "bare.toml").write_text('about = "Bare"\nsource = ["a console"]\n')
    NetmikoDriver.preload([folder])
    assert netmiko_type("bare") == "generic"
    assert netmiko_type("bare_telnet") == "generic_telnet"


def test_a_wrong_file_spoils_its_own_type_alone(folder: Path) -> None:
    (folder / "broken.toml").write_text('about = "Broken"\nlike = "cisco_ios"\n[commit]\nfailed = "(x"\n')
    with pytest.raises(BookError, match=r"broken.toml: commit.failed: missing \)"):
        NetmikoDriver.preload([folder])
    assert arguments("acme_os").device_type == "acme_os"
    with pytest.raises(
        ValidationError, match="data file for 'broken' cannot be used; the broker's log says why"
    ) as told:
        arguments("broken")
    assert str(folder) not in str(told.value)


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="there is no directory"):
        NetmikoDriver.preload([tmp_path / "nowhere"])
    assert platform_of("cisco_ios").telling


def test_files_that_others_are_like_are_no_device_types() -> None:
    for name in ("confd", "nokia_sros_md", *(NOT_DEVICES - {AUTODETECT})):
        with pytest.raises(ValidationError):
            arguments(name)


@pytest.mark.parametrize("name", device_types())
def test_each_type_is_told_about(name: str) -> None:
    row = coverage_of(name)
    assert (row.ssh and name in CLASS_MAPPER) or f"{name}_telnet" in CLASS_MAPPER
    assert row.known in {"whole", "generic", "query only"}
    assert (row.known == "query only") == (row.change == "")
