# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task's arguments, the host's variables and the environment to the options of one task."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.netpulse.broker.plugins.module_utils._platforms import (
    DRIVERS_WITH_DEVICE_TYPE,
    DRIVERS_WITH_OPTIONAL_ARGS,
    PORT_VARIABLES,
    device_type_of,
)

DEFAULT_URL = "http://127.0.0.1:9000"
DEFAULT_CONNECT_TIMEOUT = 10.0
DEFAULT_DRIVER = "netmiko"

# Option: the variables it is taken from, in order. The device's own come from PLAY_CONTEXT after these.
VARIABLES = {
    "broker_url": ("netpulse_broker_url",),
    "api_key": ("netpulse_api_key",),
    "validate_certs": ("netpulse_validate_certs",),
    "ca_path": ("netpulse_ca_path",),
    "connect_timeout": ("netpulse_connect_timeout",),
    "driver": ("netpulse_driver",),
    "device_type": ("netpulse_device_type",),
    "host": ("ansible_host", "ansible_ssh_host", "inventory_hostname"),
    "username": ("ansible_user", "ansible_ssh_user"),
    "password": ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    "secret": ("ansible_become_password", "ansible_become_pass", "ansible_enable_pass"),
    "private_key_file": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "private_key_passphrase": ("ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"),
    "connection_args": ("netpulse_connection_args",),
    "device": ("netpulse_device",),
    "enable": ("netpulse_enable",),
    "queue_strategy": ("netpulse_queue_strategy",),
    "priority": ("netpulse_priority",),
    "ttl": ("netpulse_ttl",),
    "timeout": ("netpulse_timeout",),
}

ENVIRONMENT = {
    "broker_url": "NETPULSE_URL",
    "api_key": "NETPULSE_API_KEY",
    "validate_certs": "NETPULSE_VALIDATE_CERTS",
    "ca_path": "NETPULSE_CA_PATH",
}

# Command line and play keywords, which Ansible keeps in the play context.
PLAY_CONTEXT = {
    "username": "remote_user",
    "password": "password",
    "secret": "become_pass",
    "private_key_file": "private_key_file",
}


# Where a blank line may be part of the text: in a banner.
WITH_BLANK_LINES = frozenset({"lines"})


class OptionError(ValueError):
    """The options of a task do not fit; the text says which and why."""


def gather(
    arguments: Mapping[str, Any],
    *,
    variable: Callable[[str], Any],
    environment: Mapping[str, str] | None = None,
    play_context: Any = None,
) -> dict[str, Any]:
    """The broker options with every source looked at: argument, variable, environment, play context, in this order.

    Args:
        arguments: the task's arguments, ``module_defaults`` included.
        variable: callable that gives a variable's templated value by name, or None.
        environment: the environment variables.
        play_context: object with the attributes that PLAY_CONTEXT names.

    Returns:
        the arguments, completed; nothing that is None.
    """
    environment = os.environ if environment is None else environment
    options = {name: value for name, value in arguments.items() if value is not None}
    for name, variables in VARIABLES.items():
        if name in options:
            continue
        candidates = [variable(one) for one in variables]
        candidates.append(environment.get(ENVIRONMENT[name]) if name in ENVIRONMENT else None)
        candidates.append(getattr(play_context, PLAY_CONTEXT[name], None) if name in PLAY_CONTEXT else None)
        for value in candidates:
            if value is not None and value != "":
                options[name] = value
                break
    driver = options.get("driver", DEFAULT_DRIVER)
    if "port" not in options:
        for name in PORT_VARIABLES.get(driver, PORT_VARIABLES[None]):
            value = variable(name)
            if value is not None and value != "":
                options["port"] = value
                break
    if "device_type" not in options and driver in DRIVERS_WITH_DEVICE_TYPE:
        network_os = variable("ansible_network_os")
        if network_os:
            try:
                options["device_type"] = device_type_of(str(network_os))
            except ValueError as error:
                raise OptionError(str(error)) from None
    if driver == "netmiko":
        command_timeout = variable("ansible_command_timeout")
        driver_args = options.get("driver_args") or {}
        if command_timeout is not None and isinstance(driver_args, dict):
            options["driver_args"] = {"read_timeout": float(command_timeout), **driver_args}
    return options


