"""`netpulse driver`: a driver's author tries his own driver, with the profiles of docs/write-a-driver.md."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from netpulse_broker.cli import main
from netpulse_drivers.conformance import CLAUSES
from netpulse_lab import SimulatorLab
from tests.lab.real import SshdHost
from tests.lab.shouting_device import ShoutingDevice, install_page_driver, page_blocks


def netpulse(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netpulse_broker.cli", "driver", *arguments],
        env={name: value for name, value in os.environ.items() if not name.startswith("NETPULSE_")} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Clause to its line of the table, without what the line says the clause is."""
    found = {}
    for clause in CLAUSES:
        line = next(line for line in done.stdout.splitlines() if line.startswith(clause.says))
        found[clause.name] = line[len(clause.says) :].strip()
    return found


def broken(done: subprocess.CompletedProcess[str]) -> set[str]:
    return {name for name, said in verdicts(done).items() if said.startswith("FAIL")}


def profile(directory: Path, text: str, **replaced: str) -> str:
    """A profile of the page, with its example address and the like replaced."""
    for old, new in replaced.items():
        text = text.replace(f"{old} = ", f"{old} = {new} # ", 1)
    file = directory / "profile.toml"
    file.write_text(text)
    return str(file)


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    install_page_driver(tmp_path / "plugins")
    return tmp_path / "plugins"


def addressed(connection_args: Mapping[str, object]) -> dict[str, str]:
    return {"host": f'"{connection_args["host"]}"', "port": str(connection_args["port"])}


# -- the page ---------------------------------------------------------------------------------------------------------


