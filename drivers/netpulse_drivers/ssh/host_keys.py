"""Which host keys are believed: a known_hosts file that many processes may add to.

The file has OpenSSH's format (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), so administrators can prepare and read it with
ssh-keyscan and ssh-keygen. Only lines that may concern the host at hand are parsed: the file may hold thousands.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast, get_args

import paramiko
from paramiko.hostkeys import HostKeyEntry, HostKeys, InvalidHostKey

from netpulse_drivers.errors import ConnectError, HostKeyMismatch, InvalidArguments
from netpulse_drivers.ssh.ssh_args import HostKeyPolicy

KNOWN_HOSTS_VARIABLE = "NETPULSE_KNOWN_HOSTS"
"""Environment variable with the path of the worker's known_hosts file."""


POLICY_VARIABLE = "NETPULSE_HOST_KEY_POLICY"
"""Environment variable with the worker's policy; the operator's ``known`` cannot be loosened by a request."""


def effective_policy(requested: HostKeyPolicy | None) -> HostKeyPolicy:
    """The policy for one login.

    Raises:
        ConnectError: the worker's environment names no policy that exists.
    """
    configured = os.environ.get(POLICY_VARIABLE) or "accept-new"
    if configured not in get_args(HostKeyPolicy):
        raise ConnectError(f"{POLICY_VARIABLE} of the worker must be one of {', '.join(get_args(HostKeyPolicy))}")
    if requested is None or configured == "known":
        return cast(HostKeyPolicy, configured)
    return requested


def default_known_hosts() -> Path:
    """The worker's file: ``$NETPULSE_KNOWN_HOSTS``, else below the user's state directory."""
    configured = os.environ.get(KNOWN_HOSTS_VARIABLE)
    if configured:
        return Path(configured).expanduser()
    state = os.environ.get("XDG_STATE_HOME")
    base = Path(state) if state else Path.home() / ".local" / "state"
    return base / "netpulse" / "known_hosts"


def host_token(host: str, port: int) -> str:
    """The host as it stands in a known_hosts line: ports other than 22 are part of it."""
    return host if port == 22 else f"[{host}]:{port}"


def parse_host_key(text: str) -> paramiko.PKey:
    """A public key from a line as in a .pub file.

    Raises:
        InvalidArguments
    """
    name, encoded, *_ = text.split()
    try:
        key: paramiko.PKey = paramiko.PKey.from_type_string(name, base64.b64decode(encoded, validate=True))
    except (paramiko.SSHException, ValueError, IndexError, struct.error):
        raise InvalidArguments(f"host_keys: no {name} key that can be read") from None
    return key


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """What the file says about one host."""

    accepted: dict[str, paramiko.PKey] = field(default_factory=dict)
    revoked: list[paramiko.PKey] = field(default_factory=list)


