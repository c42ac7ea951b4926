"""One simulated device: its configuration, faults, journal and the connections that are open to it."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, Protocol

from .config_session import Candidates
from .config_store import ConfigTree, Entry
from .device_spec import AuthMethod, DeviceSpec
from .faults import Cut, Faults
from .file_store import FileStore
from .interpreter import Interpreter
from .journal import Journal
from .platform import Platform


class Connection(Protocol):
    """A transport connection to a device, before or after login."""

    session: int
    """Number of the login; 0 before it."""
    username: str

    def cut(self, action: Cut) -> None:
        """End or freeze the connection."""

    def thaw(self) -> None:
        """Undo a freeze."""

    def faults_changed(self) -> None:
        """Take new fault switches into account."""

    def announce(self, text: str) -> None:
        """Write `text` to the open terminals, unasked."""


@lru_cache(maxsize=4096)
def secret_hash(secret: str) -> str:
    """What a device prints instead of a secret. Equal secrets have equal hashes: a printed configuration can be
    replayed on another device and its accounts still work."""
    digest = hashlib.sha256(b"simulated-device:" + secret.encode()).digest()
    return base64.b64encode(digest, altchars=b"./").decode().rstrip("=")


class Device:
    """The state of one device. It outlives every session and is only touched from the event loop."""

    def __init__(self, *, spec: DeviceSpec, platform: Platform, sequence: Iterator[int]) -> None:
        self.spec = spec
        self.platform = platform
        self.dialogue = spec.dialogue
        self.memory = dict(spec.dialogue.memory) if spec.dialogue is not None else {}
        """The variables of a dialogue."""
        self.faults = Faults()
        self.faults.update(spec.faults)
        self.journal = Journal(sequence=sequence)
        self.connections: set[Connection] = set()
        self.sequence = sequence
        self.host = spec.host
        self.port = spec.port
        self.telnet_port = spec.telnet_port
        self.http_port = spec.http_port
        self.https_port = spec.https_port
        self.booted = time.time() - spec.surroundings.uptime
        self.down_until = 0.0
        """Monotonic time until which a reloading device refuses connections."""
        self.changed: tuple[float, str] | None = None
        """When and by whom the running configuration was changed last."""
        self.saved: float | None = None
        self.candidates = Candidates()
        """Named configuration sessions, where the platform has them."""
        self.history_of_commits: list[ConfigTree] = []
        """What was in force before each commit, newest first, where the platform keeps it."""
        self.files = FileStore(platform.file_system)
        self.running = ConfigTree()
        self.running = self._factory_config()
        self.startup = self.running.copy()
        self._printed: tuple[int, str] = (-1, "")
        self._next_session = 0

    def _factory_config(self) -> ConfigTree:
        text = self.platform.factory(self.spec)
        tree = load(self, text)
        return load(self, self.spec.config, tree) if self.spec.config else tree

    @property
    def auth_methods(self) -> tuple[AuthMethod | Literal["none"], ...]:
        """What SSH accepts; ``none`` lets everybody in."""
        return tuple(self.dialogue.auth) if self.dialogue is not None else self.spec.auth_methods

    @property
    def hostname(self) -> str:
        """The host name in the running configuration."""
        *sections, leaf = self.platform.hostname
        place: Entry | None = self.running.root
        for word in sections:
            place = place.find(word) if place is not None else None
        return (place.argument(leaf) if place is not None else None) or self.platform.name.capitalize()

    @property
    def unsaved(self) -> bool:
        """Whether the running configuration was changed after it was saved."""
        return self.running.version != self.startup.version

    def banner(self, kind: str) -> str:
        """The text of a configured banner, "" when there is none."""
        if self.dialogue is not None:
            return self.dialogue.banner if kind == "login" else ""
        entry = self.running.root.find("banner", kind)
        return entry.words[2] + "\n" if entry is not None else ""

    def privilege_of(self, username: str) -> int | None:
        """The level that an account lands at, None when there is no such account."""
        entry = self.running.root.find("username", username)
        if entry is None:
            return None
        words = entry.words
        return int(words[words.index("privilege") + 1]) if "privilege" in words else 1

    def running_text(self) -> str:
        """``show running-config``, made anew only after a change."""
        if self._printed[0] != self.running.version:
            self._printed = (self.running.version, self.platform.show_config(self, self.running))
        return self._printed[1]

    def startup_text(self) -> str:
        return self.platform.show_config(self, self.startup)

    def note_change(self, username: str) -> None:
        """The running configuration was changed by `username`."""
        self.running.touch()
        self.changed = (time.time(), username)

    def save(self, *, session: int) -> None:
        """Copy the running configuration to the startup configuration."""
        self.startup = self.running.copy()
        self.saved = time.time()
        self.journal.event("saved", session=session)

    def reload(self, *, session: int) -> None:
        """Restart: sessions end, the running configuration becomes the startup configuration."""
        self.journal.event("reload", session=session, unsaved=self.unsaved)
        self.running = self.startup.copy()
        self._printed = (-1, "")
        self.candidates.clear()
        self.changed = None
        self.booted = time.time()
        self.down_until = time.monotonic() + self.spec.reload_seconds
        for connection in list(self.connections):
            connection.cut("close")

    def restore(self) -> None:
        """Go back to the configuration of the start, running and saved; files that came later go, sessions stay."""
        self.candidates.clear()
        self.files.clear()
        self.memory = dict(self.dialogue.memory) if self.dialogue is not None else {}
        self.replace_running(self._factory_config(), "console")
        self.startup = self.running.copy()
        self.changed = None
        self._printed = (-1, "")

    def replace_running(self, tree: ConfigTree, username: str) -> None:
        """Put the lines of `tree` in force. Sessions that are in global configuration mode go on in it."""
        self.running.root.children = tree.root.children
        self.note_change(username)

    def shell(
        self, *, username: str, privilege: int = 15, session: int = 0, tree: ConfigTree | None = None
    ) -> Interpreter:
        """A new conversation with this device, in the way of its platform."""
        kind = self.platform.interpreter or Interpreter
        return kind(device=self, username=username, privilege=privilege, session=session, tree=tree)

    def open_session(self) -> int:
        """Count an accepted login and give it its number."""
        self._next_session += 1
        self.journal.counters.logins += 1
        self.journal.counters.open_sessions += 1
        return self._next_session

    def session_refused(self) -> bool:
        """Whether one session more is too many."""
        limit = self.faults.session_limit
        return limit >= 0 and self.journal.counters.open_sessions >= limit

    def set_faults(self, changes: dict[str, Any], *, reset: bool = False) -> None:
        """Set the named fault switches; with `reset` all others go back to neutral.

        Raises:
            FaultError: a switch is unknown or has a wrong value; nothing is changed.
        """
        fresh = Faults() if reset else self.faults
        fresh.update(changes)
        self.faults = fresh
        for connection in list(self.connections):
            if self.faults.frozen:
                connection.cut("freeze")
            else:
                connection.thaw()
            connection.faults_changed()


def load(device: Device, text: str, tree: ConfigTree | None = None) -> ConfigTree:
    """Apply configuration text to `tree` (a new one by default), as if it was typed.

    Raises:
        ValueError: the device would refuse a line.
    """
    target = ConfigTree() if tree is None else tree
    device.shell(username="startup", tree=target).load(text)
    return target
