"""Every way in which a device or its connection can misbehave, as the driver must report it."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from netpulse_drivers import (
    AuthenticationFailed,
    CommandRefused,
    CommandTimeout,
    ConnectError,
    ConnectTimeout,
    NegotiationFailed,
    PrivilegeRefused,
    SessionLost,
    SessionRefused,
    SessionStale,
)
from tests.conformance.netmiko.conftest import Client
from tests.lab.simulator import SimulatedDevice, SimulatorLab

Login = Callable[..., tuple[SimulatedDevice, Client]]
NewDevice = Callable[..., SimulatedDevice]
ClientOf = Callable[..., Client]


def eventually(condition: Callable[[], Any], *, within: float = 10.0) -> Any:
    """Wait for a condition; its value."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, "condition did not come true"
        time.sleep(0.005)
    return value


# -- connecting -------------------------------------------------------------------------------------------------------


def test_wrong_password_is_no_retryable_connect_error(
    new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab
) -> None:
    device = new_device()
    with pytest.raises(AuthenticationFailed) as caught:
        client_of(device, password="wrong-password").connect()
    assert not caught.value.retryable
    assert "wrong-password" not in str(caught.value.to_dict())
    assert lab.counters(device).logins == 0


def test_refused_port_says_unreachable(new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab) -> None:
    device = new_device()
    client = client_of(device)
    lab.remove(device)
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        client.connect()
    assert caught.value.code == "device_unreachable"
    lab.add(name=device.name)  # the fixture removes it


def test_name_that_does_not_resolve(make_client: Callable[..., Client]) -> None:
    client = make_client(device_type="cisco_ios", host="no-such-host.invalid", username="u", password="p")
    with pytest.raises(ConnectError, match="cannot be resolved"):
        client.connect()


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"on_connect": "rst"}, ConnectError),
        ({"on_connect": "close"}, ConnectError),
        ({"on_connect": "hang"}, ConnectTimeout),
        ({"banner_delay": 30.0}, ConnectTimeout),
        ({"auth_delay": 30.0}, ConnectTimeout),
        ({"on_login": "rst"}, SessionRefused),
        ({"on_login": "close"}, SessionRefused),
        ({"on_login": "hang"}, ConnectTimeout),
        ({"on_login": "freeze"}, ConnectTimeout),
        ({"frozen": True}, ConnectTimeout),
        ({"session_limit": 0, "session_limit_at": "connect"}, ConnectError),
        ({"session_limit": 0, "session_limit_at": "login"}, SessionRefused),
    ],
    ids=lambda value: "-".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value.__name__,
)
def test_login_that_fails_names_its_cause(
    new_device: NewDevice, client_of: ClientOf, faults: dict[str, Any], error: type[ConnectError]
) -> None:
    client = client_of(new_device(faults=faults), timeout=1.5, banner_timeout=0.8, auth_timeout=0.8)
    with pytest.raises(ConnectError) as caught:
        client.connect()
    assert type(caught.value) is error, caught.value
    assert caught.value.retryable


