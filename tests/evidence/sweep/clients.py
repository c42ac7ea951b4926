"""One device, six steps, by a client: ours, and stock netmiko."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netmiko import ConnectHandler

from netpulse_drivers import Call, ChangeRequest, CommandRefused, Deadline, DeviceNetworks, Site
from netpulse_drivers.netmiko import NetmikoDriver
from tests.evidence.sweep.derived_device import LINE, WRONG, Swept
from tests.lab.fixtures_dialogues import DialogueDevice

STEPS = ("login", "query", "enable", "change", "refusal", "save")

PATIENCE = 45.0
"""Seconds that a step may take."""

Outcomes = dict[str, str]
"""By step: ``yes``, ``no``, ``-`` (there is nothing to do), and behind ``no`` a blank and why."""


def _made(device: DialogueDevice, what: Swept, since: int) -> bool:
    """Whether the line was taken where changes are made."""
    log = [line for line in device.lab.log(device.device, since=since) if line.line == LINE]
    return bool(log) and log[-1].mode in what.changed_in


def _seen(device: DialogueDevice) -> int:
    log = device.log
    return log[-1].seq if log else 0


def _tried(step: Callable[[], bool]) -> str:
    try:
        return "yes" if step() else "no"
    except NotImplementedError:
        return "-"
    except Exception as error:  # noqa: BLE001 - whatever a client raises is its outcome
        return f"no {type(error).__name__}: {str(error).strip().splitlines()[0][:90] if str(error).strip() else ''}"


def stock(device: DialogueDevice, what: Swept) -> Outcomes:
    """netmiko as its users call it."""
    found: Outcomes = {}
    arguments = device.netmiko() | {"device_type": what.device_type}
    if what.telnet:
        arguments["port"] = device.device.telnet_port
    connection: Any = None

    def login() -> bool:
        nonlocal connection
        before = device.logins
        connection = ConnectHandler(**arguments)
        return device.logins > before

    found["login"] = _tried(login)
    if found["login"] != "yes":
        return found | dict.fromkeys(STEPS[1:], "no")
    try:
        found["query"] = _tried(lambda: what.shown in connection.send_command(what.show, read_timeout=PATIENCE))
        found["enable"] = "-"
        if what.privileged:
            found["enable"] = _tried(lambda: bool(connection.enable()) and connection.check_enable_mode())

        def change() -> bool:
            since = _seen(device)
            connection.send_config_set([LINE])
            return _made(device, what, since)

        found["change"] = _tried(change)

        def refusal() -> bool:
            try:
                connection.send_config_set([WRONG])
            except Exception as error:  # noqa: BLE001 - an error that quotes the refusal tells it
                return WRONG.split()[0] in str(error) or "nvalid" in str(error)
            return False

        found["refusal"] = _tried(refusal)
        found["save"] = _tried(lambda: connection.save_config() is not None) if what.saves else "-"
    finally:
        _tried(lambda: connection.disconnect() is None)
    return found


def ours(device: DialogueDevice, what: Swept) -> Outcomes:
    """The driver, called as a worker calls it."""
    found: Outcomes = {}
    arguments = device.netmiko() | {"device_type": what.device_type, "host_key_policy": "off"}
    if what.telnet:
        arguments["port"] = device.device.telnet_port
    site = Site(networks=DeviceNetworks(allowed=("127.0.0.0/8",)))
    driver = NetmikoDriver.from_request(arguments)
    assert isinstance(driver, NetmikoDriver)

    def call(operation: Any, *, enable: bool | None = None) -> None:
        driver.call = Call(
            deadline=Deadline.after(PATIENCE),
            site=site,
            enable=enable,
            args=driver.validate_operation_args(operation, {}),
            before_write=lambda: None,
        )

    session: Any = None

    def login() -> bool:
        nonlocal session
        before = device.logins
        call("query")
        session = driver.connect()
        return device.logins > before

    found["login"] = _tried(login)
    if found["login"] != "yes":
        return found | dict.fromkeys(STEPS[1:], "no")

    def query(*, enable: bool | None) -> bool:
        call("query", enable=enable)
        output = driver.send(session, what.show)
        return output.complete and what.shown in str(output.output)

    def change() -> bool:
        since = _seen(device)
        call("change", enable=what.privileged or None)
        done = driver.config(session, ChangeRequest(lines=[LINE], enable=what.privileged or None))
        return _made(device, what, since) and done.changed is not False

    def refusal() -> bool:
        call("change", enable=what.privileged or None)
        try:
            done = driver.config(session, ChangeRequest(lines=[WRONG], enable=what.privileged or None))
        except CommandRefused:
            return True
        return done.changed is None and bool(done.warnings)

    def save() -> bool:
        call("change")
        return bool(driver.config(session, ChangeRequest(lines=[], save=True)).saved)

    try:
        found["query"] = _tried(lambda: query(enable=None))
        driver.end_job(session)
        found["enable"] = _tried(lambda: query(enable=True)) if what.privileged else "-"
        for name, step in (("change", change), ("refusal", refusal), ("save", save)):
            if name == "save" and not what.saves:
                found[name] = "-"
                continue
            if not driver.end_job(session):
                driver.disconnect(session)
                login()
            found[name] = _tried(step)
    finally:
        driver.disconnect(session)
    return found
