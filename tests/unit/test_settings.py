"""Settings: where they come from, what is refused and how the refusal reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from netpulse_broker.cli.settings_view import effective, reference
from netpulse_broker.settings import Settings, SettingsError, default_state_dir
from netpulse_broker.settings_source import fields, hand_over, load_settings, secret_values, take_over

KEY = "A" * 43
OTHER_KEY = "B" * 43
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("NETPULSE_"):
            monkeypatch.delenv(name)


def refused(**options: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**options)  # type: ignore[arg-type]
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)
    return caught.value.message


def test_command_line_over_environment_over_file_over_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "netpulse.toml"
    file.write_text("[controller]\nhost = '10.0.0.1'\nport = 1\nmax_body = 2048\n[jobs]\nttl = 7\n")
    monkeypatch.setenv("NETPULSE_CONTROLLER__PORT", "2")
    monkeypatch.setenv("NETPULSE_CONTROLLER__MAX_BODY", "4096")

    settings = load_settings(config=file, overrides={"controller": {"max_body": 8192}})

    assert settings.controller.host == "10.0.0.1"
    assert settings.controller.port == 2
    assert settings.controller.max_body == 8192
    assert settings.jobs.ttl == 7
    assert settings.jobs.bulk_ttl == 600


def test_variable_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "netpulse.toml"
    file.write_text("[fifo]\nprocesses = 9\n")
    monkeypatch.setenv("NETPULSE_CONFIG", str(file))

    assert load_settings().fifo.processes == 9


def test_constructing_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPULSE_CONTROLLER__PORT", "2")

    assert Settings().controller.port == 9000


def test_missing_secrets_have_no_default_and_say_how_to_set_them() -> None:
    settings = load_settings()

    for require, variable in (
        (settings.require_redis_url, "NETPULSE_REDIS__URL"),
        (settings.require_master_keys, "NETPULSE_SECURITY__MASTER_KEY"),
        (settings.require_api_key, "NETPULSE_SECURITY__API_KEY"),
    ):
        with pytest.raises(SettingsError, match=f"is not set: set {variable}"):
            require()


def test_api_key_has_a_short_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPULSE_API_KEY", "a-good-api-key")
    assert load_settings().require_api_key() == "a-good-api-key"

    monkeypatch.setenv("NETPULSE_SECURITY__API_KEY", "another-api-key")
    told = refused()
    assert "NETPULSE_API_KEY and NETPULSE_SECURITY__API_KEY are both set and differ" in told
    assert "another-api-key" not in told


def test_several_master_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPULSE_SECURITY__MASTER_KEY", f"{KEY}, {OTHER_KEY}=")

    settings = load_settings()

    assert settings.require_master_keys() == (KEY, f"{OTHER_KEY}=")
    assert {KEY, f"{OTHER_KEY}="} <= set(secret_values(settings))


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "NETPULSE_REDIS__URL",
            "tcp://:hidden@h",
            "redis.url (variable NETPULSE_REDIS__URL): write redis://host:port/db",
        ),
        ("NETPULSE_REDIS__URL", "redis://:hidden@/0", "the host is missing: write redis://host:port/db"),
        ("NETPULSE_REDIS__URL", "unix://hidden", "needs the path of the socket"),
        ("NETPULSE_REDIS__URL", "redis://:hidden/x@h:1/0", "in the password is written as %2F, %3F or %23"),
        ("NETPULSE_REDIS__URL", "redis://:hidden?x@h:1/0", "in the password is written as %2F, %3F or %23"),
        ("NETPULSE_REDIS__URL", "redis://:hidden@h:port/0", "write redis://host:port/db"),
        ("NETPULSE_REDIS__URL", "redis://:hidden@[h:1/0", "is no URL"),
        ("NETPULSE_REDIS__URL", "redis://:hidden@h:1/zero", "the database behind the last '/' is a number"),
        ("NETPULSE_REDIS__URL", "redis+sentinel://:hidden@h:1,i:2/", "the service is missing"),
        ("NETPULSE_REDIS__URL", "redis+sentinel://:hidden@h:1,i:x/s/0", "write redis+sentinel://host:port"),
        ("NETPULSE_REDIS__URL", "redis+sentinel://:hidden@h:1,i:2/s/zero", "the last '/' is a number"),
        ("NETPULSE_STATE_DIR", "~no-such-user/x", "write the path without '~'"),
        ("NETPULSE_WEBHOOKS__HOSTS", "*.hidden.net", "NETPULSE_WEBHOOKS__HOSTS: write a list in JSON"),
        ("NETPULSE_REDIS", "{hidden", 'error parsing value for field "redis"'),
        ("NETPULSE_SECURITY__MASTER_KEY", "hidden", "key 1 of 1 is not 32 bytes in URL-safe base64 (43 characters)"),
        ("NETPULSE_SECURITY__MASTER_KEY", "", "`netpulse secret` prints a good one"),
        ("NETPULSE_SECURITY__MASTER_KEY", f"{KEY},{KEY}", "the same key stands there twice"),
        ("NETPULSE_API_KEY", "", "security.api_key (variable NETPULSE_API_KEY): write 8 to 256 printable"),
        ("NETPULSE_API_KEY", "hidden", "(variable NETPULSE_API_KEY): write 8 to 256 printable"),
        ("NETPULSE_SECURITY__API_KEY", "hidden hidden", "(variable NETPULSE_SECURITY__API_KEY): write 8 to 256"),
        ("NETPULSE_CONTROLLER__PORT", "70000", "less than or equal to 65535, not '70000'"),
        ("NETPULSE_LOG__LEVEL", "loud", "'debug', 'info', 'warning' or 'error', not 'loud'"),
        ("NETPULSE_NODE__NAME", "a|b", "letters, digits, '.', '_' and '-'"),
        ("NETPULSE_NODE__LEASE_RENEW", "9", "lease_renew must be at most a third of lease_ttl"),
        ("NETPULSE_JOBS__TIMEOUT", "inf", "finite number"),
        ("NETPULSE_JOBS__TIMEOUT", "4000", "timeout must not be larger than max_timeout"),
        ("NETPULSE_CONTROLLER__TLS_CERT", "/c.pem", "tls_cert and tls_key belong together"),
        ("NETPULSE_REDIS_URL", "hidden", "unknown variable NETPULSE_REDIS_URL: did you mean NETPULSE_REDIS__URL?"),
        ("NETPULSE_JOBS__TIMEOUTS", "hidden", "did you mean NETPULSE_JOBS__TIMEOUT?"),
        ("NETPULSE_STATEDIR", "hidden", "did you mean NETPULSE_STATE_DIR?"),
        ("NETPULSE_FOO__BAR", "hidden", "unknown variable NETPULSE_FOO__BAR: `netpulse settings` lists all"),
    ],
)
def test_wrong_variable_is_named_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)

    message = refused()

    assert told in message
    assert "hidden" not in message
    assert KEY not in message


def test_variables_of_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NETPULSE_URL", "NETPULSE_BROKER_URL", "NETPULSE_VALIDATE_CERTS", "NETPULSE_DEMO"):
        monkeypatch.setenv(name, "something")

    assert load_settings() == Settings()


def test_everything_wrong_in_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "netpulse.toml"
    file.write_text("state_dri = 'x'\n[redis]\nurll = 'hidden'\n[controler]\nport = 1\n[jobs]\nttl = 'soon'\n")

    told = refused(config=file).splitlines()

    assert sorted(told) == sorted(
        [
            f"state_dri (in {file}): unknown setting; did you mean state_dir?",
            f"redis.urll (in {file}): unknown setting; did you mean url?",
            f"controler (in {file}): unknown setting; did you mean controller?",
            f"jobs.ttl (in {file}): input should be a valid integer, unable to parse string as an integer, not 'soon'",
        ]
    )


def test_unusable_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("url = hidden\n")

    assert "hidden" not in refused(config=broken)
    assert f"{broken} is no TOML file: " in refused(config=broken)
    assert f"cannot read the settings file {tmp_path}/none.toml: No such file" in refused(config=tmp_path / "none.toml")


def test_node_and_pool_need_different_names() -> None:
    with pytest.raises(ValidationError, match="must differ"):
        Settings(node={"name": "a"}, fifo={"name": "a"})  # type: ignore[arg-type]


def test_settings_cannot_be_changed() -> None:
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.controller.port = 1  # type: ignore[misc]


def test_plug_in_directories_like_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETPULSE_DRIVERS__PLUGIN_DIRS", "/a:/b")

    assert load_settings().drivers.plugin_dirs == [Path("/a"), Path("/b")]


def test_handed_over_whole() -> None:
    settings = Settings(
        redis={"url": "redis://:hidden%2Fone@h:1/0"},  # type: ignore[arg-type]
        security={"master_key": KEY, "api_key": "a-good-api-key"},  # type: ignore[arg-type]
        drivers={"plugin_dirs": ["/a"]},  # type: ignore[arg-type]
    )

    assert take_over(hand_over(settings)) == settings


def test_secrets_are_known_and_never_shown() -> None:
    settings = Settings(
        redis={"url": "redis://:hidden%2Fone@h:1/0"},  # type: ignore[arg-type]
        security={"master_key": KEY, "api_key": "a-good-api-key"},  # type: ignore[arg-type]
    )

    secrets = set(secret_values(settings))

    assert secrets == {"redis://:hidden%2Fone@h:1/0", "hidden%2Fone", "hidden/one", KEY, "a-good-api-key"}
    for shown in (effective(settings), repr(settings), str(settings)):
        assert not [secret for secret in secrets if secret in shown]


def test_state_directory_of_root_and_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_state_dir() == Path("/var/lib/netpulse")

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_state_dir() == Path("/home/someone/.local/state/netpulse")

    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert default_state_dir() == Path("/elsewhere/netpulse")


def test_every_setting_is_described() -> None:
    assert [path for path, field in fields() if not field.description] == []


def test_reference_page_is_up_to_date() -> None:
    assert (DOCS / "settings.md").read_text() == reference(), "run: netpulse settings --reference > docs/settings.md"