def test_slow_banner_is_waited_for(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = threading.Thread(target=relay_late, args=(listener, (device.host, device.port), 0.3), daemon=True)
        relay.start()
        client = client_of(device, port=listener.getsockname()[1])
        client.connect()
        assert "Cisco IOS" in client.query("show version").output
        client.close()
        relay.join(10)
    assert not relay.is_alive()


def relay_late(listener: socket.socket, target: tuple[str, int], delay: float) -> None:
    """Serve one connection: nothing is said for ``delay`` seconds, then everything is passed on both ways."""
    near, _ = listener.accept()
    with near:
        time.sleep(delay)
        with socket.create_connection(target) as far:
            other = {near: far, far: near}
            while True:
                for source in select.select([near, far], [], [])[0]:
                    try:
                        data = source.recv(65_536)
                    except ConnectionResetError:
                        return
                    if not data:
                        return
                    other[source].sendall(data)


def test_the_calls_deadline_bounds_the_login(new_device: NewDevice, client_of: ClientOf) -> None:
    client = client_of(new_device(faults={"on_connect": "hang"}), banner_timeout=60, timeout=60)
    with pytest.raises(ConnectTimeout):
        client.connect(within=0.5)


def test_session_limit_says_so_and_keeps_the_text(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device(faults={"session_limit": 1})
    client_of(device).connect()
    with pytest.raises(SessionRefused) as caught:
        client_of(device).connect()
    assert caught.value.phase == "connect"


def test_wrong_device_type_shows_what_the_device_said(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device()
    client = client_of(device, device_type="linux", timeout=2)
    with pytest.raises(ConnectError) as caught:
        client.connect()
    assert caught.value.code == "prompt_not_found"
    assert "linux" in caught.value.message
    assert "r1" in caught.value.device_output


def test_old_algorithms(new_device: NewDevice, client_of: ClientOf) -> None:
    client = client_of(new_device(ssh_profile="old_algorithms"))
    session = client.connect()
    ssh = client.driver.device_info(session)["ssh"]
    assert (ssh["kex"], ssh["host_key"], ssh["cipher"]) == ("diffie-hellman-group14-sha1", "ssh-rsa", "aes128-cbc")
    assert "Cisco IOS" in client.query("show version").output


def test_failed_negotiation_names_both_sides(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device(ssh_profile="old_algorithms")
    client = client_of(device, disabled_algorithms={"kex": ["diffie-hellman-group14-sha1"]})
    with pytest.raises(NegotiationFailed) as caught:
        client.connect()
    message = caught.value.message
    assert "key exchange: the device offers diffie-hellman-group14-sha1, we offer curve25519-sha256" in message
    assert caught.value.details[0]["device"] == ["diffie-hellman-group14-sha1"]
    assert not caught.value.retryable


@pytest.mark.parametrize("platform", ["ios", "eos"])
def test_banner_and_motd_with_prompt_characters(new_device: NewDevice, client_of: ClientOf, platform: str) -> None:
    device = new_device(
        platform, motd="##########\n# r1# and r1> #\n########## > ##", faults={"prompt_like_banner": True}
    )
    client = client_of(device)
    session = client.connect()
    assert session.prompt.text == "r1>"
    for _ in range(3):
        assert client.query("show version").output.strip().endswith(client.query("show version").output.strip()[-20:])


# -- queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        {"chunk_size": 1, "chunk_gap": 0.0},
        {"chunk_size": 3, "chunk_gap": 0.001},
        {"chunk_size": 7, "chunk_gap": 0.004},
        {"prompt_like_output": True},
        {"prompt_like_output": True, "chunk_size": 5, "chunk_gap": 0.002},
        {"latency": 0.03, "jitter": 0.02},
        {"garbage": True},
        {"syslog": True},
        {"syslog": True, "chunk_size": 9},
        {"prompt_like_output": True, "syslog": True, "latency": 0.01},
    ],
    ids="-".join,
)
def test_output_is_whole_whatever_the_delivery(login: Login, lab: SimulatorLab, faults: dict[str, Any]) -> None:
    device, client = login()
    client.query("terminal length 0")
    wanted = client.query("show version").output
    lab.set_faults(device, **faults)
    clean = not {"garbage", "syslog", "prompt_like_output"} & set(faults)
    for _ in range(4):
        got = client.query("show version").output
        if clean:
            assert got == wanted
        elif "garbage" not in faults:
            assert [line for line in wanted.splitlines() if line not in got.splitlines()] == []
    lab.clear_faults(device)
    assert client.query("show version").output == wanted
    assert lab.counters(device).logins == 1


def test_huge_output(login: Login, lab: SimulatorLab) -> None:
    _device, client = login(privilege=15, faults={"tech_support_bytes": 5_000_000})
    output = client.query("show tech-support", read_timeout=60, within=60).output
    assert len(output) > 4_900_000
    assert client.query("show clock").output


def test_pager_that_shows_up_anyway(login: Login, lab: SimulatorLab) -> None:
    device, client = login(privilege=15)
    wanted = client.query("show running-config").output
    client.query("terminal length 10")
    assert client.query("show running-config").output.rstrip() == wanted.rstrip()
    assert [line.kind for line in lab.log(device)].count("key") > 2


def test_command_that_is_refused_is_a_failure_with_the_devices_text(login: Login) -> None:
    _, client = login()
    with pytest.raises(CommandRefused) as caught:
        client.query("show nonsense")
    assert "% Invalid input" in caught.value.device_output
    assert caught.value.outputs[0].failed
    assert caught.value.session_usable
    assert client.query("show clock").output


def test_refusal_texts_in_the_middle_of_an_output_are_no_refusal(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    text = "logged: % Invalid input detected at '^' marker.\n  % Incomplete command.\nthe end: Error: x"
    lab.set_faults(device, commands=[{"match": "show logging", "action": "replace", "text": text}])
    assert "the end" in client.query("show logging").output


def test_check_errors_off_returns_the_refusal_as_output(login: Login) -> None:
    _, client = login()
    assert "% Invalid input" in client.query("show nonsense", check_errors=False).output


def test_open_question_is_never_answered(login: Login, lab: SimulatorLab) -> None:
    device, client = login(privilege=15)
    before = len(lab.log(device))
    with pytest.raises(CommandTimeout) as caught:
        client.query("reload", read_timeout=0.5)
    assert "confirm" in caught.value.device_output.lower() or "Save?" in caught.value.device_output
    assert not caught.value.session_usable
    assert client.session is not None
    assert not client.driver.is_alive(client.session)
    assert not client.keepalive()
    with pytest.raises(SessionStale):
        client.query("show clock")
    client.close()
    assert [line.line for line in lab.log(device)[before:]] == ["reload"]
    assert "reload" not in lab.event_names(device)
    client.connect()
    assert client.query("show clock").output


def test_a_dialogue_led_by_expect_string_goes_on_within_the_job_only(login: Login, lab: SimulatorLab) -> None:
    device, client = login(privilege=15)
    lab.set_faults(device, commands=[{"match": "clear counters", "action": "question", "text": "Clear? [confirm]"}])
    client.query("clear counters", expect_string=r"\[confirm\]|#\s*$")
    assert client.session is not None
    assert client.driver.is_alive(client.session)
    client.again("")
    assert client.query("show clock").output  # at the prompt again: any job may go on

    client.query("clear counters", expect_string=r"\[confirm\]")
    before = len(lab.log(device))
    assert not client.keepalive()  # nobody will answer: the session is given up, and nothing is typed
    with pytest.raises(SessionStale):
        client.query("show clock")
    assert lab.log(device)[before:] == []


@pytest.mark.parametrize("action", ["hang", "freeze"])
def test_command_without_end_times_out_and_keeps_what_came(login: Login, lab: SimulatorLab, action: str) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "show version", "action": action, "after_bytes": 100}])
    with pytest.raises(CommandTimeout) as caught:
        client.query("show version", read_timeout=0.5)
    assert "Cisco IOS" in caught.value.device_output
    assert not caught.value.session_usable


