from __future__ import annotations

from pydantic import SecretStr

from netpulse_broker.telemetry.redaction import MASK, Redactor, secret_values


def test_secrets_are_found_by_type_and_by_name() -> None:
    arguments = {
        "host": "router-1",
        "username": "operator",
        "password": "Opensesame",
        "key_file": "/etc/key",
        "use_keys": True,
        "odd": SecretStr("typed-one"),
        "optional_args": {"secret": "enable-me", "transport": "ssh", "tokens": 3, "list": [{"passphrase": "phrase"}]},
    }
    assert secret_values(arguments) == {"Opensesame", "typed-one", "enable-me", "phrase"}


def test_short_values_are_masked_where_they_stand_by_themselves() -> None:
    assert secret_values({"password": "up"}) == {"up"}
    redactor = Redactor({"up", "admin"})
    assert redactor.text("Ethernet0 is up, updates: administrator") == f"Ethernet0 is {MASK}, updates: {MASK}istrator"
    assert redactor.device_text("up upper admin") == f"{MASK} upper {MASK}"


def test_single_characters_and_short_numbers_are_left_alone() -> None:
    assert secret_values({"password": "a", "secret": "123"}) == frozenset()
    assert Redactor({"a", "123"}).text("a 123") == "a 123"


def test_messages_are_masked_anywhere_device_texts_only_where_the_secret_stands_alone() -> None:
    redactor = Redactor({"cisco"})
    assert redactor.text("ciscoasa cisco") == f"{MASK}asa {MASK}"
    assert redactor.device_text("ciscoasa, password cisco\r\n") == f"ciscoasa, password {MASK}\r\n"
    assert redactor.device_data({"cisco": ["x cisco", 1, None]}) == {"cisco": [f"x {MASK}", 1, None]}


def test_of_two_secrets_the_longer_goes_first() -> None:
    redactor = Redactor({"pass", "pass word"})
    assert redactor.text("a pass word") == f"a {MASK}"
    assert redactor.device_text("a pass word") == f"a {MASK}"


def test_secrets_with_special_characters() -> None:
    redactor = Redactor({"a+b(c"})
    assert redactor.device_text("is a+b(c.") == f"is {MASK}."
