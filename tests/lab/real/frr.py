"""Two real FRRouting routers behind a real sshd, as a network device looks to its client.

Each router has zebra, staticd, bgpd and ospfd in network, mount and PID namespaces of its own; inside, everything lies
where a packaged FRR has it. Its sshd runs in the same mounts but listens on the host's loopback; the login shell is
vtysh. See `frr_config.py` for what they are configured to do.
"""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.lab.real.accounts import Account, mount_accounts, write_accounts
from tests.lab.real.device import Device
from tests.lab.real.enclosure import NamespaceEnclosure
from tests.lab.real.errors import LabUnavailable
from tests.lab.real.frr_config import LINKS, startup_config, vtysh_config
from tests.lab.real.sshd import Sshd, find_tool
from tests.lab.real.waiting import wait_until

FRR_DAEMONS = Path("/usr/lib/frr")
DAEMONS = ("zebra", "mgmtd", "staticd", "bgpd", "ospfd")
"""In the order of their start. mgmtd came with FRR 9 and is left out where it is missing."""

HIDDEN = ("/run", "/var/log", "/var/tmp")
"""Directories that a router sees empty: pid files, sockets, login records and crash logs are its own."""

STOP_TIMEOUT = 60.0


class FrrRouter:
    """One router: `r1` or `r2`."""

    def __init__(self, number: int) -> None:
        self.name = f"r{number}"
        self._number = number
        self.enclosure = NamespaceEnclosure(name=f"frr-{self.name}", net=True)

    def boot(self) -> None:
        """Set up the private machine, start its daemons and its sshd."""
        state = self.enclosure.state_dir
        self._etc = state / "frr"
        self._etc.mkdir()
        account = Account(
            name="netops",
            password=secrets.token_urlsafe(12),
            home=state / "home",
            login_shell=find_tool("vtysh") or "/usr/bin/vtysh",
            groups=("frrvty",),
            same_as="frr",  # `write memory` hands the file to frr, which nobody else but root could do
        )
        write_accounts(state, [account])
        script = [
            "set -e",
            *(f"mount -t tmpfs -o mode=1777 lab {path}" for path in HIDDEN),
            "chmod 755 /run /var/log",
            "mkdir -m 755 /run/sshd /run/frr",
            "chown frr:frr /run/frr",
            f"mount --bind {self._etc} /etc/frr",
            *mount_accounts(state),
            "ip link set lo up",
            *(f"ip link set {link} up" for link in LINKS),
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
        ]
        self._shell(script)
        self.start_daemons()
        self.sshd = Sshd(
            enclosure=self.enclosure,
            options={
                "UsePAM": "no",
                "PasswordAuthentication": "yes",
                "KbdInteractiveAuthentication": "no",
                "PubkeyAuthentication": "no",
                "AllowUsers": account.name,
                "PrintLastLog": "no",
                "MaxSessions": "10",
                "AllowTcpForwarding": "no",
            },
            host_key_kinds=("ed25519",),
        )
        self.device = Device(
            name=self.name,
            host=self.sshd.host,
            port=self.sshd.port,
            username=account.name,
            password=account.password,
            device_type="cisco_ios",
        )

    def start_daemons(self) -> None:
        """Write the startup configuration and start the daemons with it."""
        self._write_config("frr.conf", startup_config(self._number))
        self._write_config("vtysh.conf", vtysh_config(self._number))
        # -d returns when the daemon has forked off after its initialization, so its vty is there for vtysh -b.
        self._shell(
            [
                "set -e",
                *(
                    f"{FRR_DAEMONS / daemon} -d -P 0 --log file:/var/tmp/{daemon}.log"
                    for daemon in DAEMONS
                    if (FRR_DAEMONS / daemon).exists()
                ),
                "vtysh -b",
            ]
        )

    def stop_daemons(self) -> None:
        """End the daemons and take the addresses away that they leave on the interfaces."""
        daemons = psutil.Process(self.enclosure.init_pid).children()
        for daemon in daemons:
            daemon.terminate()
        wait_until(
            lambda: not any(daemon.is_running() for daemon in daemons),
            what=f"the daemons of {self.name} to end",
            timeout=STOP_TIMEOUT,
        )
        self._shell([*(f"ip address flush dev {link} scope global" for link in ("lo", *LINKS))])

    def vtysh(self, command: str) -> str:
        """Output of one command, typed by root on the console: no login is counted for it."""
        return self.enclosure.run(["vtysh", "-c", command])

    def saved_config(self) -> str:
        """The configuration that the router would boot with."""
        return (self._etc / "frr.conf").read_text()

    def _write_config(self, name: str, text: str) -> None:
        path = self._etc / name
        path.write_text(text)
        owner, group = pwd.getpwnam("frr").pw_uid, grp.getgrnam("frrvty").gr_gid
        for item, mode in ((path, 0o664), (self._etc, 0o2775)):
            os.chown(item, owner, group)
            item.chmod(mode)

    def _shell(self, lines: list[str]) -> None:
        self.enclosure.run(["sh"], stdin="\n".join(lines) + "\n")