def texts_as_lists(options: dict[str, Any], *, argument_spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The options, with a text in the place of a list of texts read as its lines.

    Ansible's own conversion cuts a text at its commas, which stand in descriptions and in regular expressions.
    """
    converted = dict(options)
    for name, argument in argument_spec.items():
        if argument.get("type") != "list" or argument.get("elements") not in ("str", "raw"):
            continue
        for given in (name, *argument.get("aliases", ())):
            value = converted.get(given)
            if isinstance(value, str):
                keep_blank = name in WITH_BLANK_LINES
                converted[given] = [line for line in value.splitlines() if keep_blank or line.strip()]
    return converted


def validate(
    options: dict[str, Any], *, argument_spec: dict[str, dict[str, Any]], conditions: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Check and convert all options.

    Raises:
        OptionError: with one line per mistake.
    """
    outcome = ArgumentSpecValidator(argument_spec, **(conditions or {})).validate(options)
    if outcome.error_messages:
        raise OptionError("; ".join(outcome.error_messages))
    return dict(outcome.validated_parameters)


def connection_args(options: dict[str, Any], *, read_key_file: Callable[[str], str]) -> dict[str, Any]:
    """What the driver gets as connection_args.

    Args:
        options: validated options.
        read_key_file: callable from a path to the text of that file.

    Raises:
        OptionError: as ``read_key_file`` raises it; or a value is a template.
    """
    driver = options.get("driver") or DEFAULT_DRIVER
    arguments: dict[str, Any] = {"host": _address(options.get("host"))}
    for name in ("port", "username", "password", "device_type"):
        if options.get(name) is not None:
            arguments[name] = options[name]
    extra: dict[str, Any] = {}
    if options.get("secret") is not None:
        extra["secret"] = options["secret"]
    overridden = options.get("connection_args") or {}
    if options.get("private_key_file") and not {"key_file", "pkey"} & set(overridden):
        extra["pkey"] = read_key_file(options["private_key_file"])
        if options.get("private_key_passphrase") is not None:
            extra["passphrase"] = options["private_key_passphrase"]
    if driver in DRIVERS_WITH_OPTIONAL_ARGS:
        if extra:
            arguments["optional_args"] = extra
    elif driver in DRIVERS_WITH_DEVICE_TYPE:
        arguments.update(extra)
    complete = {**arguments, **overridden}
    refuse_templates(complete, "connection_args")
    return complete


def refuse_templates(value: Any, name: str) -> None:
    """Let no text leave this machine that was meant to be rendered first: it would be dialled, or typed at a device.

    Args:
        value: text, or a dict or list of them at any depth.
        name: the option, for the message.

    Raises:
        OptionError: names the option, not the value, which may be a secret.
    """
    if isinstance(value, str):
        if "{{" in value:
            raise OptionError(
                f"{name} holds '{{{{', the beginning of a template that was not rendered; give it as a variable that "
                "Ansible renders (a value that is marked as unsafe, or that a lookup returned, is not)"
            )
    elif isinstance(value, Mapping):
        for key, one in value.items():
            refuse_templates(one, f"{name}.{key}")
    elif isinstance(value, (list, tuple)):
        for one in value:
            refuse_templates(one, name)


def _address(host: Any) -> Any:
    """An IPv6 address without the brackets that it has in URLs."""
    return host[1:-1] if isinstance(host, str) and host.startswith("[") and host.endswith("]") else host


def queue_options(options: dict[str, Any]) -> dict[str, Any]:
    """The broker's ``options`` object: how the job is queued."""
    names = ("queue_strategy", "priority", "ttl", "timeout")
    return {name: options[name] for name in names if options.get(name) is not None}