class KnownHosts:
    """One known_hosts file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys_of(self, token: str) -> KnownKeys:
        """The keys that the file holds for this host, by key type."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return KnownKeys()
        except OSError as error:
            raise ConnectError(f"cannot read known_hosts file {self.path}: {error.strerror}") from error
        return _keys_in(text, token)

    def remember(self, token: str, key: paramiko.PKey) -> KnownKeys:
        """Add the key unless another process has added one for this host meanwhile; what stands there now.

        Raises:
            ConnectError: the file cannot be written; the message says what to set.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.path) as file:
                known = _keys_in(file.read(), token)
                if not known.accepted:
                    file.write(f"{token} {key.get_name()} {key.get_base64()}\n")
                    file.flush()
                    known = KnownKeys({key.get_name(): key}, known.revoked)
                return known
        except OSError as error:
            raise ConnectError(
                f"cannot remember the host key in {self.path} ({error.strerror}): make it writable, set "
                f"{KNOWN_HOSTS_VARIABLE}, or use host_key_policy 'known' or 'off'"
            ) from error


class HostKeyCheck(paramiko.MissingHostKeyPolicy):
    """Decides about the key that a device shows. paramiko asks it for every host, since it is given no keys itself.

    paramiko's own comparison prefers one key type and takes another type's key for a forgery; this one offers the
    known types first and compares by type.

    Args:
        only: keys of which the host must show one, beside what the policy wants if that is ``known``; (): any.
    """

    def __init__(
        self, policy: HostKeyPolicy, hosts: KnownHosts, token: str, *, only: Sequence[paramiko.PKey] = ()
    ) -> None:
        self.policy = policy
        self._only = list(only)
        self._hosts = hosts
        self._token = token
        self._known = KnownKeys() if policy == "off" else hosts.keys_of(token)
        self.remembered = False

    def preferred_algorithms(self, offered: tuple[str, ...]) -> tuple[str, ...]:
        """Host key algorithms in the order to offer them: those of keys that are known come first."""
        known = {key.get_name() for key in self._only} or set(self._known.accepted)
        if "ssh-rsa" in known:
            known |= {"rsa-sha2-512", "rsa-sha2-256"}
        return tuple(sorted(offered, key=lambda name: name not in known))

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Accept the key or raise HostKeyMismatch."""
        if self._only and key not in self._only:
            shown = f"{key.get_name()} {key.fingerprint}"
            raise HostKeyMismatch(f"host key of {self._token} ({shown}) is none of those in host_keys")
        if self.policy == "off" or (self._only and self.policy != "known"):
            return
        known = self._known
        if not known.accepted and self.policy == "accept-new" and key not in known.revoked:
            known = self._hosts.remember(self._token, key)
            self.remembered = True
        self._compare(known, key)

    def _compare(self, known: KnownKeys, key: paramiko.PKey) -> None:
        shown = f"{key.get_name()} {key.fingerprint}"
        where = self._hosts.path
        if key in known.revoked:
            raise HostKeyMismatch(f"host key of {self._token} ({shown}) is marked as revoked in {where}")
        if not known.accepted:
            raise HostKeyMismatch(
                f"host key of {self._token} ({shown}) is not known: add it to {where} or use host_key_policy accept-new"
            )
        ours = known.accepted.get(key.get_name())
        if ours == key:
            return
        expected = ours or next(iter(known.accepted.values()))
        raise HostKeyMismatch(
            f"host key of {self._token} changed: the device shows {shown}, {where} has {expected.get_name()} "
            f"{expected.fingerprint}. If the device was replaced, remove its line: "
            f"ssh-keygen -R '{self._token}' -f {where}"
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """The file, open for reading and appending, with an exclusive lock of all processes on this machine."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file


def _keys_in(text: str, token: str) -> KnownKeys:
    """Parse the lines that may concern this host."""
    accepted: dict[str, paramiko.PKey] = {}
    revoked: list[paramiko.PKey] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        marker = ""
        if line.startswith("@"):
            marker, _, line = line.partition(" ")
            line = line.lstrip()
        names = line.partition(" ")[0]
        if not line or line.startswith("#") or marker == "@cert-authority" or not _concerns(names, token):
            continue
        try:
            entry = HostKeyEntry.from_line(line, number)
        except (InvalidHostKey, paramiko.SSHException, ValueError):
            # Its text would quote the line, and this file may hold anything.
            raise ConnectError(f"known_hosts: line {number} holds no key that can be read") from None
        if entry is None or entry.key is None:
            continue
        if marker == "@revoked":
            revoked.append(entry.key)
        else:
            accepted.setdefault(entry.key.get_name(), entry.key)
    return KnownKeys(accepted, revoked)


def _concerns(names: str, token: str) -> bool:
    """Whether a line's host field names this host: plainly, hashed, by wildcard, and not negated."""
    if names.startswith("|1|"):
        return HostKeys.hash_host(token, names) == names
    patterns = names.split(",")
    if any(_matches(token, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_matches(token, pattern) for pattern in patterns)


def _matches(token: str, pattern: str) -> bool:
    """OpenSSH's patterns know only ``*`` and ``?``; brackets stand for themselves."""
    if "*" not in pattern and "?" not in pattern:
        return token == pattern
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), token) is not None
