"""Opening NAPALM's drivers on wires of ours. This is where NAPALM is imported."""

from __future__ import annotations

import ipaddress
import weakref
from typing import Any

import paramiko
from pydantic import ValidationError

from netpulse_drivers.base import Call
from netpulse_drivers.errors import DriverError, InvalidArguments
from netpulse_drivers.named_files import MemoryFile
from netpulse_drivers.napalm.arguments import NapalmConnectionArgs
from netpulse_drivers.napalm.failures import connecting
from netpulse_drivers.napalm.session import CommandLineSession, EapiSessionOfNapalm, NapalmSession
from netpulse_drivers.netmiko import NetmikoDriver
from netpulse_drivers.netmiko.config.privilege import raise_privilege
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.networks import literal_address
from netpulse_drivers.pyeapi.arguments import PyeapiConnectionArgs
from netpulse_drivers.pyeapi.session import silence_library
from netpulse_drivers.pyeapi.tls import client_context
from netpulse_drivers.pyeapi.transport import KeptConnection
from netpulse_drivers.ssh.own_keys import keep_libraries_from_own_keys
from netpulse_drivers.terminal.byte_stream import SSHStream


def open_session(args: NapalmConnectionArgs, call: Call) -> NapalmSession:
    """Log in.

    Raises:
        ConnectError and subclasses, AuthenticationFailed, PrivilegeRefused, InvalidArguments.
    """
    opener = {"eapi": _open_eapi, "cli": _open_command_line, "other": _open_other}[args.wire]
    try:
        return opener(args, call)
    except DriverError:
        raise
    except Exception as error:
        translated = connecting(error, f"{args.host} ({args.platform.name})")
        if translated is None:
            raise
        raise translated from error


def _driver_class(name: str) -> type[Any]:
    import napalm  # noqa: PLC0415 - 27 MB and half a second; only who logs in needs it

    silence_library()
    keep_libraries_from_own_keys()
    found = napalm.get_network_driver(name)
    # NAPALM's __del__ asks the device whether it lives and closes in style, at whatever moment garbage is collected.
    quiet: type[Any] = type(found.__name__, (found,), {"__del__": _stay_quiet, "__module__": found.__module__})
    return quiet


def _stay_quiet(_device: Any) -> None:
    """In place of NetworkDriver.__del__."""


def _password(args: NapalmConnectionArgs) -> str:
    return args.password.get_secret_value()


def _secret(args: NapalmConnectionArgs, *names: str) -> str | None:
    if args.secret is not None:
        return args.secret.get_secret_value()
    return next((str(args.optional_args[name]) for name in names if args.optional_args.get(name) is not None), None)


def _open_other(args: NapalmConnectionArgs, call: Call) -> NapalmSession:
    options, kept = _with_files(args, call)
    if args.port is not None:
        options.setdefault("port", args.port)
    if args.secret is not None:
        options.setdefault("secret", args.secret.get_secret_value())
    if args.platform.name == "nxos":
        options["ssl_verify"] = _authorities(args, call, kept) if args.verify else False
    call.before_write()
    timeout = max(1, int(call.deadline.remaining(at_most=args.timeout)))
    driver = _driver_class(args.platform.name)
    if args.platform.name == "junos":
        device = _junos(driver, args, timeout, options, kept)
    else:
        host = args.host
        if args.platform.name == "nxos" and isinstance(literal_address(host), ipaddress.IPv6Address):
            host = f"[{host}]"  # it is put into a URL as it is
        device = driver(host, args.username, _password(args), timeout, options)
    device.open()
    return NapalmSession(device, args.platform, kept=kept)


def _junos(
    driver: type[Any], args: NapalmConnectionArgs, timeout: int, options: dict[str, Any], kept: list[MemoryFile]
) -> Any:
    """NAPALM's object, not open yet. PyEZ takes an IPv6 address in brackets only, and then looks it up with them; where
    it is named no OpenSSH configuration, it reads that of the user it runs as."""
    if options.get("ssh_config_file") is None:
        kept.append(MemoryFile(""))
        options["ssh_config_file"] = kept[-1].path
    address = literal_address(args.host)
    if not isinstance(address, ipaddress.IPv6Address):
        return driver(args.host, args.username, _password(args), timeout, options)
    hexadecimal = ipaddress.IPv6Address(int(address)).exploded  # without the scope, and an IPv4 address in it as hex
    device = driver(f"[{hexadecimal}]", args.username, _password(args), timeout, options)
    device.hostname = device.device._hostname = args.host  # noqa: SLF001 - there is no other way in
    return device


def _with_files(args: NapalmConnectionArgs, call: Call) -> tuple[dict[str, Any], list[MemoryFile]]:
    """optional_args with paths in the place of names and of keys, and what must be kept for them."""
    options, kept = dict(args.optional_args), list[MemoryFile]()
    if options.get("pkey") is not None:
        kept.append(MemoryFile(str(options.pop("pkey"))))
        options["key_file"] = kept[-1].path
    elif options.get("key_file") is not None:
        options["key_file"] = str(call.site.files.path("keys", str(options["key_file"]), option="key_file"))
    if options.get("ssh_config_file") is not None:
        name = str(options["ssh_config_file"])
        options["ssh_config_file"] = str(call.site.files.path("ssh_configs", name, option="ssh_config_file"))
    return options, kept


def _authorities(args: NapalmConnectionArgs, call: Call, kept: list[MemoryFile]) -> str | bool:
    """What requests takes as ``verify``."""
    if args.ca is not None:
        kept.append(MemoryFile(args.ca))
        return kept[-1].path
    if args.ca_file is not None:
        return str(call.site.files.path("certificates", args.ca_file, option="ca_file"))
    return True