class FrrLab:
    """Two routers, r1 and r2, joined by cables. A context manager; may be used from any thread, one at a time."""

    def __init__(self) -> None:
        self._routers: dict[str, FrrRouter] = {}

    @staticmethod
    def available() -> tuple[bool, str]:
        """Whether the lab can run here, and if not, what to do about it."""
        if os.geteuid() != 0:
            return False, "the FRR lab needs root: it makes network namespaces"
        missing = [
            name
            for name in ("vtysh", "sshd", "ssh-keygen", "ip", "nsenter", "unshare", "mount")
            if find_tool(name) is None
        ]
        missing += [name for name in DAEMONS if name != "mgmtd" and not (FRR_DAEMONS / name).exists()]
        if missing:
            return False, f"the FRR lab misses {', '.join(missing)}; run tools/install-lab.sh"
        probe = subprocess.run(["unshare", "-m", "-n", "-p", "-f", "true"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            return False, f"the FRR lab may not make namespaces here: {probe.stderr.strip()}"
        return True, ""

    def __enter__(self) -> Self:
        """Start both routers; `LabUnavailable` when this machine cannot, `LabError` when something fails."""
        possible, reason = self.available()
        if not possible:
            raise LabUnavailable(reason)
        try:
            for number in (1, 2):
                router = FrrRouter(number)
                self._routers[router.name] = router
            self._connect_cables()
            self._each(FrrRouter.boot)
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
        while self._routers:
            _, router = self._routers.popitem()
            router.enclosure.close()

    @property
    def routers(self) -> list[Device]:
        """How to reach r1 and r2, in this order."""
        return [router.device for router in self._routers.values()]

    def logins(self, name: str) -> int:
        """How many logins this router's sshd has accepted since the start or the last `reset`."""
        return self._routers[name].sshd.logins()

    def refused_logins(self, name: str) -> int:
        """How many attempts to log in this router's sshd has refused."""
        return self._routers[name].sshd.refused_logins()

    def sessions(self, name: str) -> int:
        """How many connections to this router are open now."""
        return self._routers[name].sshd.sessions()

    def freeze(self, name: str) -> int:
        """Stop the router's open sessions: connected, but nobody answers. Returns how many. New logins work."""
        return self._routers[name].sshd.freeze()

    def thaw(self, name: str) -> None:
        """Let frozen sessions run on."""
        self._routers[name].sshd.thaw()

    def drop_sessions(self, name: str) -> int:
        """Kill the router's open sessions; the client sees the connection close. Returns how many."""
        return self._routers[name].sshd.drop_sessions()

    def show(self, name: str, command: str) -> str:
        """Output of a vtysh command typed on the router's console, past sshd and its counters."""
        return self._routers[name].vtysh(command)

    def running_config(self, name: str) -> str:
        """The router's running configuration, read on its console."""
        return self.show(name, "show running-config")

    def saved_config(self, name: str) -> str:
        """The router's startup configuration, as `write memory` leaves it."""
        return self._routers[name].saved_config()

    def reset(self) -> None:
        """Bring both routers back to their first configuration, close all sessions and start counters at zero."""
        for router in self._routers.values():
            router.sshd.drop_sessions()
        self._each(FrrRouter.stop_daemons)
        self._each(FrrRouter.start_daemons)
        for router in self._routers.values():
            router.sshd.forget_log()

    def _connect_cables(self) -> None:
        """Each cable is a veth pair with an end in either router; ends have the same name."""
        first, second = (router.enclosure.init_pid for router in self._routers.values())
        for link in LINKS:
            peer = ["peer", "name", link, "netns", str(second)]
            subprocess.run(
                ["nsenter", "-t", str(first), "-n", "--", "ip", "link", "add", link, "type", "veth", *peer], check=True
            )

    def _each(self, action: Callable[[FrrRouter], None]) -> None:
        """Do `action` on both routers at the same time."""
        with ThreadPoolExecutor(len(self._routers)) as pool:
            for done in [pool.submit(action, router) for router in self._routers.values()]:
                done.result()
