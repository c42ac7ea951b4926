"""Masking."""

from __future__ import annotations

import pytest
from ansible_collections.netpulse.broker.plugins.module_utils._secrets import (
    Mask,
    hide_options,
    is_secret_name,
    secrets_in,
)


@pytest.mark.parametrize("name", ["password", "ansible_ssh_pass", "secret", "pkey", "passphrase", "api_key", "Token"])
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["key_file", "private_key_file", "bypass_commands", "username", "host", "pass_through"]
)
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


def test_secrets_are_found_at_any_depth() -> None:
    arguments = {"password": "p1", "connection_args": {"optional_args": {"secret": "s1"}, "list": [{"passwd": 1234}]}}
    assert secrets_in(arguments) == {"p1", "s1", "1234"}


def test_options_are_hidden_by_name_and_the_rest_is_kept() -> None:
    hidden = hide_options({"password": "p1", "port": 22, "connection_args": {"secret": "s1", "fast_cli": True}})
    assert hidden == {
        "password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "port": 22,
        "connection_args": {"secret": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "fast_cli": True},
    }


def test_mask_replaces_whole_words_in_nested_values() -> None:
    mask = Mask({"cisco", "p+w", "p+word"})
    assert mask({"a": ["login cisco failed", "cisco_ios stays"], "n": 5}) == {
        "a": ["login ******** failed", "cisco_ios stays"],
        "n": 5,
    }
    assert mask("'p+word' and 'p+w'") == "'********' and '********'"


def test_mask_without_secrets_changes_nothing() -> None:
    assert Mask(set())("text") == "text"
