"""The TCP side of a device: accepts, and decides before SSH or Telnet begins what a faulty device would do.

The gate also stands between the protocol and the socket, so that a frozen device neither reads nor writes, whatever
layer wants to (SSH keepalives are answered below the session).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, cast

from .device import Device
from .dialogue_terminal import DialogueTerminal
from .faults import Cut
from .terminal import Terminal

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with time 0: close() sends RST instead of FIN."""

_PATIENCE = 2.0
"""Seconds for a peer to take what was written before a cut, and to answer FIN."""


class Gate(asyncio.Transport, asyncio.Protocol):
    """One TCP connection to a device: the socket's protocol, and the transport of what is spoken over it."""

    def __init__(self, device: Device, speak: Callable[[Gate], asyncio.Protocol]) -> None:
        super().__init__()
        self.device = device
        self.session = 0
        self.username = ""
        self.peer = ""
        self.terminals: set[Terminal | DialogueTerminal] = set()
        self._speak = speak
        self._tcp: asyncio.Transport | None = None
        self._speaker: asyncio.Protocol | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._frozen = False
        self._leaving = False
        """Closing in good order: FIN is sent, what still comes is thrown away."""
        self._held: list[bytes] = []
        """What was to be written while frozen."""

    # -- the socket's protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport but are no subclass of it.
        self._tcp = tcp = cast(asyncio.Transport, transport)
        self.peer = str((transport.get_extra_info("peername") or ("?",))[0])
        device, faults = self.device, self.device.faults
        device.journal.counters.connections += 1
        device.connections.add(self)
        if time.monotonic() < device.down_until or faults.on_connect == "rst":
            self.cut("rst")
        elif faults.on_connect == "close":
            self.cut("close")
        elif faults.session_limit_at == "connect" and device.session_refused():
            device.journal.counters.refused_sessions += 1
            self.cut("close")
        elif faults.on_connect == "hang":
            tcp.pause_reading()
        else:
            tcp.pause_reading()
            if faults.frozen:
                self._frozen = True
            if faults.banner_delay:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(faults.banner_delay, self._begin)
            else:
                self._begin()

    def _begin(self) -> None:
        self._timer = None
        if self._tcp is None or self._tcp.is_closing():
            return
        speaker = self._speak(self)
        self._speaker = speaker
        speaker.connection_made(self)
        if not self._frozen and not self._tcp.is_closing():
            self._tcp.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._speaker is not None and not self._leaving:
            self._speaker.data_received(data)

    def eof_received(self) -> bool | None:
        return self._speaker.eof_received() if self._speaker is not None and not self._leaving else None

    def pause_writing(self) -> None:
        if self._speaker is not None:
            self._speaker.pause_writing()

    def resume_writing(self) -> None:
        if self._speaker is not None:
            self._speaker.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for terminal in list(self.terminals):
            terminal.close()
        self.terminals.clear()
        self.device.connections.discard(self)
        if self.session:
            self.device.journal.counters.open_sessions -= 1
        if self._speaker is not None:
            self._speaker.connection_lost(exc)
            self._speaker = None

    # -- the protocol's transport ------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._frozen:
            self._held.append(bytes(data))
        elif self._tcp is not None and not self._leaving:
            self._tcp.write(data)

    def close(self) -> None:
        if self._tcp is not None and not self._frozen:
            self._leave(self._tcp)

    def abort(self) -> None:
        """asyncssh aborts right behind its last message, which would often be lost with the rest."""
        self.close()

    def is_closing(self) -> bool:
        return self._tcp is None or self._tcp.is_closing()

    def can_write_eof(self) -> bool:
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As for any transport; "gate" is the gate itself."""
        if name == "gate":
            return self
        return default if self._tcp is None else self._tcp.get_extra_info(name, default)

    # -- the device's connection -------------------------------------------------------------------------------------

    def logged_in(self, username: str) -> None:
        """Authentication was accepted."""
        self.username = username
        self.session = self.device.open_session()

    def cut(self, action: Cut) -> None:
        """End or freeze the connection. What was written before goes out, as far as the peer takes it."""
        if self._tcp is None:
            return
        if action == "freeze":
            self._frozen = True
            self._tcp.pause_reading()
            return
        if action == "hang":
            return
        if self._frozen:
            # Whoever ends a frozen connection from outside means the end of it.
            self._frozen = False
            self._held.clear()
        if action == "close":
            self._leave(self._tcp)
        else:
            # A moment later: uvloop writes at the end of its turn and does not count what waits for that.
            loop = asyncio.get_running_loop()
            loop.call_later(0.002, self._reset, loop.time() + _PATIENCE)

    def _leave(self, tcp: asyncio.Transport) -> None:
        """FIN, then wait for the peer's. Closing a socket with unread data would send RST instead."""
        if self._leaving or tcp.is_closing():
            return
        self._leaving = True
        if self._timer is not None:
            self._timer.cancel()
        if not tcp.can_write_eof():
            tcp.close()  # TLS: its own close comes first, and there is no half of it
            return
        # A moment later: uvloop writes at the end of its turn, and a shutdown before that loses what was written.
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(0.002, self._say_goodbye, tcp, loop.time() + _PATIENCE)

    def _say_goodbye(self, tcp: asyncio.Transport, deadline: float) -> None:
        """FIN, as soon as the send buffer is empty."""
        loop = asyncio.get_running_loop()
        if tcp.is_closing():
            return
        if tcp.get_write_buffer_size() and loop.time() < deadline:
            self._timer = loop.call_later(0.002, self._say_goodbye, tcp, deadline)
            return
        tcp.write_eof()
        tcp.resume_reading()
        self._timer = loop.call_later(_PATIENCE, tcp.close)

    def _reset(self, deadline: float) -> None:
        """RST, as soon as the send buffer is empty."""
        loop = asyncio.get_running_loop()
        if self._tcp is None or self._tcp.is_closing():
            return
        if self._tcp.get_write_buffer_size() and loop.time() < deadline:
            loop.call_later(0.002, self._reset, deadline)
            return
        raw = self._tcp.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._tcp.abort()

    def thaw(self) -> None:
        """Go on after a freeze with what was held back."""
        if not self._frozen or self._tcp is None:
            return
        self._frozen = False
        for data in self._held:
            self._tcp.write(data)
        self._held.clear()
        if self._speaker is not None:
            self._tcp.resume_reading()

    def faults_changed(self) -> None:
        for terminal in list(self.terminals):
            terminal.faults_changed()

    def announce(self, text: str) -> None:
        for terminal in list(self.terminals):
            terminal.announce(text)
