"""How jump hosts may be written, and what a request may not leave to them."""

from __future__ import annotations

from typing import Any

import pytest

from netpulse_drivers import AuthenticationFailed, InvalidArguments
from netpulse_drivers.jump.jump_host import hops_of_text
from netpulse_drivers.jump.messages import error_message, error_of
from netpulse_drivers.netmiko import NetmikoDriver
from netpulse_drivers.netmiko.connecting.connection_args import NetmikoConnectionArgs
from netpulse_drivers.ssh.negotiation import Answers

DEVICE = {"device_type": "cisco_ios", "host": "r1", "username": "ops", "password": "device-password"}


def args(**more: Any) -> NetmikoConnectionArgs:
    driver = NetmikoDriver.from_request(DEVICE | more)
    assert isinstance(driver, NetmikoDriver)
    return driver.args


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h", [("", "h", 22)]),
        ("u@h:2222", [("u", "h", 2222)]),
        ("u@[2001:db8::1]:2222,b", [("u", "2001:db8::1", 2222), ("", "b", 22)]),
        ("ssh://u@h:1", [("u", "h", 1)]),
        ("[::1]", [("", "::1", 22)]),
    ],
)
def test_texts(text: str, expected: list[tuple[str, str, int]]) -> None:
    assert [(hop.username, hop.host, hop.port) for hop in hops_of_text(text)] == expected


@pytest.mark.parametrize("text", ["", "u@", "h:", "h:0", "h:70000", "u:p@h", "a b", "::1", "h,", "h;rm"])
def test_texts_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        args(proxy_jump=text)
    assert "device-password" not in str(caught.value.details)


def test_forms_may_be_mixed() -> None:
    hops = args(
        pkey=None, key_file="key", proxy_jump=["a@h1,h2", {"host": "h3", "username": "c", "password": "p"}]
    ).hops()
    assert [(hop.username, hop.host) for hop in hops] == [("a", "h1"), ("ops", "h2"), ("c", "h3")]
    assert [hop.key_file for hop in hops] == ["key", "key", None]
    assert [hop.password is None for hop in hops] == [True, True, False]


def test_at_most_four() -> None:
    with pytest.raises(InvalidArguments):
        args(proxy_jump="a,b,c,d,e")


def test_the_devices_password_stays_with_the_device() -> None:
    with pytest.raises(InvalidArguments, match="password is not shown to other hosts"):
        args(proxy_jump="h").hops()


def test_misspelt_options_of_a_jump_host_are_refused() -> None:
    with pytest.raises(InvalidArguments) as caught:
        args(proxy_jump={"host": "h", "pasword": "secret-value"})
    assert "pasword" in str(caught.value.details)
    assert "secret-value" not in str(caught.value.details)


def test_an_error_keeps_its_class_on_the_wire() -> None:
    error = error_of(error_message(AuthenticationFailed("no", details=[{"jump_host": "h", "phase": "auth"}])))
    assert type(error) is AuthenticationFailed
    assert (error.message, error.details) == ("no", [{"jump_host": "h", "phase": "auth"}])


class TestAnswers:
    def test_better_answers_go_before_the_password(self) -> None:
        answers = Answers({"code": "1"}, "p")
        assert answers("", "", [("Password:", False), ("Code for ops:", False)]) == ["p", "1"]

    def test_each_once(self) -> None:
        answers = Answers({}, "p")
        answers("", "", [("Password:", False)])
        with pytest.raises(AuthenticationFailed, match="again"):
            answers("", "", [("Password:", False)])

    def test_no_password_to_a_question_that_shows_it(self) -> None:
        with pytest.raises(AuthenticationFailed, match="Realm"):
            Answers({}, "p")("", "", [("Realm:", True)])