@pytest.mark.parametrize("action", ["rst", "close"])
def test_connection_cut_in_mid_output_is_a_lost_session(login: Login, lab: SimulatorLab, action: str) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "show version", "action": action, "after_bytes": 100}])
    with pytest.raises(SessionLost) as caught:
        client.query("show version")
    assert "Cisco IOS" in caught.value.device_output
    assert client.session is not None
    assert not client.driver.is_alive(client.session)


@pytest.mark.parametrize("action", ["rst", "close"])
def test_connection_cut_while_idle_is_stale_before_anything_is_written(
    login: Login, lab: SimulatorLab, action: str
) -> None:
    device, client = login()
    client.query("show clock")
    lab.drop(device, action)  # type: ignore[arg-type]
    assert client.session is not None
    eventually(lambda: not client.driver.is_alive(client.session))
    with pytest.raises(SessionStale):
        client.query("show clock")
    client.connect()
    assert client.query("show clock").output
    assert lab.commands(device).count("show clock") == 2


def test_messages_between_commands_are_no_dead_session(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    wanted = client.query("show ip interface brief").output
    for number in range(5):
        lab.announce(
            device, f"*Mar  1 00:00:0{number}.123: %LINK-3-UPDOWN: Interface Gi0/{number}, changed state to up"
        )
    assert client.session is not None
    stream = client.session.connection.live_stream()
    eventually(stream.channel.recv_ready)  # type: ignore[attr-defined]
    assert client.query("show ip interface brief").output == wanted
    assert client.session.notes
    assert lab.counters(device).logins == 1


def test_unknown_output_between_commands_closes_the_session_unwritten(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    before = len(lab.log(device))
    lab.announce(device, "Proceed with reload? [confirm]")
    assert client.session is not None
    stream = client.session.connection.live_stream()
    eventually(stream.channel.recv_ready)  # type: ignore[attr-defined]
    try:
        client.query("show clock")
    except SessionStale:
        assert lab.log(device)[before:] == []
    else:  # the simulator drew its prompt again behind the text
        assert lab.commands(device)[-1] == "show clock"


def test_device_renamed_by_somebody_else(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    client.query("show clock")
    lab.configure(device, "hostname other-name")
    assert client.query("show clock").output
    assert client.session is not None
    assert not client.driver.is_alive(client.session)  # answered, but a prompt of another name is not typed at
    with pytest.raises(SessionStale, match="other-name>"):
        client.query("show version")
    client.connect()
    assert client.query("show version").output


def test_write_guard_is_asked_before_every_write_and_may_refuse(login: Login, lab: SimulatorLab) -> None:
    class LeaseLost(Exception):
        pass

    device, client = login()
    before = len(lab.log(device))
    client.call("query")

    def refuse() -> None:
        raise LeaseLost

    client.driver.call.before_write = refuse
    assert client.session is not None
    with pytest.raises(LeaseLost):
        client.driver.send(client.session, "show clock")
    assert lab.log(device)[before:] == []
    assert client.query("show clock").output
    client.writes = 0
    client.change("interface Loopback1", "description x", save=True)
    typed = [line for line in lab.log(device)[before:] if line.line != "show clock"]
    assert client.writes == len(typed)


# -- privilege --------------------------------------------------------------------------------------------------------


def test_enable_for_one_query_does_not_leak_into_the_next_job(login: Login) -> None:
    _, client = login()
    assert "hostname" in client.query("show running-config", enable=True).output
    with pytest.raises(CommandRefused):
        client.query("show running-config")
    assert "hostname" in client.query("show running-config", enable=True).output


@pytest.mark.parametrize("platform", ["ios", "eos"])
@pytest.mark.parametrize("attempts", [1, 3])
def test_wrong_secret_is_refused_at_once_and_typed_once(
    new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab, attempts: int, platform: str
) -> None:
    device = new_device(platform, enable_attempts=attempts)
    client = client_of(device, secret="wrong-secret")
    client.connect()
    with pytest.raises(PrivilegeRefused) as caught:
        client.query("show running-config", enable=True)
    assert caught.value.phase == "privilege"
    assert "wrong-secret" not in str(caught.value.to_dict())
    assert [line.kind for line in lab.log(device)].count("secret") == 1
    assert client.session is not None
    assert client.driver.is_alive(client.session) == caught.value.session_usable
    if caught.value.session_usable:
        assert client.query("show clock").output


def test_missing_secret_says_what_to_give(new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab) -> None:
    device = new_device()
    client = client_of(device, secret=None)
    client.connect()
    with pytest.raises(PrivilegeRefused, match=r"connection_args\.secret"):
        client.query("show running-config", enable=True)
    assert "secret" not in [line.kind for line in lab.log(device)]


# -- keepalive --------------------------------------------------------------------------------------------------------


def test_keepalive_of_a_live_session(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    assert client.keepalive()
    assert client.session is not None
    assert client.session.answers_keepalive
    assert lab.commands(device)[-1] == ""


def test_keepalive_notices_a_frozen_device(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    assert client.keepalive()
    lab.drop(device, "freeze")
    assert not client.keepalive(within=1.0)
    assert client.session is not None
    assert not client.driver.is_alive(client.session)


def test_keepalive_notices_a_command_line_that_hangs_behind_a_living_ssh(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "^$", "action": "hang"}])
    assert not client.keepalive(within=1.0)
    assert client.session is not None
    assert client.session.answers_keepalive
    assert not client.driver.is_alive(client.session)


def test_keepalive_types_nothing_behind_messages_of_the_device(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    assert client.session is not None
    client.session.connection._read_buffer = "\r\n*Mar  1 00:00:01.000: %SYS-5-CONFIG_I: Configured from console\r\n"
    before = len(lab.log(device))
    assert client.keepalive()
    assert lab.log(device)[before:] == []
    assert client.query("show clock").output
