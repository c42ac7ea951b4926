"""The kept connection: how many there are, how they end, TLS, and what goes wrong on the way."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from netpulse_drivers import (
    AuthenticationFailed,
    CertificateUntrusted,
    CommandRefused,
    CommandTimeout,
    ConnectError,
    ConnectTimeout,
    DriverError,
    InvalidArguments,
    NegotiationFailed,
    OutputTooLarge,
    PrivilegeRefused,
    SessionLost,
)
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.pyeapi.conftest import Client

Make = Callable[..., Client]


@pytest.mark.parametrize("transport", ["http", "https"])
def test_many_requests_take_one_connection(
    make_client: Make, lab: SimulatorLab, switch: SimulatedDevice, certificate: str, transport: str
) -> None:
    trusted = {"ca_file": certificate} if transport == "https" else {}
    client = make_client(switch, transport=transport, **trusted)
    client.connect()
    for _ in range(300):
        client.query("show hostname")
    counters = lab.counters(switch)
    assert (counters.connections, counters.logins, counters.requests) == (1, 1, 301)


def test_text_and_json(client: Client) -> None:
    assert client.query("show version").output["modelName"] == "vEOS-lab"
    assert client.query("show version", encoding="text").output.startswith("Arista vEOS-lab")
    assert "Timezone: UTC" in client.query("show clock", encoding="text").output
    assert "Timezone: UTC" in client.query("show clock").output  # has no JSON form


def test_enable_mode_off(client: Client) -> None:
    assert client.query("show version", enable=False).output["mfgName"] == "Arista"
    with pytest.raises(CommandRefused):
        client.query("show running-config", enable=False, encoding="text")


# -- how a connection ends --------------------------------------------------------------------------------------------


def test_announced_end_costs_a_connection_and_no_error(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    lab.set_faults(switch, http_requests=3)
    client.query("show hostname")
    for _ in range(9):
        client.again("show hostname")
    assert client.driver.is_alive(client.session)
    assert lab.counters(switch).connections == 4


def test_unannounced_end_between_two_commands_of_a_job(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    client.query("show hostname")
    lab.drop(switch, "close")
    assert client.again("show hostname").output["hostname"] == "s1"
    assert lab.counters(switch).connections == 2


def test_keepalive_makes_a_closed_connection_anew(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    client.call("query")
    assert client.driver.keepalive(client.session)
    lab.drop(switch, "close")
    client.again("show hostname")
    assert client.driver.keepalive(client.session)


class Unreliable:
    """A server that answers the first requests of all, then takes one without a word and closes."""

    def __init__(self, good: int, *, body: bytes = b"") -> None:
        self.requests: list[bytes] = []
        self._good = good
        self._body = body or b'{"jsonrpc":"2.0","id":"1","result":[{},{"hostname":"s1"}]}'
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._connection = connection
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        while data := connection.recv(65536):
            while b"}" not in data:
                data += connection.recv(65536)
            self.requests.append(data)
            if len(self.requests) == self._good + 1:
                return
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self._body)}\r\n\r\n".encode()
            connection.sendall(head + self._body)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._connection is not None:
            with contextlib.suppress(OSError):  # closed already
                self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)


@pytest.fixture
def unreliable() -> Iterator[Callable[..., tuple[Unreliable, dict[str, Any]]]]:
    servers: list[Unreliable] = []

    def make(good: int, **how: Any) -> tuple[Unreliable, dict[str, Any]]:
        servers.append(Unreliable(good, **how))
        return servers[-1], {"port": servers[-1].port}

    yield make
    for server in servers:
        server.close()


def test_read_that_met_the_end_of_a_kept_connection_is_repeated(
    make_client: Make, switch: SimulatedDevice, unreliable: Callable[..., Any]
) -> None:
    server, where = unreliable(1)
    client = make_client(switch, **where)
    client.connect()
    assert client.query("show hostname").output == {"hostname": "s1"}
    assert len(server.requests) == 3


def test_anything_else_is_not_repeated(
    make_client: Make, switch: SimulatedDevice, unreliable: Callable[..., Any]
) -> None:
    server, where = unreliable(1)
    client = make_client(switch, **where)
    client.connect()
    with pytest.raises(SessionLost):
        client.query("clear counters")
    assert len(server.requests) == 2


def test_read_on_a_new_connection_is_not_repeated(
    make_client: Make, switch: SimulatedDevice, unreliable: Callable[..., Any]
) -> None:
    server, where = unreliable(0)
    with pytest.raises(SessionLost):
        make_client(switch, **where).connect()
    assert len(server.requests) == 1


def test_answer_that_is_too_large(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netpulse_drivers.pyeapi.transport.LARGEST_ANSWER", 1_000_000)
    lab.set_faults(switch, tech_support_bytes=5_000_000)
    with pytest.raises(OutputTooLarge) as caught:
        client.query("show tech-support", encoding="text")
    assert caught.value.session_usable
    assert client.again("show version").output.startswith("Arista")
    assert client.query("show version").output["mfgName"] == "Arista"


def test_break_from_another_thread(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    lab.drop(switch, "freeze")
    errors: list[DriverError] = []
    written = threading.Event()

    def ask() -> None:
        try:
            client.again("show version")
        except DriverError as error:
            errors.append(error)

    client.call("query")
    client.driver.call.before_write = written.set
    thread = threading.Thread(target=ask)
    thread.start()
    assert written.wait(60)
    client.driver.abort(client.session)
    thread.join(60)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [SessionLost]
    assert not client.driver.is_alive(client.session)
    assert lab.counters(switch).connections == 1


# -- TLS --------------------------------------------------------------------------------------------------------------


def test_self_signed_certificate_needs_consent(make_client: Make, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    with pytest.raises(CertificateUntrusted) as caught:
        make_client(switch, transport="https").connect()
    error = caught.value
    assert "self-signed certificate" in error.message
    assert "as ca, " in error.message
    assert "verify: false" in error.message
    assert not error.retryable
    assert lab.counters(switch).requests == 0
    consenting = make_client(switch, transport="https", verify=False)
    consenting.connect()
    assert consenting.query("show version").output["mfgName"] == "Arista"


def test_certificate_of_another_name(make_client: Make, switch: SimulatedDevice, certificate: str) -> None:
    client = make_client(switch, transport="https", ca_file=certificate, server_name="other.example")
    with pytest.raises(CertificateUntrusted, match="server_name"):
        client.connect()


def test_wrong_transport_is_told(make_client: Make, switch: SimulatedDevice) -> None:
    with pytest.raises(NegotiationFailed, match="is transport http meant"):
        make_client(switch, transport="https", port=switch.http_port).connect()
    with pytest.raises((NegotiationFailed, ConnectError, SessionLost)):
        make_client(switch, transport="http", port=switch.https_port).connect()


def signed(user: str) -> tuple[str, str, str]:
    """Texts (PEM): an authority's certificate, a client certificate that it signed and its key."""
    now = dt.datetime.now(dt.UTC)

    def certificate(subject: str, key: Any, issuer: str, signer: Any, *, ca: bool) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = certificate("lab authority", authority_key, "lab authority", authority_key, ca=True)
    client = certificate(user, key, "lab authority", authority_key, ca=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authority_text, client_text = (one.public_bytes(serialization.Encoding.PEM).decode() for one in (authority, client))
    return authority_text, client_text, private.decode()


def test_client_certificate(make_client: Make, lab: SimulatorLab, tmp_path: Path) -> None:
    authority, certificate, key = signed("admin")
    device = lab.add(name="s2", platform="eos", https_port=0, https_client_ca=authority)
    (tmp_path / "pem" / "client.pem").write_text(certificate)
    (tmp_path / "pem" / "broken.pem").write_text("no certificate: a secret line")
    (tmp_path / "keys" / "client.key").write_text(key)
    try:
        common = {"transport": "https_certs", "ca": device.certificate, "username": "", "password": ""}
        for proof in (
            {"certificate": certificate, "pkey": key},
            {"cert_file": "client.pem", "key_file": "client.key"},
        ):
            client = make_client(device, **proof, **common)
            client.connect()
            assert client.query("show version").output["mfgName"] == "Arista"
        with pytest.raises((NegotiationFailed, ConnectError, SessionLost)):
            make_client(device, transport="https", ca=device.certificate).connect()
        for name in ("cert_file", "ca_file"):
            others = {"cert_file": "client.pem", "key_file": "client.key"} | common | {name: "broken.pem"}
            others = {key: value for key, value in others.items() if not (name == "ca_file" and key == "ca")}
            with pytest.raises(InvalidArguments, match=rf"{name}.* cannot be used") as caught:
                make_client(device, **others).connect()
            assert "secret line" not in caught.value.message
    finally:
        lab.remove(device)


# -- the device refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (1000, CommandRefused, "could not|Internal trouble"),
        (1001, CommandRefused, "Internal trouble"),
        (1002, CommandRefused, "Internal trouble"),
        (1003, CommandRefused, '"encoding": "text"'),
        (1004, CommandRefused, "driver netmiko can"),
        (1005, PrivilegeRefused, "may not run 'show version'"),
    ],
)
def test_error_codes(  # noqa: PLR0917 - fixtures and parameters
    client: Client, lab: SimulatorLab, switch: SimulatedDevice, code: int, kind: type[Exception], says: str
) -> None:
    fault = {"match": "show version", "action": "refuse", "code": code, "text": "% Internal trouble", "times": 1}
    lab.set_faults(switch, commands=[fault])
    with pytest.raises(kind, match=says) as caught:
        client.query("show version", encoding="json")
    error: Any = caught.value
    assert error.device_output == "Internal trouble"
    assert error.details[0]["eapi_code"] == code
    assert error.session_usable
    assert client.query("show version").output["mfgName"] == "Arista"
    assert lab.counters(switch).connections == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [("show clock", "eAPI error 1003"), ("reload", "eAPI error 1004"), ("show nonsense", "eAPI error 1002")],
)
def test_real_refusals(client: Client, command: str, says: str) -> None:
    with pytest.raises(CommandRefused, match=says):
        client.query(command, encoding="json")
    assert client.query("show version").output["mfgName"] == "Arista"


