"""SSH to a device: algorithms, authentication, the shell and exec channels."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from functools import lru_cache

import asyncssh
from asyncssh.constants import MSG_SERVICE_REQUEST
from asyncssh.packet import SSHPacket
from asyncssh.stream import SSHServerStreamSession

from .device import Device
from .device_spec import SshProfile
from .dialogue_terminal import DialogueTerminal
from .faults import Cut
from .file_transfer import transfer_session
from .gate import Gate
from .interpreter import Interpreter
from .outcome import Break, Outcome, Say
from .terminal import Terminal

PROMPT_LIKE_BANNER = "*** lab network ***\nrouter#\nswitch>\nauthorized access only #\n"

_MODERN_KEX = ["curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group14-sha256"]
_OLD = {
    "kex_algs": ["diffie-hellman-group14-sha1"],
    "encryption_algs": ["aes128-cbc", "aes256-cbc"],
    "mac_algs": ["hmac-sha1"],
}


@lru_cache(maxsize=2)
def shared_host_key(profile: SshProfile) -> asyncssh.SSHKey:
    """The host key that the devices of this process share, made on first use."""
    return new_host_key(profile)


def new_host_key(profile: SshProfile) -> asyncssh.SSHKey:
    if profile == "old_algorithms":
        return asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    return asyncssh.generate_private_key("ssh-ed25519")


def server_options(
    profile: SshProfile, host_key: asyncssh.SSHKey, version: str, *, dialogue: bool = False
) -> asyncssh.SSHServerConnectionOptions:
    """The SSH options of a kind of device; one object serves all devices of that kind.

    A `dialogue` may be of any vendor: it knows the key exchange too that clients insist on for some of them.
    """
    algorithms = {"kex_algs": [*_MODERN_KEX, *(_OLD["kex_algs"] if dialogue else ())]}
    if profile == "old_algorithms":
        algorithms = _OLD
    options = asyncssh.SSHServerConnectionOptions(
        server_factory=DeviceServer,
        server_host_keys=[host_key],
        server_version=version,
        compression_algs=["none"],
        encoding=None,
        line_editor=False,
        x11_forwarding=False,
        agent_forwarding=False,
        allow_scp=False,
        gss_host=None,
        login_timeout=120,
        **algorithms,
    )
    if profile == "old_algorithms":
        # An RSA key would be offered with SHA-2 signatures too, which such devices do not know.
        old = b"ssh-rsa"
        options.server_host_keys = OrderedDict({old: options.server_host_keys[old]})
    return options


class DeviceConnection(asyncssh.SSHServerConnection):
    """asyncssh's connection, as patient as OpenSSH and the devices.

    RFC 4253 (section 10) has one service request; paramiko repeats it before every attempt to authenticate, and
    asyncssh alone takes that for an error: a second password on the same connection would never be judged.
    """

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        if pkttype == MSG_SERVICE_REQUEST and self._auth_in_progress and not self._auth_complete:
            self._next_service = b"ssh-userauth"
        return super().process_packet(pkttype, pktid, packet)


class DeviceServer(asyncssh.SSHServer):
    """The SSH dialogue of one connection up to its channels."""

    _gate: Gate
    _connection: asyncssh.SSHServerConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        gate = conn.get_extra_info("gate")
        assert isinstance(gate, Gate), "devices listen through gates"
        self._connection = conn
        self._gate = gate
        self._device: Device = gate.device
        self._username = ""
        self._privilege = 1

    def begin_auth(self, username: str) -> bool:
        if self._username:
            # A further attempt; the banner was shown.
            self._username = username
            return True
        self._username = username
        text = PROMPT_LIKE_BANNER if self._device.faults.prompt_like_banner else self._device.banner("login")
        if text:
            self._connection.send_auth_banner(text)
        return "none" not in self._device.auth_methods

    def password_auth_supported(self) -> bool:
        return "password" in self._device.auth_methods

    def kbdint_auth_supported(self) -> bool:
        return "keyboard-interactive" in self._device.auth_methods

    def public_key_auth_supported(self) -> bool:
        return "publickey" in self._device.auth_methods

    async def validate_password(self, username: str, password: str) -> bool:
        return await self._judge(self._device.platform.check_password(self._device, username, password))

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [("Password: ", False)]

    async def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        password = responses[0] if responses else ""
        return await self._judge(self._device.platform.check_password(self._device, username, password))

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        offered = key.export_public_key().split()[:2]
        known = any(text.encode().split()[:2] == offered for text in self._device.spec.authorized_keys)
        privilege = self._device.privilege_of(username)
        # This is asked once for the offer and once more for the signature: neither is a failure to be counted twice.
        if self._device.faults.auth_failures:
            return await self._judge(None)
        if known and privilege is not None:
            self._privilege = privilege
            return True
        return False

    async def _judge(self, privilege: int | None) -> bool:
        faults = self._device.faults
        if faults.auth_delay:
            await asyncio.sleep(faults.auth_delay)
        if privilege is None or faults.take_auth_failure():
            self._device.journal.counters.auth_failures += 1
            self._device.journal.event("authentication failed", username=self._username, source=self._gate.peer)
            return False
        self._privilege = privilege
        return True

    def auth_completed(self) -> None:
        device = self._device
        if device.faults.session_limit_at == "login" and device.session_refused():
            device.journal.counters.refused_sessions += 1
            device.journal.event("session refused", username=self._username)
            # Later, so that the client learns first that its password was right, as from a router out of lines.
            asyncio.get_running_loop().call_soon(self._gate.cut, "close")
            return
        self._gate.logged_in(self._username)
        if device.faults.frozen:
            self._gate.cut("freeze")

    def session_requested(self) -> asyncssh.SSHServerSession[bytes] | bool:
        if not self._gate.session:
            return False
        shell = self._device.shell(username=self._username, privilege=self._privilege, session=self._gate.session)
        return DeviceSession(self._gate, shell)


class DeviceSession(asyncssh.SSHServerSession[bytes]):
    """A session channel: a terminal with a shell, one command, or a file transfer."""

    _channel: asyncssh.SSHServerChannel[bytes]

    def __init__(self, gate: Gate, shell: Interpreter) -> None:
        self._gate = gate
        self._shell = shell
        self._terminal: Terminal | DialogueTerminal | None = None
        self._command: str | None = None
        self._transfer: SSHServerStreamSession[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        # Network devices keep their own default of 24 lines, whatever the client's window is, but take its width.
        if term_size[0]:
            self._shell.width = term_size[0]
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._command = command
        device = self._gate.device
        if device.dialogue is not None:
            return False  # a dialogue is one of a terminal
        if command.startswith("scp ") and device.platform.copies(device, "scp"):
            self._begin_transfer(device)
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        device = self._gate.device
        if subsystem != "sftp" or device.dialogue is not None or not device.platform.copies(device, "sftp"):
            return False
        self._begin_transfer(device)
        return True

    def _begin_transfer(self, device: Device) -> None:
        self._transfer = transfer_session(device, session=self._gate.session)
        self._transfer.connection_made(self._channel)

    def session_started(self) -> None:
        if self._transfer is not None:
            self._transfer.session_started()
            return
        if self._gate.device.dialogue is not None:
            self._start_dialogue(self._gate.device)
            return
        terminal = Terminal(device=self._gate.device, wire=self, shell=self._shell, once=self._command is not None)
        self._terminal = terminal
        self._gate.terminals.add(terminal)
        if self._command is not None:
            terminal.run_once(self._command)
        else:
            terminal.start(greeting(self._gate.device))

    def _start_dialogue(self, device: Device) -> None:
        if device.faults.on_login:
            self.cut(device.faults.on_login)
            return
        self._terminal = DialogueTerminal(device=device, wire=self, session=self._gate.session)
        self._gate.terminals.add(self._terminal)
        self._terminal.start()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if self._transfer is not None:
            self._transfer.data_received(data, datatype)
        if self._terminal is not None:
            self._terminal.receive(data)

    def eof_received(self) -> bool:
        return True if self._transfer is None else bool(self._transfer.eof_received())

    def pause_writing(self) -> None:
        if self._transfer is not None:
            self._transfer.pause_writing()

    def resume_writing(self) -> None:
        if self._transfer is not None:
            self._transfer.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transfer is not None:
            self._transfer.connection_lost(exc)
        if self._terminal is not None:
            self._terminal.close()
            self._gate.terminals.discard(self._terminal)

    # -- the terminal's wire -----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if not self._channel.is_closing():
            self._channel.write(data)

    def finish(self) -> None:
        if not self._channel.is_closing():
            self._channel.exit(0)
        if self._command is None:
            # A router hangs up with its last terminal.
            asyncio.get_running_loop().call_soon(self._gate.cut, "close")

    def cut(self, action: Cut) -> None:
        self._cut_when_sent(action, asyncio.get_running_loop().time() + 2.0)

    def _cut_when_sent(self, action: Cut, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        if self._channel.get_write_buffer_size() and loop.time() < deadline:
            loop.call_later(0.002, self._cut_when_sent, action, deadline)
        else:
            self._gate.cut(action)


def greeting(device: Device) -> Outcome:
    """What a fresh terminal shows, or what happens instead."""
    faults = device.faults
    if faults.on_login:
        return Break(faults.on_login)
    text = device.banner("motd") + device.banner("exec")
    if faults.prompt_like_banner:
        text = PROMPT_LIKE_BANNER + text
    return Say(f"\n{text}" if text else "\n")
