"""Who is called, how, and how it ends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_broker.errors import BadRequest, WebhookFailed, WebhookRefused
from netpulse_broker.models.webhooks import WebhookOptions
from netpulse_broker.settings import Settings, WebhookSettings
from netpulse_broker.webhooks.callers import HttpCaller, caller
from netpulse_broker.webhooks.delivery import Delivery
from netpulse_broker.webhooks.signature import signature
from netpulse_broker.webhooks.submission import RequestedWebhook
from netpulse_broker.webhooks.targets import Targets
from netpulse_drivers import Deadline
from tests.lab.webhook_receiver import WebhookReceiver
from tests.unit.webhooks.tls import TlsReceiver

BODY = b'{"id": "job-1"}'
LOCAL = {"allowed_networks": ["127.0.0.1/32"]}


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


def settings(**changes: Any) -> WebhookSettings:
    return Settings(webhooks=LOCAL | changes).webhooks


def delivery(url: str, **options: Any) -> Delivery:
    return Delivery.of("job-1", WebhookOptions.model_validate({"url": url} | options), timeout=5)


def call(url: str, *, seconds: float = 5.0, rules: WebhookSettings | None = None, **options: Any) -> Delivery:
    made = delivery(url, **options)
    HttpCaller(rules or settings()).call(made, BODY, Deadline.after(seconds))
    return made


def test_what_the_receiver_gets(receiver: WebhookReceiver) -> None:
    made = call(
        receiver.url + "?a=b",
        method="PUT",
        headers={"X-Site": "lab", "Content-Type": "application/vnd.job+json"},
        cookies={"session": "abc"},
        auth=["user", "pass"],
        secret="signing-secret",
    )
    (got,) = receiver.received
    assert (got.method, got.path, got.body) == ("PUT", "/hook?a=b", BODY)
    assert got.headers["x-site"] == "lab"
    assert got.headers["content-type"] == "application/vnd.job+json"
    assert got.headers["cookie"] == "session=abc"
    assert got.headers["authorization"] == "Basic " + base64.b64encode(b"user:pass").decode()
    assert got.headers["webhook-id"] == made.id
    signed = f"{made.id}.{got.headers['webhook-timestamp']}.".encode() + BODY
    digest = hmac.new(b"signing-secret", signed, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_a_bearer_token(receiver: WebhookReceiver) -> None:
    call(receiver.url, auth={"token": "t0ken"})
    assert receiver.received[0].headers["authorization"] == "Bearer t0ken"
    assert "webhook-signature" not in receiver.received[0].headers


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's reference libraries."""
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        delivery="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [199 + 101, 302, 400, 404, 429, 500, 503])
def test_other_answers_are_failures(receiver: WebhookReceiver, status: int) -> None:
    receiver.answers = [status]
    with pytest.raises(WebhookFailed, match=f"the receiver answered {status}") as caught:
        call(receiver.url)
    assert caught.value.retryable


def test_a_receiver_that_is_gone_is_not_asked_again(receiver: WebhookReceiver) -> None:
    receiver.answers = [410]
    with pytest.raises(WebhookRefused):
        call(receiver.url)


def test_redirects_are_not_followed(receiver: WebhookReceiver) -> None:
    receiver.answers, receiver.location = [307], "http://127.0.0.1:1/elsewhere"
    with pytest.raises(WebhookFailed, match="answered 307"):
        call(receiver.url)
    assert len(receiver.received) == 1


def test_a_receiver_that_sends_a_byte_now_and_then_does_not_hold_us(receiver: WebhookReceiver) -> None:
    receiver.drip = 0.2
    with pytest.raises(WebhookFailed, match="no answer within"):
        call(receiver.url, seconds=1.0)


def test_nobody_listens(receiver: WebhookReceiver) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(WebhookFailed, match="ConnectError"):
            call(f"http://127.0.0.1:{unused.getsockname()[1]}/")


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:

    with TlsReceiver(tmp_path) as receiver:
        with pytest.raises(WebhookFailed, match="CERTIFICATE_VERIFY_FAILED"):
            call(f"https://localhost:{receiver.port}/", rules=settings(allowed_networks=["127.0.0.1/32", "::1/128"]))
        assert receiver.received == 0
        rules = settings(allowed_networks=["127.0.0.1/32", "::1/128"], ca_file=receiver.certificate)
        call(f"https://localhost:{receiver.port}/", rules=rules)
        assert receiver.received == 1
        with pytest.raises(WebhookFailed, match=r"CERTIFICATE_VERIFY_FAILED|doesn't match"):
            call(f"https://127.0.0.1:{receiver.port}/", rules=rules)


DENIED = [
    "http://127.0.0.1/",
    "http://127.9.9.9/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0.0.0.0/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://224.0.0.1/",
]


@pytest.mark.parametrize("url", DENIED)
def test_denied_addresses_in_every_spelling(url: str) -> None:
    with pytest.raises(BadRequest, match="in a denied network"):
        Targets(Settings().webhooks).check_request(url)


