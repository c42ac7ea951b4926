"""Where the private server keeps what in the state directory."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# sun_path of sockaddr_un holds 108 bytes with the final NUL (unix(7)); some room is left for the name that the server
# gives its socket while it binds.
_LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True)
class ServerPaths:
    """Paths of the private server that belongs to one state directory."""

    state_dir: Path

    @property
    def directory(self) -> Path:
        """Everything of the server; its working directory, with the append-only files under ``appendonlydir``."""
        return self.state_dir / "server"

    @property
    def password(self) -> Path:
        """The server's password, mode 0600."""
        return self.directory / "password"

    @property
    def keeper_lock(self) -> Path:
        """Locked by keeper and server as long as either of them lives: never two servers on the same data."""
        return self.directory / "keeper.lock"

    @property
    def attach_lock(self) -> Path:
        """Locked while a supervisor attaches and while a keeper decides to stop, so that neither misses the other."""
        return self.directory / "attach.lock"

    @property
    def lifeline(self) -> Path:
        """The named pipe whose writers keep the server alive."""
        return self.directory / "lifeline"

    @property
    def log_directory(self) -> Path:
        """Log files of all processes of this state directory."""
        return self.state_dir / "log"

    @property
    def socket(self) -> Path:
        """The server's socket: in its directory, or under a short path when that one is too long for a socket."""
        usual = self.directory / "server.sock"
        if len(os.fsencode(usual)) <= _LONGEST_SOCKET_PATH:
            return usual
        # The same for every process of this state directory. Somebody else may own that name in a shared directory:
        # private_directory refuses it then.
        digest = hashlib.sha256(os.fsencode(self.state_dir)).hexdigest()[:12]
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        base = Path(runtime) if runtime.startswith("/") and len(runtime) < 60 else Path(tempfile.gettempdir())
        if len(os.fsencode(base)) >= 60:
            base = Path("/tmp")  # noqa: S108  # see above
        return base / f"netpulse-{os.geteuid()}-{digest}" / "server.sock"
