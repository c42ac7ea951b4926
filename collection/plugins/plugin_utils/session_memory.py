# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about a device from one task of a playbook run to the next.

Each task has a process of its own, so facts that a helper process would keep for the run (the device's version, outputs
in single-user mode) lie in a file of Ansible's temporary directory, which is readable by its owner only and removed
when the run ends. They belong to one kept session: after another login nothing is taken from them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import Any


class SessionMemory:
    """Facts of one device and user.

    Args:
        directory: Ansible's temporary directory of this run.
        identity: what tells this device and user from others; only its hash is written.

    Attributes:
        device_info: what the platform plug-in found out about the device.
        outputs: command: output, in single-user mode.
    """

    def __init__(self, directory: str, identity: list[Any]) -> None:
        name = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:24]
        self._path = os.path.join(directory, f"netpulse-{name}.json")
        self._stored: str | None = None
        self._session: str | None = None
        self.device_info: dict[str, Any] = {}
        self.outputs: dict[str, str] = {}

    def load(self, *, session: str, fresh: bool) -> None:
        """Take over what an earlier task left, if it was about this ``session``.

        Args:
            session: identity of the kept session (the broker's worker).
            fresh: whether the device was logged in to just now: then nothing is taken over.
        """
        self._session = session
        if fresh:
            self.forget()
            return
        try:
            with open(self._path, encoding="utf-8") as file:
                stored = json.load(file)
            if stored["session"] != session:
                return
            self.device_info, self.outputs = dict(stored["device_info"]), dict(stored["outputs"])
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError):
            # Written by something else; as good as none.
            return
        self._stored = self._content()

    def save(self) -> None:
        """Leave it to the next task. Nothing is lost but time when that fails."""
        content = self._content()
        if content == self._stored or not (self.device_info or self.outputs or self._stored):
            return
        partial = f"{self._path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            with open(partial, "w", encoding="utf-8", opener=_private) as file:
                file.write(content)
            os.replace(partial, self._path)
            self._stored = content

    def forget(self) -> None:
        """Nothing of it holds any more."""
        self.device_info, self.outputs = {}, {}
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _content(self) -> str:
        return json.dumps({"session": self._session, "device_info": self.device_info, "outputs": self.outputs})


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
