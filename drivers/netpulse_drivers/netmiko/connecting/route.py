"""The way to a device: where it leads, through which hosts, and opening it.

Without jump hosts it is a TCP connection. With them it is a stream that the machine's jump process hands out, over one
SSH session per jump host for all devices (docs/jump-hosts.md).

Of an OpenSSH client configuration (``ssh_config_file``) the device's own HostName, Port, User, ProxyJump and
ProxyCommand count, and of a jump host named there HostName, Port, User and IdentityFile.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
from pydantic import SecretStr

from netpulse_drivers.errors import ConnectError, InvalidArguments
from netpulse_drivers.jump.jump_host import JumpHost, hops_of_text
from netpulse_drivers.named_files import read_text
from netpulse_drivers.ssh.ssh_args import CERTIFICATE_SUFFIX
from netpulse_drivers.ssh.tcp import open_tcp

if TYPE_CHECKING:
    from netpulse_drivers.deadline import Deadline
    from netpulse_drivers.netmiko.connecting.connection_args import NetmikoConnectionArgs
    from netpulse_drivers.networks import DeviceNetworks


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where to go and how.

    Attributes:
        host, port, username: of the device.
        hops: jump hosts, nearest first; empty for a direct connection.
        command: ProxyCommand, run on the worker; "" for none.
    """

    host: str
    port: int
    username: str
    hops: tuple[JumpHost, ...] = ()
    command: str = field(default="", repr=False)

    @classmethod
    def of(cls, args: NetmikoConnectionArgs) -> Route:
        """As the request says, with what its ssh_config_file adds.

        Args:
            args: resolved (``NetmikoConnectionArgs.with_files``).

        Raises:
            InvalidArguments: the file cannot be read, or a jump host has no credential.
        """
        hops = args.hops()
        if args.ssh_config_file is None:
            return cls(host=args.host, port=args.tcp_port, username=args.username, hops=hops)
        config = _read_config(args.ssh_config_file)
        found = _lookup(config, args.host)
        username = args.username or found.get("user", "")
        if not username:
            raise InvalidArguments("username is missing, and ssh_config_file names no User for this host")
        port = args.port or int(found.get("port", args.tcp_port))
        jumps = found.get("proxyjump", "none")
        command = found.get("proxycommand", "none")
        if not hops and jumps.lower() != "none":
            hops = tuple(_configured_hop(hop, config, args) for hop in hops_of_text(jumps))
        use_command = not hops and command.lower() != "none"
        return cls(
            host=found.get("hostname", args.host),
            port=port,
            username=username,
            hops=hops,
            command=command if use_command else "",
        )

    @property
    def where(self) -> str:
        """For messages."""
        through = f" (behind {self.hops[-1].where})" if self.hops else ""
        return f"{self.host} port {self.port}{through}"

    def open(self, args: NetmikoConnectionArgs, deadline: Deadline, networks: DeviceNetworks) -> socket.socket:
        """Both directions of a connection to the device.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, InvalidArguments: those of a jump host name it.
        """
        if self.hops:
            from netpulse_drivers.jump.client import open_stream  # noqa: PLC0415 - few workers ever need it

            return open_stream(
                self.hops, self.host, self.port, within=args.conn_timeout, deadline=deadline, networks=networks
            )
        if self.command:
            return _run_proxy_command(self.command)
        limit = deadline.sooner(args.conn_timeout)
        return open_tcp(self.host, self.port, limit, networks=networks, source=args.source_address)


def _run_proxy_command(command: str) -> socket.socket:
    """Both ends of a command's standard input and output as one socket; it ends when that is closed.

    Not paramiko.ProxyCommand: that is no socket that could be waited on, and it never reaps its process.

    Raises:
        ConnectError: it cannot be run.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                shlex.split(command), stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True
            )
        except (OSError, ValueError) as error:
            ours.close()
            reason = error.strerror if isinstance(error, OSError) else "it cannot be understood"
            raise ConnectError(f"the ProxyCommand of ssh_config_file cannot be run on the worker: {reason}") from error
    threading.Thread(target=process.wait, name="proxy-command", daemon=True).start()
    return ours


def _read_config(path: str) -> paramiko.SSHConfig:
    try:
        return paramiko.SSHConfig.from_path(path)
    except OSError as error:
        raise InvalidArguments(f"ssh_config_file cannot be read on the worker: {error.strerror}") from None
    except (paramiko.ConfigParseError, ValueError):  # its text would quote the file
        raise InvalidArguments("ssh_config_file is no OpenSSH client configuration") from None


def _lookup(config: paramiko.SSHConfig, host: str) -> dict[str, Any]:
    try:
        return dict(config.lookup(host))
    except (paramiko.SSHException, ImportError, ValueError) as error:  # e.g. Match exec without the package it needs
        raise InvalidArguments(f"ssh_config_file cannot be used for {host}: {type(error).__name__}") from None


def _configured_hop(hop: JumpHost, config: paramiko.SSHConfig, args: NetmikoConnectionArgs) -> JumpHost:
    """A jump host as the file describes it; the keys of the request where the file names none."""
    found = _lookup(config, hop.host)
    keys = [path for path in found.get("identityfile", ()) if Path(path).expanduser().is_file()]
    named = {
        "host": found.get("hostname", hop.host),
        "port": hop.port if "port" in hop.model_fields_set else int(found.get("port", hop.port)),
        "username": hop.username or found.get("user", ""),
    }
    if keys:
        path = Path(keys[0]).expanduser()
        named["pkey"] = SecretStr(read_text(path, option="IdentityFile of ssh_config_file"))
        beside = path.with_name(path.name + CERTIFICATE_SUFFIX)
        named["certificate"] = read_text(beside, option="the certificate") if beside.is_file() else None
    return hop.model_copy(update=named).completed(args, args.username)
