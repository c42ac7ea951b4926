"""Masking."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.netpulse.broker.plugins.module_utils._broker_client import BrokerClient
from ansible_collections.netpulse.broker.plugins.module_utils._secrets import (
    SECRET_WORDS,
    Mask,
    hide_options,
    is_secret_name,
    secrets_in,
)

from netpulse_broker.telemetry import redaction
from tests.unit.collection.contract_server import ContractServer, job, ok


class Encrypted(Sequence[str]):
    """What ansible-core 2.17 and 2.18 make of ``!vault``: a sequence that is no str, decrypted when it is looked at."""

    __ENCRYPTED__ = True

    def __init__(self, text: str) -> None:
        self._sealed = text[::-1]

    def __str__(self) -> str:
        return self._sealed[::-1]

    def __getitem__(self, index: int | slice) -> str:
        return str(self)[index]

    def __len__(self) -> int:
        return len(self._sealed)


@pytest.mark.parametrize("name", ["password", "ansible_ssh_pass", "secret", "pkey", "passphrase", "api_key", "Token"])
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["key_file", "private_key_file", "bypass_commands", "username", "host", "pass_through"]
)
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


def test_the_broker_masks_by_the_same_names() -> None:
    assert SECRET_WORDS == redaction.SECRET_WORDS
    for word in SECRET_WORDS:
        for name in (word, f"snmp_{word}", word.upper()):
            assert is_secret_name(name)
            assert redaction.secret_values({name: "long-enough"}) == {"long-enough"}


def test_answers_to_questions_at_login_are_secrets() -> None:
    arguments = {"keyboard_interactive": {"Token": "t1", "PIN": 1234}, "optional_args": {"auth_key": "a1"}}
    assert secrets_in({"connection_args": arguments}) == {"t1", "1234", "a1"}


def test_secrets_are_found_at_any_depth() -> None:
    arguments = {"password": "p1", "connection_args": {"optional_args": {"secret": "s1"}, "list": [{"passwd": 1234}]}}
    assert secrets_in(arguments) == {"p1", "s1", "1234"}


def test_encrypted_values_are_found_and_sent_decrypted(server: ContractServer) -> None:
    arguments = {"passphrase": Encrypted("secret-text"), "keepalive": Encrypted("60")}
    assert secrets_in({"connection_args": arguments}) == {"secret-text"}
    server.script = [ok(job())]
    with BrokerClient(server.url) as client:
        client.post("/device/execute", {"connection_args": arguments}, timeout=5)
    assert server.bodies() == [{"connection_args": {"passphrase": "secret-text", "keepalive": "60"}}]


def test_options_are_hidden_by_name_and_the_rest_is_kept() -> None:
    hidden = hide_options({"password": "p1", "port": 22, "connection_args": {"secret": "s1", "fast_cli": True}})
    assert hidden == {
        "password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "port": 22,
        "connection_args": {"secret": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "fast_cli": True},
    }


def test_answers_are_hidden_where_they_are_secrets() -> None:
    answers = [
        {"question": "assword", "answer": "open-sesame", "secret": True},
        {"question": "confirm", "answer": "y", "secret": False},
        {"question": "code", "answer": "42-42", "secret": "yes"},
    ]
    assert secrets_in({"answers": answers}) == {"open-sesame", "42-42"}
    hidden = hide_options({"answers": answers})["answers"]
    masked = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert [one["answer"] for one in hidden] == [masked, "y", masked]


def test_mask_replaces_whole_words_in_nested_values() -> None:
    mask = Mask({"cisco", "p+w", "p+word"})
    assert mask({"a": ["login cisco failed", "cisco_ios stays"], "n": 5}) == {
        "a": ["login ******** failed", "cisco_ios stays"],
        "n": 5,
    }
    assert mask("'p+word' and 'p+w'") == "'********' and '********'"


def test_mask_without_secrets_changes_nothing() -> None:
    assert Mask(set())("text") == "text"
