"""What `netpulse driver test` makes of a profile and its options, before anything is dialled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netpulse_broker.cli.driver_profile import Given, named_device
from netpulse_broker.cli.errors import TrialNotPossible
from netpulse_drivers.netmiko import NetmikoDriver

LINES = ('query = "show version"', 'query_shows = "IOS"', "[connection_args]", 'device_type = "cisco_ios"')
HOST = ("host=192.0.2.1", "port=22", "username=admin")


def profile(folder: Path, *more: str) -> Path:
    path = folder / "device.toml"
    path.write_text("\n".join((*LINES, *more)))
    return path


def refusal(given: Given) -> str:
    with pytest.raises(TrialNotPossible) as caught:
        named_device(NetmikoDriver, given)
    return caught.value.message


def test_file_and_options_make_one_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "from-the-environment")
    given = Given(
        file=profile(tmp_path),
        arguments=(*HOST, "keepalive=30"),
        from_environment=["password=LAB_PASSWORD"],
        shows="XE",
    )
    device = named_device(NetmikoDriver, given)
    assert device.connection_args == {
        "device_type": "cisco_ios",
        "host": "192.0.2.1",
        "port": 22,
        "username": "admin",
        "keepalive": 30,
        "password": "from-the-environment",
    }
    assert (device.profile.query, device.profile.query_shows) == ("show version", "XE")


def test_values_come_from_environment_and_files_at_every_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "one")
    key = tmp_path / "secret"
    key.write_text("two")
    path = profile(tmp_path, 'password = { env = "LAB_PASSWORD" }', f'secret = {{ file = "{key}" }}')
    arguments = named_device(NetmikoDriver, Given(file=path, arguments=HOST)).connection_args
    assert (arguments["password"], arguments["secret"]) == ("one", "two")


@pytest.mark.parametrize("key", ["password", "secret", "passphrase"])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(tmp_path: Path, key: str) -> None:
    said = refusal(Given(file=profile(tmp_path), arguments=(*HOST, f"{key}=hunter2")))
    assert f"--env {key}=VARIABLE" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (('colour = "blue"',), "unknown option 'colour'"),
        (("[unreachable", ""), "is no valid TOML"),
        (('password = { env = "NOT_SET_ANYWHERE" }',), "NOT_SET_ANYWHERE is not set"),
        (('password = { file = "/nowhere/at/all" }',), "cannot be read"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_place(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    assert says in refusal(Given(file=profile(tmp_path, *lines), arguments=HOST))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"query": "show version"}, "query_shows: Field required"),
        ({"query": "a", "query_shows": "b", "change": ["x"]}, "change needs change_shows, undo"),
        ({"query": "a", "query_shows": "b", "refused_change": ["x"]}, "refused_change needs three lines"),
        ({"query": "a", "query_shows": "b", "speed": 1}, "speed: Extra inputs"),
        ([], "holds no table of keys"),
    ],
)
def test_a_profile_says_what_belongs_together(tmp_path: Path, values: object, says: str) -> None:
    path = tmp_path / "device.json"
    path.write_text(json.dumps(values))
    assert says in refusal(Given(file=path))


def test_a_device_without_an_address_is_refused(tmp_path: Path) -> None:
    said = refusal(Given(file=profile(tmp_path), arguments=["username=admin"]))
    assert "host" in said


@pytest.mark.parametrize("pair", ["host", "=x"])
def test_an_option_takes_key_and_value(pair: str) -> None:
    assert refusal(Given(arguments=[pair])) == f"--arg takes KEY=VALUE, not '{pair.partition('=')[0]}'"