# -- eAPI -------------------------------------------------------------------------------------------------------------


def _open_eapi(args: NapalmConnectionArgs, call: Call) -> NapalmSession:
    tls = args.transport == "https"
    options = {name: value for name, value in args.optional_args.items() if name not in {"secret", "transport"}}
    if args.port is not None:
        options["port"] = args.port
    secret = _secret(args, "enable_password", "secret")
    if secret is not None:
        options["enable_password"] = secret
    # NAPALM hands the arguments on by the names in the class's signature.
    options |= {"transport": KeptConnection, "context": _context(args, call) if tls else None, "call": call}
    device = _driver_class("eos")(args.host, args.username, _password(args), args.timeout, options)
    try:
        device.open()
    except BaseException:
        if device.device is not None:
            device.device.connection.close()
        raise
    return EapiSessionOfNapalm(device, args.platform)


def _context(args: NapalmConnectionArgs, call: Call) -> Any:
    return client_context(
        PyeapiConnectionArgs(
            host=args.host,
            username=args.username,
            password=args.password,
            verify=args.verify,
            ca=args.ca,
            ca_file=args.ca_file,
        ),
        call.site.files,
    )


# -- command lines ----------------------------------------------------------------------------------------------------


def _open_command_line(args: NapalmConnectionArgs, call: Call) -> NapalmSession:
    opened: list[NetmikoSession] = []
    beside: list[weakref.ref[paramiko.SSHClient]] = []

    def log_in(device_type: str, options: dict[str, Any]) -> Any:
        session = _netmiko_session(args, device_type, options, call)
        opened.append(session)
        _pin_host_key(session, beside)
        # NAPALM may go on to ask for the release (eos); that belongs to the login.
        session.connection.guard, session.connection.deadline = call.before_write, call.deadline
        return session.connection

    def netmiko_open(self: Any, device_type: str, netmiko_optional_args: dict[str, Any] | None = None) -> Any:
        """In place of NetworkDriver._netmiko_open, which calls netmiko's ConnectHandler."""
        self._netmiko_device = log_in(device_type, netmiko_optional_args or {})
        return self._netmiko_device

    base = _driver_class(args.platform.name)
    kept: type[Any] = type(base.__name__, (base,), {"_netmiko_open": netmiko_open, "__module__": base.__module__})
    options = dict(args.optional_args)
    if args.port is not None:
        options["port"] = args.port
    device = kept(args.host, args.username, _password(args), args.timeout, options)
    try:
        device.open()
        if args.platform.name == "eos":
            # get_bgp_neighbors_detail asks the eAPI client, which over SSH is this connection.
            setattr(opened[0].connection, "run_commands", device._run_commands)  # noqa: B010, SLF001 - of this one object
        with opened[0].operation(call):
            pass  # ends the login: from here on only operations may write
    except BaseException:
        for session in opened:
            session.close()
        raise
    return CommandLineSession(device, args.platform, opened[0], beside)


def _pin_host_key(session: NetmikoSession, beside: list[weakref.ref[paramiko.SSHClient]]) -> None:
    """NAPALM's file transfers open connections of their own, by netmiko's client, which would send the password to
    whoever answers: let them take the host key only that the session was opened with.

    Args:
        beside: gets the clients of those connections.
    """
    connection = session.connection
    stream = connection.stream
    transport = stream.channel.get_transport() if isinstance(stream, SSHStream) else None
    if transport is None:
        return  # Telnet
    key = transport.get_remote_server_key()
    name = connection.host if connection.port == 22 else f"[{connection.host}]:{connection.port}"
    build = connection._build_ssh_client  # noqa: SLF001 - what netmiko's SCP calls

    def build_pinned() -> paramiko.SSHClient:
        client: paramiko.SSHClient = build()
        client.get_host_keys().add(name, key.get_name(), key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        beside[:] = [known for known in beside if known() is not None] + [weakref.ref(client)]
        return client

    setattr(connection, "_build_ssh_client", build_pinned)  # noqa: B010 - of this one object


def _netmiko_session(
    args: NapalmConnectionArgs, device_type: str, options: dict[str, Any], call: Call
) -> NetmikoSession:
    """A session of the netmiko driver, in privileged mode unless ``force_no_enable`` is set."""
    secret = _secret(args, "secret")
    values = {
        "device_type": device_type,
        "host": args.host,
        "username": args.username,
        "password": _password(args),
        "timeout": args.timeout,
        # netmiko's methods would wait ten seconds for most answers, whatever NAPALM was told
        "read_timeout_override": args.timeout,
        "host_key_policy": args.host_key_policy,
        "known_hosts": args.known_hosts,
        "host_keys": args.host_keys,
        **{name: value for name, value in options.items() if name not in {"secret", "port"}},
    }
    if options.get("port") is not None:
        values["port"] = int(options["port"])
    if secret is not None:
        values["secret"] = secret
    try:
        checked = NetmikoDriver.validate_connection_args(values)
    except ValidationError as error:
        problems = [
            {"loc": f"optional_args.{'.'.join(map(str, one['loc']))}", "msg": one["msg"]}
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidArguments("optional_args do not validate", details=problems) from None
    driver = NetmikoDriver(checked)
    driver.call = call
    session = driver.connect()
    if args.optional_args.get("force_no_enable"):
        return session
    try:
        with session.operation(call):
            raise_privilege(session, secret)
    except BaseException:
        session.close()
        raise
    session.login_prompt = session.prompt
    return session
