"""A Linux host behind a real sshd, with a plain bash prompt: netmiko's `linux`, a jump host, an old-algorithms host.

As root the host lives in a `NamespaceEnclosure` with an account of its own, and every way to log in is there. Without
root sshd runs as the current user and serves only that user, with a key or a certificate: it may not read password
hashes, ask PAM or change to another user.
"""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.real.accounts import Account, mount_accounts, write_accounts
from tests.lab.real.device import Device
from tests.lab.real.enclosure import NamespaceEnclosure, ProcessEnclosure
from tests.lab.real.errors import LabUnavailable
from tests.lab.real.sshd import Sshd, find_tool, keygen, make_key

LEGACY_ALGORITHMS = {
    "KexAlgorithms": "diffie-hellman-group14-sha1",
    "HostKeyAlgorithms": "ssh-rsa",
    "Ciphers": "aes128-cbc",
    "MACs": "hmac-sha1",
    "PubkeyAcceptedAlgorithms": "+ssh-rsa",
}
"""What routers from before about 2015 speak, and nothing else. All RFC 4253 names."""

PAM_STACK = """\
auth required {auth}
account required pam_unix.so
session required pam_permit.so
password required pam_deny.so
"""


class SshdHost:
    """One host; a context manager. Its switches:

    - `password`, `keyboard_interactive`, `public_key`, `certificate`: ways to log in. None of them given means
      password and public key as root, public key otherwise. With `certificate` the user key alone is refused: only
      its certificate, signed by the lab's own authority, opens the door.
    - `pam_auth`: the PAM module that judges passwords, with its arguments; "" is sshd itself, or pam_unix for
      keyboard-interactive logins.
    - `max_sessions`: sshd's limit of channels per connection.
    - `allow_tcp_forwarding`: let clients jump through this host to others.
    - `legacy_algorithms`: speak only what old devices do (`LEGACY_ALGORITHMS`).
    """

    def __init__(
        self,
        *,
        name: str = "host",
        password: bool | None = None,
        keyboard_interactive: bool = False,
        public_key: bool | None = None,
        certificate: bool = False,
        pam_auth: str = "",
        max_sessions: int = 10,
        allow_tcp_forwarding: bool = False,
        legacy_algorithms: bool = False,
    ) -> None:
        nothing_chosen = password is None and public_key is None and not (keyboard_interactive or certificate)
        self.name = name
        self._root = os.geteuid() == 0
        self._password = (nothing_chosen and self._root) if password is None else password
        self._public_key = nothing_chosen if public_key is None else public_key
        self._keyboard_interactive = keyboard_interactive
        self._certificate = certificate
        self._pam_auth = pam_auth
        self._max_sessions = max_sessions
        self._allow_tcp_forwarding = allow_tcp_forwarding
        self._legacy_algorithms = legacy_algorithms
        self._enclosure: NamespaceEnclosure | ProcessEnclosure | None = None

    @staticmethod
    def available(*, password: bool = False) -> tuple[bool, str]:
        """Whether a host can run here, and if not, what to do. `password`: password or keyboard-interactive login."""
        tools = ["sshd", "ssh-keygen", *(["nsenter", "mount", "unshare"] if os.geteuid() == 0 else [])]
        if missing := [name for name in tools if find_tool(name) is None]:
            return False, f"the sshd host misses {', '.join(missing)}; run tools/install-lab.sh"
        if os.geteuid() != 0:
            if password:
                return False, "only root can run an sshd that checks passwords"
            if not _terminals_belong_to_tty():
                return (
                    False,
                    "without root sshd needs /dev/pts mounted with gid=5 (group tty), else it may open no terminal",
                )
            return True, ""
        probe = subprocess.run(["unshare", "-m", "-p", "-f", "true"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            return False, f"the sshd host may not make namespaces here: {probe.stderr.strip()}"
        return True, ""

    def __enter__(self) -> Self:
        """Start sshd; `LabUnavailable` when this machine cannot, `LabError` when something fails."""
        possible, reason = self.available(password=self._password or self._keyboard_interactive)
        if not possible:
            raise LabUnavailable(reason)
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything and remove every trace; a second call does nothing."""
        if self._enclosure is not None:
            self._enclosure.close()
            self._enclosure = None

    @property
    def device(self) -> Device:
        """How to reach the host."""
        return Device(
            name=self.name,
            host=self._sshd.host,
            port=self._sshd.port,
            username=self._username,
            password=self._secret,
            device_type="linux",
            key_file=str(self._key) if self._public_key or self._certificate else None,
        )

    @property
    def home(self) -> Path:
        """The home directory of the account, as this machine sees it."""
        assert self._enclosure is not None, "the host runs"
        return self._enclosure.state_dir / "home" if self._root else self._enclosure.state_dir

    def logins(self, method: str | None = None) -> int:
        """How many logins sshd has accepted, by its own log; `method` as `Sshd.logins` takes it."""
        return self._sshd.logins(method)

    def refused_logins(self) -> int:
        """How many attempts to log in sshd has refused."""
        return self._sshd.refused_logins()

    def jump_opens(self) -> int:
        """How many channels through this host to another clients have asked for."""
        return self._sshd.jump_opens()

    def sessions(self) -> int:
        """How many connections are open now."""
        return self._sshd.sessions()

    def freeze(self) -> int:
        """Stop the open sessions: connected, but nobody answers. Returns how many. New logins work."""
        return self._sshd.freeze()

    def thaw(self) -> None:
        """Let frozen sessions run on."""
        self._sshd.thaw()

    def drop_sessions(self) -> int:
        """Kill the open sessions; the client sees the connection close. Returns how many."""
        return self._sshd.drop_sessions()

    @property
    def known_hosts_line(self) -> str:
        """The host's key as a line for a client's known_hosts file."""
        kind, key, *_ = self._sshd.host_keys[0].with_suffix(".pub").read_text().split()
        return f"[{self._sshd.host}]:{self._sshd.port} {kind} {key}"

    def _start(self) -> None:
        self._secret = ""
        self._enclosure = enclosure = (
            NamespaceEnclosure(name=self.name, net=False) if self._root else ProcessEnclosure(name=self.name)
        )
        state = enclosure.state_dir
        self._key = make_key(state / "id_user", kind="rsa" if self._legacy_algorithms else "ed25519")
        if isinstance(enclosure, NamespaceEnclosure):
            self._username = "labuser"
            self._make_private(enclosure)
        else:
            self._username = pwd.getpwuid(os.geteuid()).pw_name
        self._sshd = Sshd(
            enclosure=enclosure,
            options=self._options(state),
            host_key_kinds=("rsa",) if self._legacy_algorithms else ("ed25519",),
        )

    def _make_private(self, enclosure: NamespaceEnclosure) -> None:
        """Give the host an account, its own PAM stack and login records of its own."""
        state = enclosure.state_dir
        if self._password or self._keyboard_interactive:
            self._secret = secrets.token_urlsafe(12)
        account = Account(
            name=self._username,
            password=self._secret or secrets.token_urlsafe(32),
            home=state / "home",
            login_shell="/bin/bash",
        )
        account.home.mkdir()
        (account.home / ".hushlogin").touch()
        (account.home / ".bash_profile").write_text("PS1='\\u@\\h:\\w\\$ '\nunset HISTFILE\n")
        write_accounts(state, [account])
        (state / "pam").write_text(PAM_STACK.format(auth=self._pam_auth or "pam_unix.so"))
        enclosure.run(
            ["sh"],
            stdin="\n".join(
                [
                    "set -e",
                    *(f"mount -t tmpfs -o mode=755 lab {path}" for path in ("/run", "/var/log")),
                    "mkdir -m 755 /run/sshd",
                    f"mount --bind {state}/pam /etc/pam.d/sshd",
                    *mount_accounts(state),
                    "",
                ]
            ),
        )

    def _options(self, state: Path) -> dict[str, str]:
        """Lines of sshd_config for the switches."""
        options = {
            "AllowUsers": self._username,
            "PasswordAuthentication": _yes(self._password),
            "KbdInteractiveAuthentication": _yes(self._keyboard_interactive),
            "UsePAM": _yes(self._keyboard_interactive or bool(self._pam_auth)),
            "PubkeyAuthentication": _yes(self._public_key or self._certificate),
            "AuthorizedKeysFile": f"{self._key}.pub" if self._public_key else "none",
            "MaxSessions": str(self._max_sessions),
            "AllowTcpForwarding": "local" if self._allow_tcp_forwarding else "no",
            "Subsystem": "sftp internal-sftp",
            "PrintLastLog": "no",
        }
        if self._certificate:
            authority = make_key(state / "user_ca")
            keygen("-q", "-s", str(authority), "-I", "lab", "-n", self._username, "-V", "-1m:+1d", f"{self._key}.pub")
            options["TrustedUserCAKeys"] = f"{authority}.pub"
        if not self._root:
            options["ForceCommand"] = str(self._write_plain_bash(state))
        return options | (LEGACY_ALGORITHMS if self._legacy_algorithms else {})

    def _write_plain_bash(self, state: Path) -> Path:
        """Without an account of its own the host hides the user's home and start files behind this command."""
        script = state / "plain-bash"
        script.write_text(
            "#!/bin/sh\n"
            f"cd {state}; export HOME={state} HISTFILE=\n"
            '[ -z "$SSH_ORIGINAL_COMMAND" ] || exec /bin/bash --noprofile --norc -c "$SSH_ORIGINAL_COMMAND"\n'
            f"echo \"PS1='\\u@\\h:\\w\\\\$ '\" > {state}/bashrc\n"
            f"exec /bin/bash --noprofile --rcfile {state}/bashrc -i\n"
        )
        script.chmod(0o755)
        return script


def _terminals_belong_to_tty() -> bool:
    """Whether a new terminal has the group that sshd wants for it; only root could change that (pty_setowner)."""
    controller, terminal = os.openpty()
    try:
        return os.fstat(terminal).st_gid == grp.getgrnam("tty").gr_gid
    finally:
        os.close(controller)
        os.close(terminal)


def _yes(switch: bool) -> str:
    return "yes" if switch else "no"
