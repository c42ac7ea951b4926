"""Callback plug-in that writes each task result as a line of JSON to the file that RESULT_RECORD names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: result_recorder
type: notification
short_description: Record results for tests
description: [Writes each task result as a line of JSON to the file that E(RESULT_RECORD) names.]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "result_recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, state: str, result: Any) -> None:
        line = {
            "state": state,
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            # As they were after templating.
            "action": result._task_fields.get("action"),
            "args": result._task_fields.get("args"),
            "result": result._result,
        }
        with Path(os.environ["RESULT_RECORD"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)
