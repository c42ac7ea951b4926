"""The controller's process: TLS, and what it says when it cannot start."""

from __future__ import annotations

import datetime as dt
import ipaddress
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from netpulse_broker.api.server import run_controller
from netpulse_broker.settings import Settings, SettingsError
from tests.lab.redis_server import RedisServer

MASTER_KEY = "bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0"

# Tells the port by writing it to standard output once requests are accepted.
PROGRAM = """
import sys
from netpulse_broker.api.server import run_controller
from netpulse_broker.settings import Settings

settings = Settings.model_validate_json(sys.argv[1])
sys.exit(run_controller(settings, ready=lambda: print("ready", flush=True)))
"""


def certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


def settings(redis_url: str, **controller: object) -> Settings:
    return Settings(
        redis={"url": redis_url},
        security={"master_key": MASTER_KEY, "api_key": "server-test-key"},
        controller={"port": 0} | controller,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_tls_and_a_clean_end(redis_server: RedisServer, tmp_path: Path, number: signal.Signals) -> None:
    cert_file, key_file = certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    document = (
        f'{{"redis": {{"url": "{redis_server.url}"}}, '
        f'"security": {{"master_key": "{MASTER_KEY}", "api_key": "server-test-key"}}, '
        f'"controller": {{"port": {port}, "tls_cert": "{cert_file}", "tls_key": "{key_file}"}}}}'
    )
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, document], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        while (line := process.stdout.readline()) != b"ready\n":
            assert line, "it ended before it was ready"
        trusted = ssl.create_default_context(cafile=str(cert_file))
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted) as client:
            assert client.get("/health/live").status_code == 200
            assert client.get("/job").status_code == 401
    finally:
        process.send_signal(number)
        assert process.wait(60) == 0
        process.stdout.close()


def test_an_address_that_is_taken(redis_server: RedisServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"cannot listen on 127\.0\.0\.1 port {port}: Address already in use"):
            run_controller(settings(redis_server.url, port=port))


def test_a_host_that_is_not_this_machine(redis_server: RedisServer) -> None:
    with pytest.raises(SettingsError, match=r"cannot listen on 192\.0\.2\.1"):
        run_controller(settings(redis_server.url, host="192.0.2.1"))


def test_a_certificate_that_cannot_be_used(redis_server: RedisServer, tmp_path: Path) -> None:
    cert_file, key_file = certificate(tmp_path)
    (tmp_path / "text.pem").write_text("no certificate")
    for cert, key in ((tmp_path / "missing.pem", key_file), (tmp_path / "text.pem", key_file), (cert_file, cert_file)):
        with pytest.raises(SettingsError, match=r"controller\.tls_cert and controller\.tls_key cannot be used"):
            run_controller(settings(redis_server.url, tls_cert=cert, tls_key=key))


def test_an_unknown_scheduler(redis_server: RedisServer) -> None:
    made = Settings(
        redis={"url": redis_server.url},
        security={"master_key": MASTER_KEY, "api_key": "server-test-key"},
        dispatch={"scheduler": "fastest"},
    )
    with pytest.raises(SettingsError, match="'fastest' is not known; write one of greedy"):
        run_controller(made)


@pytest.mark.parametrize("missing", ["redis", "security"])
def test_missing_settings(redis_server: RedisServer, missing: str) -> None:
    values: dict[str, Any] = {
        "redis": {"url": redis_server.url},
        "security": {"master_key": MASTER_KEY, "api_key": "server-test-key"},
    }
    del values[missing]
    with pytest.raises(SettingsError, match="is not set"):
        run_controller(Settings(**values))