def test_driver_of_the_page_keeps_the_contract(tmp_path: Path, plugins: Path) -> None:
    with ShoutingDevice() as device:
        file = profile(tmp_path, page_blocks("toml")[1], **addressed(device.connection_args))
        done = netpulse("test", "custom", "--plugins", str(plugins), "--profile", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert broken(done) == set()
    said = verdicts(done)
    assert said["cut_session_is_noticed_and_the_next_connect_works"] == "pass"
    assert said["unreachable"] == "pass"
    assert said["abort_makes_a_blocked_call_return"] == "pass"
    assert said["disconnect_is_called_by_nobody_else"] == "pass"
    assert said["dry_run_changes_nothing"].startswith("not applicable  the driver has no config()")
    assert "0 FAIL" in done.stdout


def test_installed_driver_is_found_by_its_entry_point(tmp_path: Path, plugins: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (plugins / "custom").rename(site / "acme_custom")
    metadata = site / "acme_custom-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-custom\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[netpulse.drivers]\ncustom = acme_custom.custom:CustomDriver\n")
    listed = netpulse("list", PYTHONPATH=str(site))
    assert listed.returncode == 0, listed.stderr
    assert "entry point custom = acme_custom.custom:CustomDriver" in listed.stdout
    with ShoutingDevice() as device:
        address = [f"--arg={key}={value}" for key, value in device.connection_args.items()]
        asked = ["--query", "hello", "--shows", "HELLO", "--only", "outputs_are_json_ready"]
        done = netpulse("test", "custom", *address, *asked, PYTHONPATH=str(site))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 pass, 0 FAIL, 0 not applicable" in done.stdout


# -- what it finds ----------------------------------------------------------------------------------------------------

DEFECTS = [
    ("raise SessionStale(", "pass  # raise SessionStale(", {"cut_session_is_noticed_and_the_next_connect_works"}),
    ("self.call.before_write()", "", {"write_guard_stops_an_operation_before_it_writes"}),
    ("self.call.deadline.remaining(at_most=30)", "12", {"deadline_ends_a_query_that_is_not_answered"}),
    ("session_usable=False", "session_usable=True", {"deadline_ends_a_query_that_is_not_answered"}),
    ("raise ConnectError(", "raise RuntimeError(", {"unreachable"}),
    ('return answer.decode().rstrip("\\n")', "return answer", {"outputs_are_json_ready"}),
    (
        "        session.close()",
        "        session.sendall(b'bye')\n        session.close()",
        {"disconnect_is_called_by_nobody_else"},
    ),
    (
        "        session.close()",
        "        if not self.is_alive(session): raise SessionLost('closed already')\n        session.close()",
        {"disconnect_of_a_dead_session"},
    ),
    ("cut_connection(session)", "self.is_alive(session)", {"abort_makes_a_blocked_call_return"}),
    (
        "cut_connection(session)",
        "while session.recv(65536): pass",
        {"abort_makes_a_blocked_call_return", "abort_just_before_a_write", "disconnect_is_called_by_nobody_else"},
    ),
    ("cut_connection(session)", "self.disconnect(session)", {"disconnect_is_called_by_nobody_else"}),
    (
        "raise SessionStale(",
        "self.disconnect(session)\n            raise SessionStale(",
        {"disconnect_is_called_by_nobody_else"},
    ),
]
"""What is taken out of the page's driver, what stands there instead, and the clauses that must notice."""


@pytest.mark.parametrize(
    ("kept", "instead", "clauses"),
    DEFECTS,
    ids=[f"{instead.strip()[:30]} for {kept.strip()[:30]}" for kept, instead, _ in DEFECTS],
)
def test_defect_is_named(tmp_path: Path, plugins: Path, kept: str, instead: str, clauses: set[str]) -> None:
    code = plugins / "custom" / "custom.py"
    text = code.read_text()
    assert kept in text
    code.write_text(text.replace(kept, instead))
    with ShoutingDevice() as device:
        file = profile(tmp_path, page_blocks("toml")[1], **addressed(device.connection_args))
        done = netpulse("test", "custom", "--plugins", str(plugins), "--profile", file)
    assert done.returncode == 1, done.stdout + done.stderr
    assert clauses <= broken(done), done.stdout


# -- devices with a login ---------------------------------------------------------------------------------------------


def test_changes_are_tried_and_taken_back(tmp_path: Path) -> None:
    with SimulatorLab() as lab:
        device = lab.add(name="r1", platform="ios")
        before = lab.running_config(device)
        file = profile(tmp_path, page_blocks("toml")[2], host=f'"{device.host}"', port=str(device.port))
        secrets = {"DEVICE_PASSWORD": device.password, "DEVICE_SECRET": device.secret}
        done = netpulse("test", "netmiko", "--profile", file, **secrets)
        after = lab.running_config(device)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(verdicts(done).values()) == {"pass"}
    assert "description set by a test" not in after
    assert after.count("interface") == before.count("interface")
    for secret in secrets.values():
        assert secret not in done.stdout + done.stderr


def test_change_that_cannot_be_taken_back_is_said(tmp_path: Path) -> None:
    with SimulatorLab() as lab:
        device = lab.add(name="r1", platform="ios")
        text = page_blocks("toml")[2].replace('undo = ["interface GigabitEthernet0/1"', 'undo = ["interface Vlan1"')
        file = profile(tmp_path, text, host=f'"{device.host}"', port=str(device.port))
        secrets = {"DEVICE_PASSWORD": device.password, "DEVICE_SECRET": device.secret}
        done = netpulse("test", "netmiko", "--profile", file, "--only", "change", **secrets)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "'description set by a test' could not be taken back" in done.stdout


@pytest.mark.sshd
def test_against_a_real_sshd(tmp_path: Path, sshd_host: SshdHost) -> None:
    device = sshd_host.device
    proof = 'password = { env = "HOST_PASSWORD" }' if device.password else f'pkey = {{ file = "{device.key_file}" }}'
    file = tmp_path / "linux.toml"
    file.write_text(
        'query = "echo $((6 * 7))"\nquery_shows = "42"\nrefused_query = "nonsense-here"\n'
        f'[connection_args]\ndevice_type = "linux"\nhost = "{device.host}"\nport = {device.port}\n'
        f'username = "{device.username}"\n{proof}\n'
    )
    done = netpulse("test", "netmiko", "--profile", str(file), HOST_PASSWORD=device.password)
    assert done.returncode == 0, done.stdout + done.stderr
    said = verdicts(done)
    assert said["keepalive_of_a_silent_device"] == "pass"
    assert said["refused_query_keeps_the_session"] == "pass"
    assert said["change"].startswith("not applicable  the profile has no change")


# -- what it is given -------------------------------------------------------------------------------------------------

ASKED = ("--query", "hello", "--shows", "HELLO")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command in this process, which must end with status 2; what it says on standard error."""

    def run(*arguments: str) -> str:
        monkeypatch.setenv("NETPULSE_KNOWN_HOSTS", "")  # the command sets it; put back afterwards
        monkeypatch.setattr(sys, "argv", ["netpulse", "driver", "test", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert ended.value.code == 2, said
        return said

    return run


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nobody",), "unknown driver 'nobody'; known drivers: custom, napalm, netmiko, pyeapi"),
        (("custom",), "query: Field required"),
        (("custom", *ASKED), "host: Field required"),
        (("custom", *ASKED, "--arg", "host=127.0.0.1"), "has no usable 'port'"),
        (("custom", *ASKED, "--arg", "host"), "--arg takes KEY=VALUE"),
        (("custom", *ASKED, "--arg", "password=shown-to-all"), "would show a secret in the list of processes"),
        (("netmiko", *ASKED, "--arg", "passphrase=shown-to-all"), "would show a secret in the list of processes"),
        (("custom", *ASKED, "--env", "password=NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (("custom", *ASKED, "--ask", "password"), "needs a terminal; use --env password=VARIABLE"),
        (("custom", *ASKED, "--only", "nonsense"), "unknown clause 'nonsense'"),
        (("custom", "--profile", "/nonexistent.toml"), "cannot be read"),
        (("custom", *ASKED, "--arg", "host=127.0.0.1", "--arg", "port=1"), "127.0.0.1 port 1: "),
    ],
)
def test_what_cannot_be_tried_is_said(
    plugins: Path, refused: Callable[..., str], arguments: tuple[str, ...], says: str
) -> None:
    said = refused(*arguments, "--plugins", str(plugins))
    assert says in said
    assert "shown-to-all" not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("query = ", "no valid TOML"),
        ('query = "x"\nquery_shows = "x"\nqery = 1\n', "qery: Extra inputs are not permitted"),
        ('query = "x"\nquery_shows = "x"\nchange = ["x"]\n', "change needs change_shows, undo"),
        ('query = "x"\nquery_shows = "x"\nrefused_change = ["x"]\n', "refused_change needs three lines"),
    ],
)
def test_wrong_profile_is_refused(
    tmp_path: Path, plugins: Path, refused: Callable[..., str], text: str, says: str
) -> None:
    assert says in refused("custom", "--plugins", str(plugins), "--profile", profile(tmp_path, text))


def test_list_names_what_failed_to_load(plugins: Path) -> None:
    (plugins / "broken").mkdir()
    (plugins / "broken" / "__init__.py").write_text("__all__ = []\n")
    done = netpulse("list", "--plugins", str(plugins))
    assert done.returncode == 1
    assert f"failed to load {plugins / 'broken'}: __init__.py must list the driver classes" in done.stderr
    listed = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert {"custom", "napalm", "netmiko", "pyeapi"} <= set(listed)
    assert str(plugins / "custom") in listed["custom"]
    assert "confirm" in listed["pyeapi"]
    assert "lease" in listed["netmiko"]
