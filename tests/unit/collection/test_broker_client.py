"""The HTTP client against a real server on loopback."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import (
    BrokerClient,
    BrokerError,
    BrokerUnreachable,
    NotABroker,
    RequestInterrupted,
    RequestRefused,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.collection.contract_server import ContractServer, Reply, job, ok, refused


def test_key_and_body_arrive_and_one_connection_serves_all(server: ContractServer) -> None:
    server.script = [ok({"id": "1"}, 201), ok(job())]
    with BrokerClient(server.url, api_key="the-key") as client:
        assert client.post("/device/execute", {"a": "ä"}, timeout=5) == (201, {"id": "1"})
        assert client.job("x/y", timeout=5)["id"] == "job-1"
    first, second = server.seen
    assert (first.body, first.headers["X-API-KEY"]) == ({"a": "ä"}, "the-key")
    assert second.path == "/job/x%2Fy"
    assert first.connection == second.connection


def test_path_of_the_url_is_kept(server: ContractServer) -> None:
    server.script = [ok(job())]
    with BrokerClient(f"{server.url}/netpulse/") as client:
        client.job("1", timeout=5)
    assert server.seen[0].path == "/netpulse/job/1"
    assert "X-API-KEY" not in server.seen[0].headers


def test_refused_port_names_url_and_reason() -> None:
    with socket.socket() as reserved:  # bound, not listening: connections to it are refused
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with BrokerClient(url) as client, pytest.raises(BrokerUnreachable) as raised:
            client.job("1", timeout=5)
    assert str(raised.value) == f"cannot reach the broker at {url}: Connection refused"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("netpulse:9000", "must look like https://name:9000"),
        ("ftp://netpulse", "must look like https://name:9000"),
        ("http://netpulse:port", "no number from 1 to 65535"),
        ("http://netpulse:0", "no number from 1 to 65535"),
        ("http://user:word@netpulse", "must not hold a user name or password"),
        ("ftp://user:word@netpulse", "must not hold a user name or password"),
        ("http://user:word@[::1", "must look like https://name:9000"),
        ("http://127.0.0.1:9000 ", "holds a blank"),
        ("http://127.0.0.1:9000/net pulse", "holds a blank"),
        ("http://127.0.0.1:9000\n", "holds a blank, a line break"),
        ("http://nétpulse:9000", "another character that no URL has"),
        ("http://netpulse:9000/?a=b", "leave out what follows"),
        ("{{ netpulse }}", "a template that was not rendered"),
    ],
)
def test_unusable_url_is_refused_at_once(url: str, says: str) -> None:
    with pytest.raises(BrokerError) as raised:
        BrokerClient(url)
    assert says in str(raised.value)
    assert "word" not in str(raised.value).replace("password", "")


@pytest.mark.parametrize(
    "key", ["the\nkey", "the-key\n", "the kéy", "thé-key", "the key", "{{ the_key }}", "the\x00key"]
)
def test_key_that_no_header_can_hold_is_refused_and_not_shown(server: ContractServer, key: str) -> None:
    with pytest.raises(BrokerError, match="NETPULSE_API_KEY") as raised:
        BrokerClient(server.url, api_key=key)
    assert "the-key" not in str(raised.value)
    assert key not in str(raised.value)
    assert key not in repr(raised.value.to_dict())


@pytest.mark.parametrize(
    "answer",
    [b"secret line that is no HTTP\r\n\r\n", b"HTTP/1.1 secret\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"secret" * 20000],
)
def test_words_of_the_http_library_are_not_passed_on(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answers() -> None:
            for _ in range(2):
                connection, _address = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=answers, daemon=True)
        thread.start()
        with BrokerClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            for send in (lambda: client.get("/a", timeout=5), lambda: client.post("/b", {}, timeout=5)):
                with pytest.raises(RequestInterrupted) as raised:
                    send()
                assert "secret" not in str(raised.value)
        thread.join(10)


def test_path_that_cannot_be_sent_is_no_interruption(server: ContractServer) -> None:
    with BrokerClient(server.url) as client, pytest.raises(BrokerError) as raised:
        client.get("/a\r\nX-Other: b", timeout=5)
    assert not isinstance(raised.value, RequestInterrupted)
    assert server.seen == []


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        (refused(401, "no API key", "unauthenticated"), "unauthenticated", "set api_key, netpulse_api_key"),
        (refused(403, "wrong key", "forbidden"), "forbidden", "refuses this API key: wrong key"),
        (refused(503, "no node", "no_worker", retryable=True), "no_worker", "cannot take the job now: no node"),
        (
            refused(
                422,
                "the request does not validate",
                "invalid_request",
                details=[{"loc": ["connection_args", "device_type"], "msg": "unknown device_type", "type": "value"}],
            ),
            "invalid_request",
            "(connection_args.device_type: unknown device_type)",
        ),
    ],
)
def test_refusals_keep_code_status_and_text(server: ContractServer, reply: Reply, code: str, says: str) -> None:
    server.script = [reply]
    with BrokerClient(server.url) as client, pytest.raises(RequestRefused) as raised:
        client.post("/device/execute", {}, timeout=5)
    assert (raised.value.code, raised.value.status) == (code, reply.status)
    assert raised.value.retryable == (code == "no_worker")
    assert says in str(raised.value)
    assert server.url in str(raised.value)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(404, raw=b"<html>Not here</html>"), "HTTP 404 Not Found, text/html"),
        (Reply(200, raw=b"[1]"), "check broker_url"),
        (Reply(301, raw=b"", headers={"Location": "https://other/"}), "it redirects to https://other/"),
    ],
)
def test_something_else_at_the_url_is_told_from_a_broker(server: ContractServer, reply: Reply, says: str) -> None:
    server.script = [reply]
    with BrokerClient(server.url) as client, pytest.raises(NotABroker) as raised:
        client.job("1", timeout=5)
    assert says in str(raised.value)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_proxy_that_lost_the_broker_may_have_handed_the_request_on(server: ContractServer, status: int) -> None:
    server.script = [Reply(status, raw=b"<html>Sorry</html>")]
    with BrokerClient(server.url) as client, pytest.raises(RequestInterrupted, match=rf"a proxy .* \(HTTP {status} "):
        client.post("/device/execute", {}, timeout=5)
    assert len(server.seen) == 1


def test_connection_that_breaks_after_the_request_may_have_done_something(server: ContractServer) -> None:
    server.script = [Reply(hang_up=True)]
    with BrokerClient(server.url) as client, pytest.raises(RequestInterrupted):
        client.post("/device/execute", {}, timeout=5)
    assert len(server.seen) == 1


def test_answer_that_does_not_come_is_an_interruption() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        BrokerClient(f"http://127.0.0.1:{silent.getsockname()[1]}") as client,
        pytest.raises(RequestInterrupted, match="did not answer GET /job/1 within"),
    ):
        client.job("1", timeout=0.05)


def test_reading_is_repeated_on_a_kept_connection_that_the_server_has_closed(server: ContractServer) -> None:
    server.script = [ok(job()), Reply(hang_up=True), ok(job())]
    with BrokerClient(server.url) as client:
        client.job("1", timeout=5)
        assert client.job("2", timeout=5)["id"] == "job-1"
    assert [one.path for one in server.seen] == ["/job/1", "/job/2", "/job/2"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize("trust", ["ca_path", "validate_certs"])
def test_tls_with_a_trusted_certificate_and_without_checking(certificate: Path, trust: str) -> None:
    options: dict[str, Any] = {"ca_path": str(certificate)} if trust == "ca_path" else {"validate_certs": False}
    with ContractServer(certificate=certificate) as server:
        server.script = [ok(job())]
        with BrokerClient(server.url, **options) as client:
            assert client.job("1", timeout=5)["id"] == "job-1"


def test_untrusted_certificate_says_what_to_set(certificate: Path) -> None:
    with ContractServer(certificate=certificate) as server:
        server.script = [ok(job())]
        with BrokerClient(server.url) as client, pytest.raises(BrokerUnreachable, match=r"not trusted .*set ca_path"):
            client.job("1", timeout=5)
    assert server.seen == []


def test_unreadable_ca_file_is_named() -> None:
    with pytest.raises(BrokerError, match=r"'/nowhere/ca\.pem' cannot be used: No such file"):
        BrokerClient("https://127.0.0.1:9", ca_path="/nowhere/ca.pem")
