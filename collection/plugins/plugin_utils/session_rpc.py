# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules talk to: JSON-RPC on a unix socket, served by a thread of the Ansible worker.

ansible-core starts a helper process for this, for each task and host. A thread does the same at a fraction of the cost,
because the session itself is kept by the broker and nothing needs to outlive the task.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import traceback
from typing import Any, SupportsIndex

from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.module_utils.connection import recv_data, send_data
from ansible.utils.jsonrpc import JsonRpcServer

# Longest path of a unix socket that every system takes, with room for the file's own name.
LONGEST_DIRECTORY = 80


class _Dispatcher(JsonRpcServer):
    """ansible-core's dispatcher, with its own set of objects: the inherited one is shared by the whole process."""

    def __init__(self, target: object) -> None:
        self._objects = {target}


class TaskSocketPath(str):
    """The path of a socket that ends with the task.

    ansible-core sends the task's arguments, the path among them, back to its main process, which would later try to
    reset the connection there. Nobody listens then, and ``meta: reset_connection`` would silently do nothing. So what
    is sent there is empty: then ansible-core asks a new instance of the plug-in, which knows how to do it.
    """

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[str], tuple[str]]:
        return (str, ("",))

    def __copy__(self) -> TaskSocketPath:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TaskSocketPath:
        return self


class RpcService:
    """Serves ``target``'s methods until it is closed.

    Args:
        target: object whose public methods may be called.
        directory: where the socket's own directory is made; another is taken when the path would get too long.

    Attributes:
        path: of the socket.
        failures: tracebacks of what went wrong in the thread itself.
    """

    def __init__(self, target: object, *, directory: str) -> None:
        self.failures: list[str] = []
        self._dispatcher = _Dispatcher(target)
        self._closing = False
        fits = len(os.fsencode(directory)) <= LONGEST_DIRECTORY and os.path.isdir(directory)
        # Only its owner may enter a directory that mkdtemp makes.
        self._directory = tempfile.mkdtemp(prefix="np", dir=directory if fits else "/tmp")  # noqa: S108
        self.path = TaskSocketPath(os.path.join(self._directory, "rpc"))
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(self.path))
            self._listener.listen(8)
        except OSError:
            self._listener.close()
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        self._thread = threading.Thread(target=self._serve, name="netpulse-rpc", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a request that is under way gets no answer."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _serve(self) -> None:
        while not self._closing:
            try:
                client, _address = self._listener.accept()
            except OSError:
                if not self._closing:
                    self.failures.append(traceback.format_exc())
                return
            with client:
                try:
                    self._serve_client(client)
                except OSError:
                    # The module went away before it had its answer.
                    continue

    def _serve_client(self, client: socket.socket) -> None:
        while (request := recv_data(client)) is not None:
            if not request:
                return
            send_data(client, to_bytes(self._answer(request), errors="surrogate_then_replace"))

    def _answer(self, request: bytes) -> str:
        try:
            return str(self._dispatcher.handle_request(request))
        except BaseException as error:  # noqa: BLE001 - a plug-in's SystemExit too: the module waits for an answer
            self.failures.append(traceback.format_exc())
            text = f"{type(error).__name__} while serving the request: {error}"
            return json.dumps(
                {"jsonrpc": "2.0", "id": _identity(request), "error": {"code": -32603, "message": text, "data": text}}
            )


def _identity(request: bytes) -> Any:
    try:
        return json.loads(to_text(request)).get("id")
    except (ValueError, AttributeError):
        return None