def test_a_name_that_leads_to_a_denied_address(receiver: WebhookReceiver) -> None:
    Targets(Settings().webhooks).check_request(f"http://localhost:{receiver.port}/")  # nothing is looked up yet
    with pytest.raises(WebhookRefused, match="in a denied network"):
        call(f"http://localhost:{receiver.port}/", rules=Settings().webhooks)
    assert receiver.received == []


def test_a_name_that_changes_its_mind_leads_nowhere_else(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer may be called, each further one is loopback."""
    asked: list[object] = []

    def rebinding(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        address = str(host)
        if not address[0].isdigit():  # an address is not looked up
            asked.append(host)
            address = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    rules = settings(allowed_networks=["127.0.0.2/32"])
    with pytest.raises(WebhookFailed, match="ConnectError"):
        call(f"http://rebind.example.net:{receiver.port}/", rules=rules)
    assert receiver.received == []
    assert asked == ["rebind.example.net"]


def test_one_denied_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("192.0.2.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(WebhookRefused):
        Targets(Settings().webhooks).addresses("both.example.net", 80, Deadline.after(5))


def test_hosts_can_be_limited() -> None:
    targets = Targets(settings(hosts=["*.example.net", "pager"]))
    targets.check_request("http://hooks.example.net/x")
    targets.check_request("http://PAGER/")
    for url in ("http://example.org/", "http://hooks.example.net.example.org/", "http://127.0.0.1/"):
        with pytest.raises(BadRequest, match="not one of those allowed"):
            targets.check_request(url)
    with pytest.raises(BadRequest, match="https:// only"):
        Targets(settings(https_only=True)).check_request("http://example.net/")


def test_https_only_holds_where_the_call_is_made(receiver: WebhookReceiver) -> None:
    """The controller may be set otherwise, or have been when the job was made."""
    with pytest.raises(WebhookRefused, match="https:// only"):
        call(receiver.url, rules=settings(https_only=True))
    assert receiver.received == []


@pytest.mark.parametrize("token", ["t0ken\n", "t0 ken", "t\u00f6ken", ""])
def test_a_token_that_no_header_can_hold(token: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII without spaces") as caught:
        delivery("http://a/", auth={"token": token})
    assert "ken" not in str(caught.value).replace("token", "")


def test_space_around_a_headers_value_is_no_part_of_it(receiver: WebhookReceiver) -> None:
    call(receiver.url, headers={"Authorization": " Bearer t0ken \t"})
    assert receiver.received[0].headers["authorization"] == "Bearer t0ken"


def test_what_cannot_be_written_as_http_is_not_repeated(receiver: WebhookReceiver) -> None:
    made = delivery(receiver.url)
    made.options["auth"] = {"token": "t0ken\n"}
    with pytest.raises(WebhookFailed, match="cannot be written as HTTP") as caught:
        HttpCaller(settings()).call(made, BODY, Deadline.after(5))
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_authorities_that_cannot_be_used_is_tried_again(tmp_path: Path, content: str | None) -> None:
    """Deliveries wait until the operator has mended it, instead of being given up at once."""
    authorities = tmp_path / "ca.pem"
    if content is not None:
        authorities.write_text(content)
    with pytest.raises(WebhookFailed, match=r"webhooks\.ca_file .*ca\.pem.* cannot be used") as caught:
        caller("basic", settings(ca_file=authorities))
    assert caught.value.retryable


def test_an_unknown_caller() -> None:
    with pytest.raises(WebhookRefused, match="unknown webhook caller 'pager'; known: basic"):
        caller("pager", settings())


def test_an_installed_package_brings_a_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_pager.py").write_text(
        "class Pager:\n    def call(self, delivery, body, deadline):\n        self.told = (delivery.job, body)\n"
    )
    information = tmp_path / "acme_pager-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-pager\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[netpulse.webhooks]\nacme = acme_pager:Pager\nlost = acme_pager:Lost\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    pager: Any = caller("acme", settings())
    pager.call(delivery("http://pager.example.net/", name="acme"), BODY, Deadline.after(1))
    assert pager.told == ("job-1", BODY)
    RequestedWebhook(WebhookOptions(url="http://127.0.0.1/", name="acme"), settings(allowed_networks=[]))
    with pytest.raises(WebhookFailed, match=r"the webhook caller 'lost' .* cannot be loaded: AttributeError"):
        caller("lost", settings())


def test_no_secret_is_shown() -> None:
    options = WebhookOptions.model_validate(
        {
            "url": "http://a/hidden",
            "secret": "hidden",
            "auth": {"token": "hidden"},
            "headers": {"X-Key": "hidden"},
            "cookies": {"a": "hidden"},
        }
    )
    assert "hidden" not in repr(options)
    assert "hidden" not in json.dumps(options.model_dump(mode="json", exclude={"url", "headers", "cookies"}))
    assert "hidden" not in Delivery.of("j", options, timeout=1).target


def test_settings_say_what_a_network_is() -> None:
    with pytest.raises(ValueError, match="write networks like"):
        Settings(webhooks={"denied_networks": ["10.0.0.1/8"]})
