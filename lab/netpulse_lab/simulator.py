"""All devices of one simulator process: listening sockets, and what the control socket asks of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import asyncssh

from .device import Device
from .device_spec import DeviceSpec, SpecError
from .dialogue_device import dialogue_platform
from .eapi import EapiConnection
from .eapi_tls import identity, server_context
from .faults import Cut
from .gate import Gate
from .platforms import platform_named
from .ssh_server import DeviceConnection, new_host_key, server_options, shared_host_key
from .telnet_server import TelnetSession


class UnknownDeviceError(LookupError):
    """There is no device of that name."""


class Simulator:
    """The devices of this process. Everything happens in its event loop."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._servers: dict[str, list[asyncio.Server]] = {}
        self._options: dict[tuple[str, str, bool], asyncssh.SSHServerConnectionOptions] = {}
        self._sequence = itertools.count(1)
        self._given: set[tuple[str, int]] = set()

    @property
    def devices(self) -> list[Device]:
        return list(self._devices.values())

    def device(self, name: str) -> Device:
        """The device called `name`.

        Raises:
            UnknownDeviceError: there is none.
        """
        if name not in self._devices:
            raise UnknownDeviceError(f"unknown device {name!r}; known: {', '.join(sorted(self._devices)) or 'none'}")
        return self._devices[name]

    async def add(self, spec: DeviceSpec) -> Device:
        """Start a device.

        Raises:
            SpecError: the name is taken, the platform unknown, or the configuration is refused.
            OSError: its address or port cannot be used.
        """
        if spec.name in self._devices:
            raise SpecError(f"there is already a device {spec.name!r}")
        try:
            platform = dialogue_platform(spec.dialogue) if spec.dialogue else platform_named(spec.platform)
            device = Device(spec=spec, platform=platform, sequence=self._sequence)
        except ValueError as error:
            raise SpecError(f"device {spec.name!r}: {error}") from error
        loop = asyncio.get_running_loop()
        options = self._ssh_options(spec, platform.ssh_version)

        def ssh(gate: Gate) -> asyncio.Protocol:
            return DeviceConnection(loop, options)

        server, device.port = await self._listen(lambda: Gate(device, ssh), spec.host, spec.port, backlog=128)
        self._servers[spec.name] = [server]
        if spec.telnet_port is not None:
            try:
                telnet, device.telnet_port = await self._listen(
                    lambda: Gate(device, TelnetSession), spec.host, spec.telnet_port
                )
            except OSError:
                server.close()
                del self._servers[spec.name]
                raise
            self._servers[spec.name].append(telnet)
        if spec.http_port is not None or spec.https_port is not None:
            try:
                await self._serve_eapi(device)
            except OSError:
                for started in self._servers.pop(spec.name):
                    started.close()
                raise
        self._devices[spec.name] = device
        return device

    async def _serve_eapi(self, device: Device) -> None:
        """Listen for eAPI, plain and in TLS as the device's description says.

        Raises:
            OSError: an address or port cannot be used.
        """
        spec = device.spec
        if spec.http_port is not None:
            plain, device.http_port = await self._listen(
                lambda: Gate(device, EapiConnection), spec.host, spec.http_port
            )
            self._servers[spec.name].append(plain)
        if spec.https_port is not None:
            tls = server_context(spec.host, spec.https_client_ca)
            sealed, device.https_port = await self._listen(
                lambda: Gate(device, EapiConnection), spec.host, spec.https_port, ssl=tls
            )
            self._servers[spec.name].append(sealed)

    async def _listen(
        self, protocol: Callable[[], asyncio.Protocol], host: str, port: int, **options: Any
    ) -> tuple[asyncio.Server, int]:
        """Listen; the server and its port.

        With port 0 on one that no device of this lab had before: who knows devices by address and port, as the broker
        does, would take the new one for the old.

        Raises:
            OSError: the address or port cannot be used.
        """
        loop, had = asyncio.get_running_loop(), []
        try:
            while True:
                server = await loop.create_server(protocol, host, port, **options)
                given = int(server.sockets[0].getsockname()[1])
                if port or (host, given) not in self._given:
                    self._given.add((host, given))
                    return server, given
                had.append(server)  # kept meanwhile, so that another one is given
        finally:
            for server in had:
                server.close()

    def _ssh_options(self, spec: DeviceSpec, version: str) -> asyncssh.SSHServerConnectionOptions:
        profile, dialogue = spec.ssh_profile, spec.dialogue is not None
        if spec.own_host_key:
            return server_options(profile, new_host_key(profile), version, dialogue=dialogue)
        key = (profile, version, dialogue)
        if key not in self._options:
            self._options[key] = server_options(profile, shared_host_key(profile), version, dialogue=dialogue)
        return self._options[key]

    def remove(self, name: str, *, action: Cut = "rst") -> None:
        """Take a device off the network: its connections are cut, its ports close."""
        device = self.device(name)
        for server in self._servers.pop(name):
            server.close()
        del self._devices[name]
        for connection in list(device.connections):
            connection.cut(action)

    def close(self) -> None:
        """Take all devices off the network."""
        for name in list(self._devices):
            self.remove(name, action="close")

    def drop(self, name: str, action: Cut) -> int:
        """Cut all connections of a device; returns how many there were."""
        connections = list(self.device(name).connections)
        for connection in connections:
            connection.cut(action)
        return len(connections)

    def configure(self, name: str, lines: str) -> None:
        """Change a device's running configuration as another user would (no session, no login).

        Raises:
            ValueError: the device refuses a line.
        """
        shell = self.device(name).shell(username="console")
        shell.load(lines)


def describe(device: Device) -> dict[str, Any]:
    """How to reach a device and log in."""
    spec = device.spec
    return {
        "name": spec.name,
        "platform": spec.dialogue.platform if spec.dialogue else spec.platform,
        "host": spec.host,
        "port": device.port,
        "telnet_port": device.telnet_port,
        "http_port": device.http_port,
        "https_port": device.https_port,
        "certificate": identity(spec.host)[0] if spec.https_port is not None else "",
        "username": spec.username,
        "password": spec.password,
        "secret": spec.secret,
    }
