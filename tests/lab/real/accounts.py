"""Login accounts that exist inside one `NamespaceEnclosure` only.

sshd asks the C library for accounts, which reads /etc/passwd, /etc/shadow and /etc/group. The lab mounts its own three
files there, so no `useradd` touches the machine, nothing has to be removed, and labs do not share accounts. The copies
keep the machine's accounts (daemons run as `frr`), but no password hash of it.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.real.errors import LabError

FIRST_UID = 52000
"""Between the ordinary users and the dynamic ones of systemd (61184); taken ids are skipped."""

CRYPT_DATA_SIZE = 128 * 1024
"""Bytes of scratch memory for crypt_r(3): libxcrypt's struct crypt_data has 32 KiB, that of old glibc 128 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user who may log in."""

    name: str
    password: str = field(repr=False)
    home: Path
    login_shell: str
    groups: Sequence[str] = ()
    """Further groups by name; they have to exist on the machine."""
    same_as: str | None = None
    """Name of a user of the machine whose user and group id this account shares; None gives it ids of its own."""


def hash_password(password: str) -> str:
    """SHA-512 crypt(5) hash of `password`, by the C library's crypt(3): Python's own module ended with 3.12.

    1,000 rounds, the least that it takes: the lab's passwords are random and short-lived, and a login should not wait.
    """
    crypt_r = ctypes.CDLL("libcrypt.so.1").crypt_r  # not crypt(): it answers in one buffer for all threads
    crypt_r.restype = ctypes.c_char_p
    salt = f"$6$rounds=1000${secrets.token_hex(8)}"
    hashed: bytes | None = crypt_r(password.encode(), salt.encode(), ctypes.create_string_buffer(CRYPT_DATA_SIZE))
    if hashed is None or not hashed.startswith(b"$6$"):
        raise LabError("crypt(3) does not know SHA-512 hashes")
    return hashed.decode()


def write_accounts(directory: Path, accounts: Sequence[Account]) -> None:
    """Write `passwd`, `shadow` and `group` into `directory` and make the home directories."""
    users = {user.pw_name: ":".join(map(str, user)) for user in pwd.getpwall()}
    groups = {group.gr_name: (group.gr_gid, list(group.gr_mem)) for group in grp.getgrall()}
    taken = {user.pw_uid for user in pwd.getpwall()} | {gid for gid, _ in groups.values()}
    shadow = ["root:*:19000:0:99999:7:::"]
    for account in accounts:
        if account.same_as is None:
            uid = gid = next(number for number in range(FIRST_UID, 61000) if number not in taken)
            taken.add(uid)
            groups[account.name] = (gid, [])
        else:
            uid, gid = pwd.getpwnam(account.same_as)[2:4]
        users[account.name] = f"{account.name}:x:{uid}:{gid}:lab:{account.home}:{account.login_shell}"
        for group in account.groups:
            groups[group][1].append(account.name)
        # 19000: a day in 2022 as that of the last change; 0 would force a new password at login
        shadow.append(f"{account.name}:{hash_password(account.password)}:19000:0:99999:7:::")
        account.home.mkdir(parents=True, exist_ok=True)
        _chown_tree(account.home, uid, gid)
    group_lines = [f"{name}:x:{gid}:{','.join(members)}" for name, (gid, members) in groups.items()]
    for name, lines, mode in (
        ("passwd", users.values(), 0o644),
        ("shadow", shadow, 0o600),
        ("group", group_lines, 0o644),
    ):
        path = directory / name
        path.write_text("".join(f"{line}\n" for line in lines))
        path.chmod(mode)


def mount_accounts(directory: Path) -> list[str]:
    """Shell lines that mount the files of `write_accounts` over those of the machine."""
    return [f"mount --bind {directory}/{name} /etc/{name}" for name in ("passwd", "shadow", "group")]


def _chown_tree(root: Path, uid: int, gid: int) -> None:
    for path in (root, *root.rglob("*")):
        os.chown(path, uid, gid)