def test_bad_enable_secret(make_client: Make, switch: SimulatedDevice) -> None:
    client = make_client(switch, enable_password="wrong-secret-here")
    client.connect()
    with pytest.raises(PrivilegeRefused, match="refused enable: Bad secret") as caught:
        client.query("show version")
    assert "wrong-secret-here" not in str(caught.value.to_dict())
    assert caught.value.session_usable


def test_password_changed_meanwhile(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    lab.set_faults(switch, auth_failures=1)
    with pytest.raises(AuthenticationFailed):
        client.query("show version")


@pytest.mark.parametrize("status", [404, 500, 503])
def test_http_errors(
    client: Client, make_client: Make, lab: SimulatorLab, switch: SimulatedDevice, status: int
) -> None:
    lab.set_faults(switch, http_status=status)
    with pytest.raises((ConnectError, CommandRefused), match=str(status)):
        client.query("show version")
    with pytest.raises(ConnectError, match=str(status)) as caught:
        make_client(switch).connect()
    assert caught.value.device_output == "the agent is not well"


def test_silence_at_connect_and_later(make_client: Make, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    client = make_client(switch)
    client.connect()
    lab.set_faults(switch, frozen=True)
    with pytest.raises(CommandTimeout):
        client.query("show version", within=0.3)
    assert not client.driver.is_alive(client.session)
    with pytest.raises((CommandTimeout, ConnectTimeout)):
        make_client(switch).connect(within=0.3)
    lab.clear_faults(switch)


def test_library_prints_nothing(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice, capfd: pytest.CaptureFixture[str]
) -> None:
    lab.set_faults(switch, http_status=500)
    with pytest.raises(CommandRefused):
        client.query("show version")
    lab.clear_faults(switch)
    lab.drop(switch, "rst")
    client.again("show version")
    assert capfd.readouterr() == ("", "")
