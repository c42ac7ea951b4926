"""``netpulse status``: what the supervisor of a state directory and its controller say."""

from __future__ import annotations

import fcntl
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from netpulse_broker.cli.up import API_KEY_FILE, LOCK_FILE, URL_FILE

_ANSWERS_WITHIN = 5.0


@dataclass(frozen=True)
class Status:
    """``running``: a supervisor serves the state directory and its controller says it is healthy."""

    running: bool
    text: str


def status(state_dir: Path) -> Status:
    """Ask; never raises for what is not there or cannot be read."""
    try:
        return _ask(state_dir)
    except OSError as error:
        return Status(running=False, text=f"cannot look into {state_dir}: {error}")


def _ask(state_dir: Path) -> Status:
    supervisor = _supervisor(state_dir / LOCK_FILE)
    if supervisor is None:
        return Status(running=False, text=f"no `netpulse up` serves {state_dir}")
    try:
        url = (state_dir / URL_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return Status(running=False, text=f"process {supervisor} is starting or stopping; see {state_dir}/log")
    # Our own controller on this machine, whose certificate names another address.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = urllib.request.Request(f"{url}/health", headers=_credentials(state_dir))  # noqa: S310  # our own file
    try:
        with urllib.request.urlopen(request, timeout=_ANSWERS_WITHIN, context=context) as answer:  # noqa: S310
            health = json.load(answer)
    except urllib.error.HTTPError as error:
        return Status(running=False, text=f"process {supervisor} runs; {url}/health answers {error.code}")
    except (OSError, ValueError) as error:
        return Status(running=False, text=f"process {supervisor} runs; {url} does not answer: {error}")
    return Status(running=True, text=f"process {supervisor} serves {url}\n{json.dumps(health.get('data'), indent=2)}")


def _supervisor(lock_file: Path) -> str | None:
    """The process id of the supervisor that holds the lock, or None."""
    try:
        with lock_file.open(encoding="ascii") as file:
            try:
                # Shared and at once given back with the file: it cannot keep a supervisor from starting for long.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read() or "?"
            return None
    except FileNotFoundError:
        return None


def _credentials(state_dir: Path) -> dict[str, str]:
    try:
        return {"X-API-KEY": (state_dir / API_KEY_FILE).read_text(encoding="ascii").strip()}
    except FileNotFoundError:
        return {}
