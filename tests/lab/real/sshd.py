"""A real OpenSSH server of the lab: own configuration, host keys and port, on loopback only."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.lab.real.enclosure import Enclosure
from tests.lab.real.errors import LabError
from tests.lab.real.waiting import wait_until

HOST = "127.0.0.1"
PORT_ATTEMPTS = 20
START_TIMEOUT = 60.0
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

DEFAULTS: Mapping[str, str] = {
    # debug lines are the only place where sshd tells of a jump channel
    "LogLevel": "DEBUG1",
    "StrictModes": "no",  # the state directory lies in /tmp, which everybody may write
    "UseDNS": "no",
    "PrintMotd": "no",
    "PermitRootLogin": "no",
    "MaxStartups": "500:30:1000",
    "LoginGraceTime": "30",
    "X11Forwarding": "no",
    "AllowAgentForwarding": "no",
}


def find_tool(name: str) -> str | None:
    """Absolute path of a system tool; sbin counts although an ordinary user's PATH leaves it out."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)


def openssh_version(sshd: str) -> tuple[int, int]:
    """Version of the OpenSSH server at path `sshd`. Old ones answer -V with an error, but name it there too."""
    text = subprocess.run([sshd, "-V"], capture_output=True, text=True, check=False).stderr
    match = re.search(r"OpenSSH_(\d+)\.(\d+)", text)
    if match is None:
        raise LabError(f"{sshd} -V names no version: {text.strip()}")
    return int(match[1]), int(match[2])


def make_key(path: Path, *, kind: str = "ed25519") -> Path:
    """Make a key pair without a passphrase at `path` and `path`.pub; `kind` is ssh-keygen's -t."""
    size = ["-b", "2048"] if kind == "rsa" else []
    keygen("-q", "-t", kind, *size, "-N", "", "-C", "lab", "-f", str(path))
    return path


def keygen(*arguments: str) -> None:
    """Run ssh-keygen; `LabError` with its own text when it fails."""
    done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"ssh-keygen failed: {done.stderr.strip() or done.stdout.strip()}")


class Sshd:
    """One listening sshd and the sessions below it."""

    def __init__(self, *, enclosure: Enclosure, options: Mapping[str, str], host_key_kinds: tuple[str, ...]) -> None:
        """Start sshd and return once it listens. `options` are lines of sshd_config(5), they override `DEFAULTS`."""
        sshd = find_tool("sshd")
        if sshd is None:
            raise LabError("there is no sshd; run tools/install-lab.sh")
        self._directory = enclosure.state_dir / "sshd"
        self._directory.mkdir()
        self._log = self._directory / "log"
        self._log_start = 0
        self._frozen: list[psutil.Process] = []
        settings = {**DEFAULTS, **options, "ListenAddress": HOST, "PidFile": "none"}
        if openssh_version(sshd) >= (9, 8):
            settings["PerSourcePenalties"] = "no"  # else a test with a wrong password locks out 127.0.0.1
        lines = [f"{key} {value}" for key, value in settings.items()]
        self.host_keys = [make_key(self._directory / f"host_{kind}", kind=kind) for kind in host_key_kinds]
        lines += [f"HostKey {key}" for key in self.host_keys]
        self._config = self._directory / "sshd_config"
        self._config.write_text("\n".join(lines) + "\n")
        self.host = HOST
        self.port, process = self._listen(enclosure, sshd)
        self._listener = self._find_listener(process.pid)

    def log(self) -> str:
        """What sshd has logged since the start or the last `forget_log`."""
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def forget_log(self) -> None:
        """Let the counters start at zero again."""
        self._log_start = self._log.stat().st_size

    def logins(self, method: str | None = None) -> int:
        """How many logins sshd accepted; `method` is its own word: password, publickey, keyboard-interactive/pam.

        A login is counted at the latest when the client's first channel is open: the word of success may reach the
        client before sshd's other process (privilege separation) has written the line.
        """
        word = re.escape(method) if method else r"\S+"
        return len(re.findall(rf"^Accepted {word} for ", self.log(), re.MULTILINE))

    def refused_logins(self) -> int:
        """How many attempts to log in failed."""
        return len(re.findall(r"^Failed \S+ for ", self.log(), re.MULTILINE))

    def jump_opens(self) -> int:
        """How many channels through this host to another were asked for (RFC 4254 section 7.2, direct-tcpip)."""
        return len(re.findall(r"^debug1: server_request_direct_tcpip: originator ", self.log(), re.MULTILINE))

    def sessions(self) -> int:
        """How many connections are open now, those that still log in among them."""
        return sum(not _ended(process) for process in self._listener.children())

    def freeze(self) -> int:
        """Stop the processes of all open sessions (SIGSTOP): the TCP connections stay, nobody answers.

        Returns the number of sessions frozen. New connections are served.
        """
        sessions = self.sessions()
        self._frozen += self._signal_sessions(signal.SIGSTOP)
        return sessions

    def thaw(self) -> None:
        """Let the frozen sessions run on (SIGCONT); those that have ended meanwhile are left out."""
        while self._frozen:
            process = self._frozen.pop()
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def drop_sessions(self) -> int:
        """Kill the processes of all open sessions and wait until they are gone; returns the number of sessions."""
        sessions = self.sessions()
        self._signal_sessions(signal.SIGKILL)
        self._frozen.clear()
        return sessions

    def _signal_sessions(self, number: signal.Signals) -> list[psutil.Process]:
        """Stop or kill every process below the listener; return them when none of them runs any more.

        A session that is just being set up forks, and the kernel lets a fork through that had begun when the signal
        came (copy_process). So wait until the reached ones stand still, then look again, until nothing new turns up.
        """
        reached: set[psutil.Process] = set()
        while new := set(self._listener.children(recursive=True)) - reached:
            for process in new:
                with contextlib.suppress(psutil.NoSuchProcess):  # ended by itself meanwhile
                    process.send_signal(number)
            reached.update(new)
            wait_until(lambda: all(map(_stands_still, reached)), what="the sessions' processes to stop")
        return list(reached)

    def _listen(self, enclosure: Enclosure, sshd: str) -> tuple[int, subprocess.Popen[bytes]]:
        """Start on a free port. sshd takes no port 0, so a port found free may be taken before sshd has it."""
        for _ in range(PORT_ATTEMPTS):
            port = _free_port()
            self._log.write_text("")
            process = enclosure.spawn([sshd, "-D", "-f", str(self._config), "-p", str(port), "-E", str(self._log)])
            if self._comes_up(process, port):
                return port, process
            if "Address already in use" not in self.log():
                raise LabError(f"sshd ended with status {process.returncode}: {self.log().strip()}")
        raise LabError(f"no free port on {HOST} in {PORT_ATTEMPTS} attempts")

    def _comes_up(self, process: subprocess.Popen[bytes], port: int) -> bool:
        """Wait until sshd listens (true) or has ended (false)."""
        listening = f"Server listening on {HOST} port {port}."
        wait_until(
            lambda: listening in self.log() or process.poll() is not None,
            what="sshd to listen",
            timeout=START_TIMEOUT,
        )
        return process.poll() is None

    def _find_listener(self, spawned: int) -> psutil.Process:
        """The listening sshd is the only child of what the enclosure spawned (nsenter or keeper)."""
        (listener,) = psutil.Process(spawned).children()
        return listener


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _ended(process: psutil.Process) -> bool:
    """Whether the process is gone, or a zombie that its parent has not reaped yet."""
    try:
        return process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return True


def _stands_still(process: psutil.Process) -> bool:
    """Whether the process has ended or is stopped by a signal."""
    try:
        return _ended(process) or process.status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return True
