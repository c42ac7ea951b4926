"""Callback plug-in that takes from ansible-core what serving modules from the worker stands on."""

from __future__ import annotations

from ansible.plugins.callback import CallbackBase
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: without_hook
type: notification
short_description: An ansible-core without the hook
description: [Removes the property socket_path from connection plug-ins, as a later ansible-core might.]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "without_hook"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        del ConnectionBase.socket_path
